"""The input line as a terminal may draw it: what would reorder or hide text is shown as ``<U+202E>``.

Knows prompt_toolkit's input processors; what is shown and what is drawn is `ockit.text`'s. The text itself stays as
it was typed, pasted or recalled, and is sent so; the cursor stands in front of the whole of ``<U+202E>`` or behind it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_to_text
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput

from ockit.text import marks


class Visible(Processor):
    """Shows one line of the input safely."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """The line with its marks, and where each of its characters stands in it."""
        fragments = transformation_input.fragments
        found = marks(fragment_list_to_text(fragments))
        if not found:
            return Transformation(fragments)
        places = [place for place, _ in found]
        sizes = [len(mark) for _, mark in found]
        # by how much everything behind the first n marks is moved
        moved = [0, *accumulate(size - 1 for size in sizes)]
        starts = [place + before for place, before in zip(places, moved, strict=False)]

        def source_to_display(position: int) -> int:
            return position + moved[bisect_left(places, position)]

        def display_to_source(position: int) -> int:
            count = bisect_right(starts, position)
            if count and position < starts[count - 1] + sizes[count - 1]:
                return places[count - 1]
            return position - moved[count]

        return Transformation(_marked(fragments, found), source_to_display, display_to_source)


def _marked(fragments: StyleAndTextTuples, found: list[tuple[int, str]]) -> StyleAndTextTuples:
    """The fragments with each character that has a mark replaced by it, in the style it had."""
    out: StyleAndTextTuples = []
    begin = number = 0
    for style, text, *handler in fragments:
        pieces = []
        at = 0
        while number < len(found) and found[number][0] < begin + len(text):
            place, mark = found[number]
            pieces += [text[at : place - begin], mark]
            at = place - begin + 1
            number += 1
        pieces.append(text[at:])
        out.append((style, "".join(pieces), *handler))  # type: ignore[arg-type]
        begin += len(text)
    return out
