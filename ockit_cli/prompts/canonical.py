"""A Jinja template in canonical form: equal for two texts that differ only in how they are written down.

Published templates come in many hands: other quotes, spaces inside tags, a newline as one character or as two,
white space control or none. The canonical form reads the tags' tokens and does to the text between them what a
renderer does (`trim_blocks` and `lstrip_blocks` on, as transformers and llama.cpp render chat templates). Nothing
is run, and a template is never changed in what it means: two equal forms render alike.
"""

from __future__ import annotations

import json
import re

# A template longer than this is none of those we know.
_LIMIT = 100_000
# Nor is one with a longer tag; it also bounds the search for the end of an unfinished string.
_TAG_LIMIT = 8_000
_TAG = re.compile(r"\{([{%#])([-+]?)")
_STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_TOKEN = re.compile(
    rf"\s+|{_STRING}|[A-Za-z_][A-Za-z_0-9]*|[0-9]+|==|!=|<=|>=|//|\*\*|[-+*/%~<>=.,:|()\[\]{{}}]", re.S
)
_ESCAPE = re.compile(r"\\(.)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_CLOSE = {"{": "}}", "%": "%}", "#": "#}"}


def canonical(source: str) -> str | None:
    """The canonical form: one line a tag or text; None where the text is too long or not read as Jinja."""
    if len(source) > _LIMIT:
        return None
    lines: list[str] = []
    at = 0
    strip = ""  # what the last tag does to the text after it: "-" all white space, "%" one newline
    source = source.removesuffix("\n")  # Jinja drops one newline at the end
    while True:
        found = _TAG.search(source, at)
        raw = source[at : found.start() if found else len(source)]
        text = _after_tag(raw, strip)
        if found is None:
            _add_text(lines, text)
            return "\n".join(lines)
        kind, control = found.groups()
        body = _body(source, found.end(), kind)
        if body is None:
            return None
        starts_line = at == 0 or "\n" in text or (strip == "%" and raw.startswith("\n"))
        _add_text(lines, _before_tag(text, kind, control, starts_line=starts_line))
        inside, at, strip = body
        if kind == "#":
            continue
        tokens = _tokens(inside)
        if tokens is None or tokens[:1] == ["raw"]:
            return None
        lines.append(f"{{{kind} " + " ".join(tokens))


def _add_text(lines: list[str], text: str) -> None:
    if text:
        lines.append("text " + json.dumps(text, ensure_ascii=False))


def _after_tag(text: str, strip: str) -> str:
    if strip == "-":
        return text.lstrip()
    return text.removeprefix("\n") if strip == "%" else text


def _before_tag(text: str, kind: str, control: str, *, starts_line: bool) -> str:
    if control == "-":
        return text.rstrip()
    if kind == "{" or control == "+" or not starts_line:
        return text
    line = text.rpartition("\n")[2]
    return text if line.strip() else text.removesuffix(line)


def _body(source: str, start: int, kind: str) -> tuple[str, int, str] | None:
    """The inside of a tag, where the text after it begins, and what the tag does to that text."""
    close = _CLOSE[kind]
    pattern = re.escape(close) if kind == "#" else rf"{_STRING}|{re.escape(close)}"
    for found in re.compile(pattern, re.S).finditer(source, start, start + _TAG_LIMIT):
        if found.group() != close:
            continue
        inside = source[start : found.start()]
        # A plus before }} is no sign but an operator without its right side.
        signs = ("-",) if kind == "{" else ("-", "+")
        sign = inside[-1:] if inside[-1:] in signs else ""
        strip = sign or ("" if kind == "{" else "%")
        return inside.removesuffix(sign), found.end(), strip
    return None


def _tokens(inside: str) -> list[str] | None:
    tokens: list[str] = []
    at = 0
    while at < len(inside):
        found = _TOKEN.match(inside, at)
        if found is None:
            return None
        at = found.end()
        token = found.group()
        if token.isspace():
            continue
        if token[0] in "'\"":
            literal = _literal(token)
            if literal is None:
                return None
            # An error's wording is no part of the prompt.
            token = (
                '""' if tokens[-2:] == ["raise_exception", "("] else json.dumps(literal, ensure_ascii=False)
            )
        if len(tokens) >= 2 and tokens[-1] == "." and token.isidentifier() and tokens[-2] != "loop":
            tokens[-1:] = ["[", json.dumps(token), "]"]  # message.role is message['role']
            continue
        tokens.append(token)
    return tokens


def _literal(token: str) -> str | None:
    body = token[1:-1]
    if any(found[1] not in _ESCAPES for found in _ESCAPE.finditer(body)):
        return None
    return _ESCAPE.sub(lambda found: _ESCAPES[found[1]], body)
