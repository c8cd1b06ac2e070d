"""An answer that streams in, cut into finished blocks of Markdown, which are never taken back.

A block is a leaf (a paragraph, a heading, a line of code ...) with the list items and quotes that it stands in, so
that what is nested flows too. Knows when a block is finished and which source it came from; knows no look and no
screen. Every character that is fed comes back in the `text` of exactly one block, in order, and how the text was cut
decides nothing. Time is linear in the text, and what is held is one block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ockit.repl import lines
from ockit.repl.lines import Cursor, Fence, Marker
from ockit.repl.opened import Kind, Numbers, OpenContainer, OpenLeaf, quoted

TAIL = 4096
"""Characters of the open block that `BlockStream.tail` shows at most."""
DEEPEST = 20
"""Quotes and lists that may stand in each other; what looks like more of them is text."""
LONGEST = 8192
"""Characters of a paragraph, or of a line outside code, from which on it is given in pieces."""


@dataclass(frozen=True)
class Container:
    """A quote or a list's item around a block. `marker` is as written; equal numbers in a row count up."""

    kind: Literal["quote", "item"]
    marker: str = ""
    opens: bool = False
    """The block is the first of the item: its marker has to be shown."""


@dataclass(frozen=True)
class Block:
    """A finished block, or a piece of one.

    Code, HTML and mathematics come line by line, the opening fence first (no content), and end with a piece that is
    `last`, which may be empty; a paragraph comes in pieces only where it is longer than `LONGEST`.
    """

    kind: Kind
    text: str
    """The source, exactly, blank lines in front of the block included."""
    content: str = ""
    """The source without the marks of its containers and of the block itself."""
    containers: tuple[Container, ...] = ()
    spaced: bool = False
    """Blank lines stand in front of it."""
    first: bool = True
    last: bool = True
    level: int = 0
    """Of a heading, 1 to 6."""
    info: str = ""
    """What stands behind the opening fence: the language, and whatever follows it."""
    fence: str = ""
    """The marks of the fence; empty for indented code."""

    @property
    def language(self) -> str:
        """The first word behind the opening fence."""
        return self.info.split(maxsplit=1)[0] if self.info.strip() else ""


