"""Colours for code that comes line by line: a string or a comment of several lines goes on where it was.

Knows pygments; knows no columns. The newest lines are lexed again with those in front of them, back to a place where
lexing can begin: one from which a fresh start has just given the same tokens. Such a place is looked for when more
than `AGAIN` lines would be lexed again, and taken unseen after `FURTHEST`, so the cost of a line has a bound.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ockit.repl.themes import Theme
from ockit.repl.wrap import Span

if TYPE_CHECKING:
    from pygments.lexer import Lexer

AGAIN = 48
FURTHEST = 200

# Comments that many lexers know only once they are closed.
_COMMENTS = (("/*", "*/"), ("<!--", "-->"))

# Of the terminal's own colours some are hard to see on black, others on white.
_SEEN = {"blue": "magenta", "white": "", "default": ""}

_ATTRIBUTES = ("bold", "dim", "italic", "underline")

_Token = tuple[tuple[str, ...], str]


class Highlighter:
    """Colours the lines of one block of code."""

    def __init__(self, language: str, theme: Theme) -> None:
        self._lexer = _lexer(language.lower())
        self._theme = theme
        self._held: list[str] = []  # lines from the last place where lexing can begin
        self._next_look = AGAIN

    def lines(self, code: str) -> list[list[Span]]:
        """The next lines (each with its end), as spans without line ends."""
        if self._lexer is None:
            return [[(line, self._theme.code_block)] for line in code.splitlines()]
        fresh = code.splitlines(keepends=True)
        known = len(self._held)
        self._held += fresh
        lexed = self._lexed(self._held)
        if len(self._held) > self._next_look:
            self._look(lexed)
        return [self._styled(line, lexed[known + row]) for row, line in enumerate(fresh)]

    def _styled(self, line: str, tokens: list[_Token]) -> list[Span]:
        line, plain = line.removesuffix("\n"), self._theme.code_block
        if (
            "".join(text for _, text in tokens) != line
        ):  # a lexer that drops text does not decide what is shown
            return [(line, plain)]
        return [(text, (self._style(kind) or plain) if text.strip() else "") for kind, text in tokens]

    def _style(self, kind: tuple[str, ...]) -> str:
        return _style_of(self._theme.code_style, self._theme.colour, kind)

    def _look(self, lexed: list[list[_Token]]) -> None:
        """Find a place further down where lexing can begin."""
        size = len(self._held)
        start = size - AGAIN // 2
        # A definition at the margin behind a blank line is the likeliest place.
        likely = [
            i
            for i in range(start, size - AGAIN // 4)
            if self._held[i][:1].strip() and not self._held[i - 1].strip()
        ]
        start = likely[0] if likely else start
        if size > FURTHEST or self._lexed(self._held[start:]) == lexed[start:]:
            self._held = self._held[start:]
            self._next_look = AGAIN
        else:
            self._next_look = size + AGAIN // 4

    def _lexed(self, lines: list[str]) -> list[list[_Token]]:
        assert self._lexer is not None
        text = "".join(lines)
        tokens = _tokens(self._lexer, text)
        for opening, closing in _COMMENTS:
            at = text.rfind(opening)
            if at >= 0 and closing not in text[at:] and not _is_comment(tokens, at):
                closed = _tokens(self._lexer, text + closing)
                if _is_comment(closed, at):
                    tokens = closed
        found: list[list[_Token]] = [[] for _ in lines]
        row = 0
        for kind, value in tokens:
            for part in value.splitlines(keepends=True):
                if row == len(lines):
                    return found
                found[row].append((kind, part.rstrip("\n")))
                row += part.endswith("\n")
        return found


def _tokens(lexer: Lexer, text: str) -> list[_Token]:
    return [(kind, value) for _, kind, value in lexer.get_tokens_unprocessed(text)]


def _is_comment(tokens: list[_Token], at: int) -> bool:
    """Whether the character is in a comment or a string."""
    from pygments.token import Comment, String

    for kind, value in tokens:
        at -= len(value)
        if at < 0:
            return kind in Comment or kind in String
    return False


@cache
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if not language:
        return None
    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


@cache
def _style_of(name: str, coloured: bool, kind: tuple[str, ...]) -> str:
    """The style string of a kind of token, without its background."""
    if name.startswith("ansi"):
        from rich.syntax import Syntax

        style = Syntax.get_theme(name).get_style_for_token(kind)
        known = {each: getattr(style, each) for each in _ATTRIBUTES}
        colour = style.color.name if style.color is not None else ""
        colour = _SEEN.get(colour, colour)
    else:  # rich makes black of what has no colour
        from pygments.styles import get_style_by_name

        known = get_style_by_name(name).style_for_token(kind)
        colour = f"#{known['color']}" if known["color"] and coloured else ""
    return " ".join([each for each in _ATTRIBUTES if known.get(each)] + [colour] * bool(colour))
