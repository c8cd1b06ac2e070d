"""Finished blocks of Markdown as lines for a terminal, in a theme's styles.

Knows the looks: what stands between two blocks, the marks of lists and quotes, headings, code, tables. Knows no
stream and no screen. Whatever a block holds, nothing but SGR sequences of our own comes out. No word of the source
is dropped but a fence's language. Text is wrapped; a line of code is not, however long: the terminal folds it, and
it is copied as one line. Nor is code padded, framed or indented (but for the list's item it belongs to).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ockit.repl import grid, lines
from ockit.repl.blocks import Block, Container
from ockit.repl.highlight import Highlighter
from ockit.repl.inline import parser, spans
from ockit.repl.themes import Theme
from ockit.repl.wrap import Span, columns_of, paint, wrap
from ockit.text import sanitize

_BULLETS = "•◦▪"
_QUOTE = "│ "
_WIDEST_RULE = 40
_NARROWEST = 8  # columns of text behind the marks of its containers
_PIECEWISE = ("code", "html", "math")


class MarkdownRenderer:
    """Renders the blocks of one answer, in order: it keeps what came before. `columns` may change in between."""

    def __init__(self, columns: int, theme: Theme, colour: bool = True) -> None:
        self.columns = columns
        self._theme = theme
        self._colour = colour
        self._before: Block | None = None
        self._highlighter: Highlighter | None = None
        self._carried: tuple[Container, ...] = ()

    def warm(self) -> None:
        """Import and make what the first block needs: a tenth of a second that can pass while a model loads."""
        parser()
        if self._colour:
            code = Highlighter("python", self._theme).lines("pass\n")
            paint(code[0], True)

    def render(self, block: Block) -> str:
        """The block's lines, each with its end; empty where it has nothing to show."""
        if block.kind == "blank":
            return ""
        block = replace(block, content=sanitize(block.content), info=sanitize(block.info))
        gap = self._gap(block)
        shown = self._lines(block)
        self._before = block
        return "".join(f"{paint(line, self._colour)}\n" for line in [*gap, *shown])

    def render_all(self, blocks: Iterable[Block]) -> str:
        """The lines of several blocks; pieces of the same code are coloured in one go, which is faster."""
        joined: list[Block] = []
        pieces: list[str] = []
        for block in blocks:
            if joined and block.kind in _PIECEWISE and not block.first and not joined[-1].last:
                pieces.append(block.content)
                joined[-1] = replace(joined[-1], last=block.last)
                continue
            if pieces:
                joined[-1] = replace(joined[-1], content=joined[-1].content + "".join(pieces))
                pieces = []
            joined.append(block)
        if pieces:
            joined[-1] = replace(joined[-1], content=joined[-1].content + "".join(pieces))
        return "".join(map(self.render, joined))

    def _gap(self, block: Block) -> list[list[Span]]:
        """The one rule of what stands between two blocks: at most one empty line."""
        before = self._before
        if before is None or not block.first:
            return []
        within = [container for container in block.containers if not container.opens]
        if not block.spaced:
            if within:
                return []  # as written
            item = bool(block.containers) and block.containers[0].kind == "item"
            if item and (before.kind == "paragraph" or before.containers):
                return []
        return [_joined(self._prefix(within), [])]

    def _prefix(self, containers: Iterable[Container]) -> list[Span]:
        """What stands in front of a block's line: quotes' bars, and the markers of the items that open with it."""
        prefix: list[Span] = []
        bullets = 0
        for container in containers:
            if container.kind == "quote":
                prefix.append((_QUOTE, self._theme.table_border))
                continue
            mark = container.marker
            if not mark[0].isdigit():
                mark = _BULLETS[bullets % len(_BULLETS)]
                bullets += 1
            shown = f"{mark} "
            prefix.append((shown, self._theme.bullet) if container.opens else (" " * len(shown), ""))
        return prefix

    def _lines(self, block: Block) -> list[list[Span]]:
        containers = block.containers if block.first else self._carried or block.containers
        self._carried = ()
        opening = self._prefix(containers)
        going_on = self._prefix(replace(container, opens=False) for container in block.containers)
        room = self.columns - columns_of(going_on)
        in_front: list[Span] = []
        if going_on and room < max(
            self.columns // 2, _NARROWEST
        ):  # too deep for this width: only the markers, and as part of the text
            in_front = [span for span in opening if span[0].strip() and span[0] != _QUOTE]
            opening, going_on, room = [], [], self.columns
        shown = self._content(block, in_front, room)
        if not shown and not block.last:
            self._carried = (
                block.containers
            )  # an item that begins with code: its marker goes with the first line
        elif not shown and opening != going_on:
            shown = [[]]
        return [_joined(going_on if row else opening, line) for row, line in enumerate(shown)]

    def _content(self, block: Block, in_front: list[Span], room: int) -> list[list[Span]]:
        theme = self._theme
        if block.kind == "code":
            mark = wrap(in_front, room) if in_front else []
            return [*mark, *self._code(block, room)]
        if block.kind == "table":
            mark = wrap(in_front, room) if in_front else []
            return [*mark, *self._table(block, room)]
        if block.kind == "rule":
            return wrap([*in_front, ("─" * min(room, _WIDEST_RULE), theme.rule)], room)
        if block.kind in _PIECEWISE:
            text = block.content.removesuffix("\n")
            return wrap([*in_front, (text, "")], room) if block.content else []
        base = theme.quote if any(container.kind == "quote" for container in block.containers) else ""
        if block.kind == "heading":
            base = f"{base} {theme.title if block.level <= 2 else theme.heading}".strip()
            if not self._colour:
                in_front = [*in_front, ("#" * block.level + " ", "")]
        if not block.content:
            return wrap(in_front, room) if in_front else []
        return wrap([*in_front, *spans(block.content, theme, base, marks=not self._colour)], room)

    def _code(self, block: Block, room: int) -> list[list[Span]]:
        """Code as it is. Its fences are shown only where there are no styles to tell it from text."""
        theme = self._theme
        shown: list[list[Span]] = []
        if block.first:
            self._highlighter = None
            if self._colour:
                self._highlighter = Highlighter(block.language, theme)
            if not self._colour and block.fence:
                shown += wrap([(f"{block.fence}{block.info}", "")], room)
            elif block.info != block.language:  # a file's name, mostly
                shown += wrap([(block.info, theme.dim)], room)
        if self._highlighter is not None:
            shown += self._highlighter.lines(block.content)
        else:
            shown += [[(line, "")] for line in block.content.splitlines()]
        if block.last:
            self._highlighter = None
            if not self._colour and block.fence:
                shown += wrap([(block.fence, "")], room)
        return shown

    def _table(self, block: Block, room: int) -> list[list[Span]]:
        head, delimiters, *body = block.content.split("\n")
        alignments = []
        for cell in lines.cells(delimiters):
            right = "right" if cell.endswith(":") else "left"
            alignments.append("centre" if cell.startswith(":") and right == "right" else right)
        plain = not self._colour
        rows = [
            [spans(cell, self._theme, self._theme.table_header, marks=plain) for cell in lines.cells(head)]
        ]
        rows += [[spans(cell, self._theme, marks=plain) for cell in lines.cells(row)] for row in body]
        return grid.draw(rows, alignments, room, self._theme)


def _joined(prefix: list[Span], line: list[Span]) -> list[Span]:
    """A line behind its prefix, which does not end in spaces where nothing follows."""
    if not prefix or any(text.strip() for text, _ in line):
        return [*prefix, *line]
    marks = list(prefix)
    while marks and not marks[-1][0].strip():
        marks.pop()
    return [*marks[:-1], (marks[-1][0].rstrip(), marks[-1][1])] if marks else []
