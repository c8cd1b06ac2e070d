"""A prompt as a person may look at it: control tokens stand out from text that only looks like them."""

from __future__ import annotations

from collections.abc import Iterable

from ockit.prompts.segments import Bos, Control, Segment


def marked(segments: Iterable[Segment], bos: str | None) -> str:
    """The prompt's text with its control tokens as ``⟦<|im_start|>⟧``.

    Args:
        bos: the spelling of the begin-of-text token, where the model wants one in front.
    """
    parts = []
    for segment in segments:
        if isinstance(segment, Bos):
            parts.append(f"⟦{bos}⟧" if bos is not None else "")
        elif isinstance(segment, Control):
            parts.append(f"⟦{segment.text}⟧")
        else:
            parts.append(segment.text)
    return "".join(parts)
