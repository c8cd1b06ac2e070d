"""The five levels, as people and ProsocialDialog write their names. Knows no rows."""

from __future__ import annotations

from ockit.messages import LEVEL_NAMES


def level_named(text: str) -> int | None:
    """The level of a name, whichever way it is written (``__needs_caution__``, ``Needs caution``); None: it is none."""
    plain = " ".join(text.replace("_", " ").replace("-", " ").lower().split())
    return LEVEL_NAMES.index(plain) if plain in LEVEL_NAMES else None
