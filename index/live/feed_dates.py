"""Dates as feeds write them: RFC 822 and ISO 8601, and the odd forms in between. Knows nothing else of feeds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_YEARS = (1970, 2200)
_ISO = re.compile(r"\d{4}(?:-\d{1,2}(?:-\d{1,2}.*)?)?", re.S)


def seconds_of(text: str) -> float | None:
    """Unix seconds of a date, None for one that cannot be read. One without a zone is taken for UTC."""
    said = " ".join(text.split())[:100]
    found = _iso(said) if _ISO.fullmatch(said) else _mail(said)
    if found is None:
        return None
    try:
        moment = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        return moment.timestamp() if _YEARS[0] <= moment.year < _YEARS[1] else None
    except (OverflowError, ValueError):
        return None


def _iso(said: str) -> datetime | None:
    """ISO 8601, also a year or a month alone, and with one-digit months and days."""
    padded = re.sub(r"^(\d{4})-(\d)(?=-|$)", r"\1-0\2", said)
    padded = re.sub(r"^(\d{4}-\d\d)-(\d)(?=\D|$)", r"\1-0\2", padded)
    whole = padded + {4: "-01-01", 7: "-01"}.get(len(padded), "")
    whole = re.sub(r" (?=[+-]\d\d:?\d\d$)", "", whole).removesuffix(" UTC")
    try:
        return datetime.fromisoformat(whole)
    except ValueError:
        return None


def _mail(said: str) -> datetime | None:
    """RFC 822, its weekday in any language or wrong."""
    from email.utils import parsedate_to_datetime

    for text in (said, said.partition(",")[2].strip()):
        try:
            return parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
