"""Putting a document together line by line, for formats whose text is not the file's own. Knows no format.

Blocks are kept apart by one empty line; the lines inside one follow each other.
"""

from __future__ import annotations

from ockit.documents import Document, Mark
from ockit.index.readers.decoding import clean
from ockit.index.readers.reading import ReadingFailed

LONGEST_TITLE = 200
"""Characters of a heading that are kept; what is longer is a paragraph in a heading's clothes."""


def one_line(text: str) -> str:
    """A title: blanks squeezed, cut at `LONGEST_TITLE`."""
    return clean(" ".join(text.split()))[:LONGEST_TITLE]


class Composer:
    """Collects lines, marks and pages.

    Args:
        characters: how long the text may get.
    """

    def __init__(self, characters: int) -> None:
        self._limit = characters
        self._lines: list[str] = []
        self._numbers: list[int] = []
        self._marks: list[Mark] = []
        self._pages: list[int] = []
        self.length = 0

    def line(self, text: str, number: int = 0) -> None:
        """Add a line of text, without its end.

        Args:
            number: the line of the file it comes from.

        Raises:
            ReadingFailed: the text is too long.
        """
        text = clean(text).replace("\r", " ")
        self.fits(len(text) + 1)
        self.length += len(text) + 1
        self._lines.append(text)
        self._numbers.append(number)

    def text(self, text: str, number: int = 0) -> None:
        """Add the lines of a text that all come from one line of the file."""
        for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
            self.line(line, number)

    def gap(self) -> None:
        """End a block: an empty line, if the last one is not empty."""
        if self._lines and self._lines[-1]:
            self.line("", self._numbers[-1])

    def mark(self, level: int, title: str, at: int | None = None) -> None:
        """Let what follows stand under a heading.

        Args:
            at: an offset in the text, at or behind that of the last mark; None: the end of what there is.
        """
        title = one_line(title)
        if title:
            self._marks.append(Mark(self.length if at is None else at, max(1, level), title))

    def fits(self, length: int) -> None:
        """Raise ReadingFailed if so many characters more are too many: before they are put together."""
        if self.length + length > self._limit:
            raise ReadingFailed(
                "too-much-text", f"its text is longer than {self._limit} characters", hint="split the file"
            )

    def heading(self, level: int, title: str, number: int = 0) -> None:
        """Add a heading as a block of its own, and a mark."""
        title = one_line(title)
        if title:
            self.gap()
            self.mark(level, title)
            self.line(title, number)
            self.gap()

    def page(self) -> None:
        """Begin a page or slide."""
        self.gap()
        self._pages.append(self.length)

    def document(
        self,
        kind: str,
        *,
        title: str = "",
        numbered: bool = False,
        notices: tuple[str, ...] = (),
    ) -> Document:
        """What was collected.

        Args:
            numbered: the lines were given the numbers of the file's.
        """
        numbers = tuple(self._numbers) if numbered else None
        text = "".join(f"{line}\n" for line in self._lines)
        return Document(
            text=text,
            kind=kind,
            title=one_line(title),
            marks=tuple(self._marks),
            line_numbers=numbers,
            has_lines=numbered,
            page_starts=tuple(self._pages),
            notices=notices,
        )
