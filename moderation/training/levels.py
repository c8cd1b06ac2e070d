"""The names of the five levels, as people and ProsocialDialog write them. Knows no rows."""

from __future__ import annotations

LEVEL_NAMES = (
    "casual",
    "possibly needs caution",
    "probably needs caution",
    "needs caution",
    "needs intervention",
)
"""The levels of OpenChatKit's moderation model, which are those of ProsocialDialog's safety labels, 0 to 4."""


def level_named(text: str) -> int | None:
    """The level of a name, whichever way it is written (``__needs_caution__``, ``Needs caution``); None: it is none."""
    plain = " ".join(text.replace("_", " ").replace("-", " ").lower().split())
    return LEVEL_NAMES.index(plain) if plain in LEVEL_NAMES else None