class BlockStream:
    """Takes an answer in pieces and gives its blocks as they are finished."""

    def __init__(self) -> None:
        self._given: list[Block] = []
        self._around: list[OpenContainer] = []
        self._leaf: OpenLeaf | None = None
        self._lead: list[str] = []  # source that goes with the next block: blank lines, marks without content
        self._spaced = False
        self._numbers = Numbers()
        self._partial: list[str] = []  # the line that has no end yet
        self._partial_size = 0
        self._amid = False  # the front of this line has been taken already

    def feed(self, text: str) -> list[Block]:
        """The blocks that this text has finished."""
        at = 0
        while at < len(text):
            verbatim = self._leaf is not None and self._leaf.verbatim
            room = len(text) if verbatim else LONGEST - self._partial_size
            end = text.find("\n", at, at + room)
            stop = end + 1 if end >= 0 else min(at + room, len(text))
            self._partial.append(text[at:stop])
            self._partial_size += stop - at
            at = stop
            if end >= 0:
                self._take("".join(self._partial))
            elif not verbatim and self._partial_size >= LONGEST:
                line = "".join(self._partial)
                cut = _cut(line)
                self._take(line[:cut], front=True)
                self._partial, self._partial_size = [line[cut:]], len(line) - cut
        return self._gave()

    def close(self) -> list[Block]:
        """The blocks that the end of the text finishes; the stream is as new afterwards."""
        if self._partial_size:
            self._take("".join(self._partial))
        self._leave(0)
        if self._lead:
            self._given.append(Block("blank", "".join(self._lead), spaced=True))
        self._numbers.end(0)
        self._lead, self._spaced, self._amid = [], False, False
        return self._gave()

    @property
    def tail(self) -> str:
        """The source of what is open, without the blank lines in front of it and no more than its last `TAIL`."""
        pieces: list[str] = []
        size = 0
        for held in (self._partial, self._leaf.sources if self._leaf else [], self._lead):
            for piece in reversed(held):
                if size >= TAIL:
                    break
                pieces.append(piece)
                size += len(piece)
        return "".join(reversed(pieces))[-TAIL:].lstrip("\n")

    def _gave(self) -> list[Block]:
        given, self._given = self._given, []
        return given

    def _take(self, raw: str, *, front: bool = False) -> None:
        """A line, or a part of a very long one: its `front`, or what follows that."""
        self._partial, self._partial_size = [], 0
        behind, self._amid = self._amid, front
        if behind:
            self._more(raw, raw.removesuffix("\n"), behind=True)
            return
        cursor = Cursor(raw.removesuffix("\n"))
        matched = 0
        for container in self._around:
            if not container.goes_on(cursor):
                break
            matched += 1
        if self._leaf is not None and matched == len(self._around) and self._goes_on(self._leaf, raw, cursor):
            return
        self._start(raw, cursor, matched, front)

    def _goes_on(self, leaf: OpenLeaf, raw: str, cursor: Cursor) -> bool:
        """Whether the line belongs to an open leaf whose lines are not Markdown."""
        if leaf.fence is not None:
            if leaf.fence.closed_by(cursor):
                self._finish(raw)
            else:
                cursor.skip_indent(leaf.fence.indent)
                self._piece(leaf, raw, cursor.rest)
            return True
        if leaf.end is not None:
            if leaf.end.search("") and cursor.blank:
                self._finish()
                return False
            self._piece(leaf, raw, cursor.rest)
            if leaf.end.search(cursor.text):
                self._finish()
            return True
        if leaf.kind == "code" and cursor.indent >= lines.INDENTED and not cursor.blank:
            cursor.skip_indent(lines.INDENTED)
            self._piece(leaf, raw, cursor.rest)
            return True
        if leaf.kind == "code" and cursor.blank:  # the code's own where more of it follows
            cursor.skip_indent(lines.INDENTED)
            leaf.add(raw, cursor.rest + "\n")
            return True
        return False

    def _start(self, raw: str, cursor: Cursor, matched: int, front: bool) -> None:
        """A line that may open containers and a leaf, or go on with a paragraph or a table."""
        whole = matched == len(self._around)
        amid = self._leaf is not None and whole  # nothing has ended so far
        while len(self._around) < DEEPEST and not cursor.blank and cursor.indent < lines.INDENTED:
            mark = lines.marker(cursor.text)
            if cursor.text.startswith(">"):
                self._leave(matched)
                quoted(cursor)
                self._enter(OpenContainer("quote"))
            elif mark is not None and not self._is_leaf(cursor, amid) and self._may_enter(mark, cursor, amid):
                self._leave(matched)
                self._enter(self._item(mark, cursor))
            else:
                break
            matched = len(self._around)
            whole, amid = True, False
        if cursor.blank:
            if not whole or (self._leaf is not None and self._leaf.kind != "code"):
                self._leave(matched)
            self._finish()
            self._lead.append(raw)
            self._spaced = True
            return
        paragraph = self._leaf if self._leaf is not None and self._leaf.kind == "paragraph" else None
        if paragraph is not None and not whole and not self._interrupts(cursor):
            self._more(raw, cursor.text)  # a lazy continuation of a paragraph in a container
            return
        if not whole:
            self._leave(matched)
            paragraph = None
        if front:  # too long to be anything else
            if paragraph is None:
                self._open(OpenLeaf("paragraph"))
            self._more(raw, cursor.text)
        else:
            self._leaf_line(raw, cursor, paragraph)

    def _is_leaf(self, cursor: Cursor, amid: bool) -> bool:
        """Whether a line that looks like a list's item is a rule or the underline of a heading."""
        if lines.rule(cursor.text):
            return True
        return amid and self._is_paragraph() and lines.underline(cursor.text) is not None

    def _is_paragraph(self) -> bool:
        return self._leaf is not None and self._leaf.kind == "paragraph"

    def _may_enter(self, mark: Marker, cursor: Cursor, amid: bool) -> bool:
        if not (amid and self._is_paragraph()):
            return True
        return mark.may_interrupt and bool(cursor.text[len(mark.text) :].strip())

    def _interrupts(self, cursor: Cursor) -> bool:
        """Whether a line ends the paragraph in front of it by opening a leaf."""
        if cursor.indent >= lines.INDENTED:
            return False
        text = cursor.text
        return (
            lines.rule(text)
            or lines.heading(text) is not None
            or lines.fence(cursor) is not None
            or lines.html(text, interrupts=True) is not None
            or lines.mathematics(text) is not None
        )

    def _item(self, mark: Marker, cursor: Cursor) -> OpenContainer:
        offset = cursor.indent
        cursor.skip(len(mark.text))
        behind = cursor.indent
        if cursor.blank or behind > lines.INDENTED:
            behind = 1
        cursor.skip_indent(behind)
        shown = self._numbers.shown(mark, len(self._around))
        return OpenContainer("item", offset + len(mark.text) + behind, shown)

    def _leaf_line(self, raw: str, cursor: Cursor, paragraph: OpenLeaf | None) -> None:
        text = cursor.text
        amid = paragraph is not None
        if cursor.indent >= lines.INDENTED and not amid:
            cursor.skip_indent(lines.INDENTED)
            self._piece(self._open(OpenLeaf("code")), raw, cursor.rest)
        elif cursor.indent >= lines.INDENTED:
            self._more(raw, text)
        elif opening := lines.fence(cursor):
            leaf = self._open(OpenLeaf("code", fence=opening))
            self._give(leaf, raw, "", last=False)
        elif found := lines.heading(text):
            self._give(self._open(OpenLeaf("heading")), raw, found[1], level=found[0])
            self._leaf = None
        elif paragraph is not None and self._table(paragraph, raw, text):
            return
        elif paragraph is not None and (level := lines.underline(text)) is not None:
            self._give(
                replace(paragraph, kind="heading"),
                "".join(paragraph.sources) + raw,
                "\n".join(paragraph.contents),
                level=level,
            )
            self._leaf = None
        elif lines.rule(text):
            self._give(self._open(OpenLeaf("rule")), raw, text)
            self._leaf = None
        elif verbatim := self._verbatim(text, amid):
            leaf, ends = verbatim
            self._piece(self._open(leaf), raw, cursor.rest)
            if ends:
                self._finish()
        elif self._leaf is not None and self._leaf.kind == "table":
            self._leaf.add(raw, text)
        else:
            if not amid:
                self._open(OpenLeaf("paragraph"))
            self._more(raw, text)

    @staticmethod
    def _verbatim(text: str, amid: bool) -> tuple[OpenLeaf, bool] | None:
        """HTML or mathematics that starts here, and whether it ends on this very line."""
        if end := lines.html(text, interrupts=amid):
            return OpenLeaf("html", end=end), end.search(text) is not None
        if end := lines.mathematics(text):
            return OpenLeaf("math", end=end), end.search(text, 2) is not None
        return None

    def _table(self, paragraph: OpenLeaf, raw: str, text: str) -> bool:
        """Whether the line makes a table of the line before it, which is one then."""
        columns = lines.delimiters(text)
        header = paragraph.contents[-1]
        if not columns or "|" not in header or len(lines.cells(header)) != columns:
            return False
        source = paragraph.sources.pop()
        paragraph.contents.pop()
        if paragraph.sources:
            self._finish()
        self._leaf = OpenLeaf("table")
        self._leaf.add(source, header)
        self._leaf.add(raw, text)
        return True

    def _enter(self, container: OpenContainer) -> None:
        for around in self._around:
            around.empty = False
        self._around.append(container)

    def _leave(self, depth: int) -> None:
        """Close the leaf, and the containers below a depth."""
        self._finish()
        if any(around.kind == "item" and around.opens for around in self._around[depth:]):
            self._give(OpenLeaf("paragraph"), "", "")  # an item without content
        del self._around[depth:]

    def _open(self, leaf: OpenLeaf) -> OpenLeaf:
        self._finish()
        for around in self._around:
            around.empty = False
        self._numbers.end(len(self._around))
        self._leaf = leaf
        return leaf

    def _more(self, raw: str, content: str, *, behind: bool = False) -> None:
        """Another line of the open paragraph, or more of its last one; what makes it too long is given."""
        leaf = self._leaf
        if leaf is None or leaf.kind != "paragraph":  # a very long line of indented code
            leaf = self._open(OpenLeaf("paragraph", first=False))
        if leaf.sources and leaf.size + len(raw) > LONGEST:
            self._give(leaf, "".join(leaf.sources), "\n".join(leaf.contents), last=False)
            leaf.sources, leaf.contents, leaf.size, leaf.first = [], [], 0, False
        if behind and leaf.contents:
            leaf.contents[-1] += content
            leaf.sources[-1] += raw
            leaf.size += len(raw)
        else:
            leaf.add(raw, content)

    def _piece(self, leaf: OpenLeaf, raw: str, content: str) -> None:
        """Another line of code, HTML or mathematics: given at once."""
        self._give(leaf, "".join(leaf.sources) + raw, "".join(leaf.contents) + content + "\n", last=False)
        leaf.sources, leaf.contents = [], []

    def _finish(self, raw: str = "") -> None:
        """The leaf ends here, with the line `raw` where that is its own."""
        leaf, self._leaf = self._leaf, None
        if leaf is None:
            return
        if leaf.kind == "code" and leaf.fence is None:  # blank lines behind the code are not its own
            self._give(leaf, "", "")
            self._lead += leaf.sources
            self._spaced = bool(leaf.sources)
        elif leaf.verbatim:
            self._give(leaf, raw, "")
        else:
            self._give(leaf, "".join(leaf.sources), "\n".join(leaf.contents))

    def _give(self, leaf: OpenLeaf, source: str, content: str, *, level: int = 0, last: bool = True) -> None:
        containers = tuple(Container(a.kind, a.marker, a.opens) for a in self._around)
        for around in self._around:
            around.opens = False
        text = "".join(self._lead) + source
        fence = leaf.fence or Fence("", "", 0)
        self._given.append(
            Block(
                leaf.kind,
                text,
                content,
                containers,
                self._spaced,
                leaf.first,
                last,
                level,
                fence.info,
                fence.marks,
            )
        )
        leaf.first = False
        self._lead, self._spaced = [], False


def _cut(line: str) -> int:
    """Where to part a very long line: behind its last space, else in front of its last grapheme, which may go on."""
    space = line.rfind(" ", len(line) // 2) + 1
    if space or line.isascii():
        return space or len(line)
    import wcwidth

    *_, last = wcwidth.iter_graphemes(line[-64:])
    return len(line) - len(last)
