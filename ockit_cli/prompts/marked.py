"""A prompt as a person may look at it: control tokens stand out from text that only looks like them."""

from __future__ import annotations

from collections.abc import Iterable

from ockit.prompts.segments import Bos, Control, Segment


def marked(segments: Iterable[Segment]) -> str:
    """The prompt's text with its control tokens as ``⟦<|im_start|>⟧``. ``⟦BOS⟧`` stands for the begin-of-text
    token, which only vocabularies that want one have."""
    parts = []
    for segment in segments:
        if isinstance(segment, Bos):
            parts.append("⟦BOS⟧")
        elif isinstance(segment, Control):
            parts.append(f"⟦{segment.text}⟧")
        else:
            parts.append(segment.text)
    return "".join(parts)
