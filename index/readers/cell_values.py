"""Numbers of a workbook as a person sees them: dates by their format, the rest without rounding noise.

ECMA-376 part 1, 18.8.30 (number formats) and 18.17.4 (dates).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ockit.index.readers.archive import Archive
from ockit.index.readers.xml_events import xml_events

_BUILT_IN_DATES = frozenset(
    str(number) for number in (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))
)
_NOT_CODE = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_DATE_LETTERS = re.compile(r"[dmyhs]", re.I)
_FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook's dates have no zone; day 60 is a day that never was
_DAYS_TO_1904 = 1462
_LAST_DAY = 2_958_465  # 9999-12-31


class DateStyles:
    """Which cell styles show a number as a date.

    Attributes:
        since_1904: whether the workbook counts days from 1904.
    """

    def __init__(self, dates: frozenset[str]) -> None:
        self._dates = dates
        self.since_1904 = False

    @classmethod
    def read(cls, archive: Archive, member: str | None) -> DateStyles:
        """From the member that holds the styles; None where there is none."""
        codes: dict[str, str] = {}
        dates: list[str] = []
        in_cells = False
        count = 0
        for event in xml_events(archive.pieces(member)) if member is not None else ():
            if event.name == "cellXfs":
                in_cells = event.what == "start"
            elif event.what == "start" and event.name == "numFmt":
                codes[event.attributes.get("numFmtId", "")] = event.attributes.get("formatCode", "")
            elif event.what == "start" and event.name == "xf" and in_cells:
                number = event.attributes.get("numFmtId", "0")
                code = _NOT_CODE.sub("", codes.get(number, "")[:255])
                if number in _BUILT_IN_DATES or (_DATE_LETTERS.search(code) and "General" not in code):
                    dates.append(str(count))
                count += 1
        return cls(frozenset(dates))

    def date_text(self, style: str, value: str) -> str:
        """``2024-05-01``, ``2024-05-01 13:30`` or ``13:30``; nothing where the style shows no date."""
        if style not in self._dates:
            return ""
        days = float(value) + (_DAYS_TO_1904 if self.since_1904 else 0)
        if not 0 <= days <= _LAST_DAY:
            return ""
        moment = _FIRST_DAY + timedelta(seconds=round(days * 86400))
        clock = moment.strftime("%H:%M:%S" if moment.second else "%H:%M")
        if days < 1:
            return clock
        day = moment.strftime("%Y-%m-%d")
        return day if clock == "00:00" else f"{day} {clock}"


def number_text(value: str) -> str:
    """A number as written, without the noise of its last binary digits."""
    if "." not in value and "E" not in value:
        return value
    try:
        return format(float(value), ".15g")
    except ValueError:
        return value
