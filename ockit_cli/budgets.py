"""How much memory each graphics card may be given, as a person writes it: ``0:10,1:12``, in GiB.

The form is that of OpenChatKit's inference bot. Knows numbers only; not which cards there are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

FORM = "GPU:GIB pairs with commas between them, each GPU (0 to 15) once, such as 0:10,1:12"
"""What `parse_budgets` takes, in words."""

MAX_GPUS = 16
"""``llama_max_devices()``: llama.cpp numbers its cards from 0 to 15."""

MAX_GIB = 1_000_000

GIB = 1 << 30

_PAIR = re.compile(
    r"\s*(?P<gpu>\d{1,2})\s*:\s*(?P<gib>\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s*",
    re.ASCII,
)


def parse_budgets(text: str) -> Mapping[int, int]:
    """Bytes for each card, by llama.cpp's number of it, in ascending order.

    Args:
        text: ``GPU:GIB`` pairs with commas between them; a budget may have a fraction and may be 0.

    Raises:
        ValueError: it is not of that form, names a card twice, or a number that cannot be.
    """
    budgets: dict[int, int] = {}
    for part in text.split(","):
        pair = _PAIR.fullmatch(part)
        if pair is None:
            raise ValueError(f"{part!r} is no GPU:GIB pair")
        gpu, gib = int(pair["gpu"]), float(pair["gib"])
        if gpu >= MAX_GPUS or gib > MAX_GIB or gpu in budgets:
            raise ValueError(f"{part!r} names a card twice, or a number that cannot be")
        budgets[gpu] = int(gib * GIB)
    return dict(sorted(budgets.items()))
