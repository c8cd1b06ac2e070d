"""Sizes and counts as a person reads them: ``93.8 MiB``, ``135M``. Knows numbers only."""

from __future__ import annotations


def size_text(n_bytes: int | None) -> str | None:
    """Bytes in binary units with three digits; None stays None."""
    if n_bytes is None:
        return None
    value, unit = float(n_bytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1023.95:
            break
        value, unit = value / 1024, larger
    return f"{n_bytes} B" if unit == "B" else f"{value:.1f} {unit}"


def count_text(n: int | None) -> str | None:
    """A count with a letter, as models are named by it: 134515008 is ``135M``; None stays None."""
    if n is None:
        return None
    value, unit = float(n), ""
    for larger in ("K", "M", "B", "T"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f}{unit}" if value >= 99.5 or not unit else f"{value:.1f}{unit}".replace(".0", "")
