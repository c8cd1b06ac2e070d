"""A long text in parts that a judge can read. Knows characters, no tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ockit.errors import ContextOverflow
from ockit.moderation.judges.judge import CASUAL, Opinion, strictest

OVERLAP = 200
"""Characters that two parts share, so that what is said is whole in one of them."""
MOST_CHARACTERS = 32_000
"""Of one text. Reading more takes a model of this kind minutes."""
SHORTEST = 200


def in_parts(text: str, size: int, ask: Callable[[str], Opinion], *, name: str) -> Opinion:
    """The strictest opinion on the parts of a text (`strictest`), with the place of the part that decided.

    Args:
        size: characters of a part.
        ask: judges one part; where it raises ContextOverflow (a script with many tokens a character), the part is
            halved.

    Raises:
        ContextOverflow: the text is longer than `MOST_CHARACTERS`, or even a short part does not fit.
    """
    if not text.strip():
        return CASUAL
    if len(text) > MOST_CHARACTERS:
        raise ContextOverflow(
            f"the text has {len(text)} characters; {name} reads {MOST_CHARACTERS} at most",
            hint="the embedded back end reads texts of any length",
        )
    opinions: list[Opinion] = []
    for start, end in spans(text, size):
        part = text[start:end]
        try:
            found = ask(part)
        except ContextOverflow:
            if len(part) <= SHORTEST:
                raise
            found = in_parts(part, -(-len(part) // 2), ask, name=name)
        whole = start == 0 and end == len(text)
        offset = start + (found.start or 0)
        length = len(part) if found.end is None else found.end - (found.start or 0)
        place = (None, None) if whole and found.end is None else (offset, offset + length)
        opinions.append(Opinion(found.p_level, found.categories, found.injection, found.words, *place))
    return strictest(opinions)


def spans(text: str, size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of parts of at most `size` characters, cut at white space where there is some, overlapping."""
    start = 0
    while len(text) - start > size:
        end = max(
            text.rfind(" ", start + size // 2, start + size),
            text.rfind("\n", start + size // 2, start + size),
        )
        if end < 0:
            end = start + size
        yield start, end
        start = max(end - min(OVERLAP, size // 4), start + 1)
    if start == 0 or text[start:].strip():
        yield start, len(text)
