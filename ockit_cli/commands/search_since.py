"""The moment that ``--since`` names: a date, or how long ago."""

from __future__ import annotations

import re
import time
from datetime import datetime

from ockit.errors import UsageError

_SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}


def moment(text: str) -> float:
    """Seconds since 1970: of ``2026-01-31`` (midnight here), ``2026-01-31T12:00``, or of ``12h``, ``7d``, ``3w`` ago.

    Raises:
        UsageError: it is none of these.
    """
    ago = re.fullmatch(r"(\d{1,6})([hdw])", text.strip())
    if ago is not None:
        return time.time() - int(ago[1]) * _SECONDS[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()  # without a zone: here
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"--since {text!r} is no date", hint="--since 2026-01-31, or --since 7d") from error
