"""The text of a paragraph as styled spans: emphasis, code, links; mathematics stays as it is written.

Knows markdown-it's inline rules and a theme; knows no columns. No word of the source is dropped: HTML is text, a link
is ``text (url)``, an image the same, a line's end stays one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from ockit.repl.themes import Theme
from ockit.repl.wrap import Span
from ockit.text import sanitize

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

# Single dollars as pandoc reads them: no space inside them, no digit behind them. The lengths bound the search.
_MATH = re.compile(
    r"\$\$[^$]{1,1000}\$\$|\\\(.{1,1000}?\\\)|\\\[.{1,1000}?\\\]|\$(?=[^\s$])[^$]{0,300}(?<=[^\s\\])\$(?![0-9])",
    re.S,
)


def spans(text: str, theme: Theme, base: str = "", *, marks: bool = False) -> list[Span]:
    """The spans of sanitized text. `marks` keeps the backticks of code, where no style can show it."""
    (parsed,) = parser().parseInline(text)
    found: list[Span] = []
    _walk(parsed.children or [], theme, base, marks, found)
    if sanitize(whole := "".join(text for text, _ in found)) != whole:  # of an entity: &#x202e;
        found = [(sanitize(text), style) for text, style in found]
    return found


@cache
def parser() -> MarkdownIt:
    """markdown-it with our rules; made once."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
    made.inline.ruler.before("escape", "mathematics", _mathematics)
    # A link is shown, never followed: as it is written.
    made.normalizeLink = made.normalizeLinkText = str  # type: ignore[method-assign,assignment]
    made.validateLink = bool  # type: ignore[method-assign,assignment]
    return made


def _mathematics(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "$\\":
        return False
    found = _MATH.match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.pending += found[0]
    state.pos = found.end()
    return True


def _walk(tokens: list[Token], theme: Theme, base: str, marks: bool, found: list[Span]) -> None:
    styles = [base]
    links: list[tuple[str, int]] = []  # what follows the link's text, and where that starts
    of = {
        "strong_open": theme.strong,
        "em_open": theme.emphasis,
        "s_open": theme.strike,
        "link_open": theme.link,
    }
    for token in tokens:
        style = styles[-1]
        if token.type in of:
            styles.append(f"{style} {of[token.type]}".strip())
            if token.type == "link_open":
                links.append((_target(token, "href"), len(found)))
        elif token.type == "link_close":
            target, start = links.pop()
            styles.pop()
            text = "".join(text for text, _ in found[start:])
            if target not in (text, f"mailto:{text}"):
                found.append((f" ({target})", styles[-1]))
        elif token.type.endswith("_close"):
            styles.pop()
        elif token.type in ("softbreak", "hardbreak"):
            found.append(("\n", style))
        elif token.type == "code_inline":
            found.append((_code(token) if marks else token.content, f"{style} {theme.code}".strip()))
        elif token.type == "image":
            _walk(token.children or [], theme, f"{style} {theme.link}".strip(), marks, found)
            found.append((f" ({_target(token, 'src')})", style))
        else:
            found.append((token.content, style))


def _code(token: Token) -> str:
    pad = " " if "`" in token.content[:1] + token.content[-1:] else ""
    return f"{token.markup}{pad}{token.content}{pad}{token.markup}"


def _target(token: Token, name: str) -> str:
    title = token.attrs.get("title")
    url = str(token.attrs.get(name, ""))
    return f'{url} "{title}"' if title else url
