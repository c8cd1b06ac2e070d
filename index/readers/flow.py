"""Paragraphs and tables of office documents, as their XML opens and closes them, to lines. Knows no vocabulary."""

from __future__ import annotations

from ockit.index.readers.composing import Composer


class Flow:
    """Writes paragraphs and table rows to a composer. A paragraph may stand inside another (a text box), a table in a
    cell of another."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._paragraphs: list[list[str]] = []
        self._rows: list[list[list[str]]] = []
        self._table_open = False

    def begin_paragraph(self) -> None:
        """A paragraph begins."""
        self._paragraphs.append([])

    def add(self, text: str) -> None:
        """Words of the innermost open paragraph; what stands outside of any is layout."""
        if self._paragraphs:
            self._paragraphs[-1].append(text)

    def end_paragraph(self, *, level: int | None = None, item: bool = False) -> str:
        """The innermost paragraph ends; gives its text.

        Args:
            level: it is a heading, of this level.
            item: it belongs to a list.
        """
        text = "".join(self._paragraphs.pop())
        if not text.strip():
            return ""
        if self._rows:
            if self._rows[-1]:
                self._rows[-1][-1].append(" ".join(text.split()))
        elif level is not None:
            self._end_table()
            self._composer.heading(level, text)
        else:
            self._end_table()
            if item:
                self._composer.text(f"- {text}")
            else:
                self._composer.gap()
                self._composer.text(text)
                self._composer.gap()
        return text

    def begin_row(self) -> None:
        """A row of a table begins."""
        self._rows.append([])

    def begin_cell(self) -> None:
        """A cell of the innermost row begins."""
        if self._rows:
            self._rows[-1].append([])

    def end_row(self) -> None:
        """The innermost row ends."""
        cells = [" ".join(cell) for cell in self._rows.pop()]
        line = " | ".join(cells)
        if not any(cells):
            return
        if self._rows and self._rows[-1]:
            self._rows[-1][-1].append(line)
            return
        if not self._table_open:
            self._composer.gap()
            self._table_open = True
        self._composer.line(line)

    def _end_table(self) -> None:
        if self._table_open:
            self._composer.gap()
            self._table_open = False
