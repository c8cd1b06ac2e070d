"""Patterns of gitignore to regular expressions that never try a place twice. Knows no files and no order of rules.

As git matches them (gitignore(5), and its wildmatch): byte by byte, ``*`` and ``?`` inside of a name, ``**`` across
folders. Patterns come out of files that anybody may have written, and a star that is tried again for every star before
it takes for ever. It need not be: between two stars everything has a fixed length, so the leftmost place where it fits
leaves the most room for the rest. That holds for the folders between two ``**`` as well. Such a place is therefore
found in an atomic group, and kept.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_SPECIAL = re.compile(rb"[*?\[\\]")
_BEHIND_A_NAME = b"(?<!/)"  # a folder's path ends with a slash, behind which a star finds no name
_FOLDERS = b"(?:[^/]*+/)*?"
_CLASSES: dict[bytes, str] = {
    b"alnum": string.ascii_letters + string.digits,
    b"alpha": string.ascii_letters,
    b"blank": " \t",
    b"cntrl": "".join(map(chr, [*range(32), 127])),
    b"digit": string.digits,
    b"graph": string.ascii_letters + string.digits + string.punctuation,
    b"lower": string.ascii_lowercase,
    b"print": string.ascii_letters + string.digits + string.punctuation + " ",
    b"punct": string.punctuation,
    b"space": string.whitespace,
    b"upper": string.ascii_uppercase,
    b"xdigit": string.hexdigits,
}


class Glob(NamedTuple):
    """One pattern.

    Attributes:
        source: a regular expression that matches from the beginning, and ends behind a name: at a ``/`` or at the end.
        of_name: it is asked for the last part of a path, else for all of it.
        folder: it stands for folders only.
        ignored: what it matches is left out; else it is taken back in.
    """

    source: bytes
    of_name: bool
    folder: bool
    ignored: bool


class _Never(Exception):
    """A pattern that matches nothing."""


# What a pattern is made of: a regular expression for one byte, or one of these.
_STAR, _STARS, _SLASH = b"*", b"**", b"/"


def glob_of(line: bytes) -> Glob | None:
    """The pattern in a line without its end; None where the line is blank, a comment or matches nothing."""
    if line.startswith(b"#"):
        return None
    pattern = _without_blanks(line.partition(b"\0")[0])
    ignored = not pattern.startswith(b"!")
    pattern = pattern[not ignored :]
    folder = pattern.endswith(b"/")
    pattern = pattern[: len(pattern) - folder]
    if not pattern:
        return None
    of_name = b"/" not in pattern
    try:
        source = _name(pattern) if of_name else _path(pattern)
        return Glob(source + _BEHIND_A_NAME, of_name, folder, ignored)
    except _Never:
        return None


def _without_blanks(line: bytes) -> bytes:
    """Without the blanks at the end, but for those behind a backslash."""
    bare = line.rstrip(b" ")
    escaped = len(bare) - len(bare.rstrip(b"\\"))
    return bare + b" " if escaped % 2 and len(bare) < len(line) else bare


def _name(pattern: bytes) -> bytes:
    parts = [_STAR if part == _STARS else part for part in _parts(pattern, in_path=False)]
    return _component(parts)


def _path(pattern: bytes) -> bytes:
    pattern = pattern.removeprefix(b"/")
    special = _SPECIAL.search(pattern)
    literal = pattern[: special.start()] if special else pattern
    # git compares what stands before the first wildcard apart: a ** behind it is at the beginning of what is left
    parts = list(_parts(pattern[len(literal) :], in_path=True))
    groups: list[list[bytes]] = [[]]
    for part in parts:
        if part == _STARS:
            groups.append([])
        else:
            groups[-1].append(part)
    source = re.escape(literal)
    if len(groups) == 1:
        return source + _components(groups[0])
    source += b"(?>" + _components(groups[0]) + b")"
    for group in groups[1:-1]:
        source += b"(?>" + _FOLDERS + _components(group[1:]) + b")"  # without the slash behind the stars
    return source + (_FOLDERS + _components(groups[-1][1:]) if groups[-1] else b"(?s:.*)")


def _components(parts: Sequence[bytes]) -> bytes:
    """A sequence of folders with their slashes, and a name at the end where no slash is."""
    source, rest = b"", list(parts)
    while _SLASH in rest:
        end = rest.index(_SLASH)
        source += b"(?>" + _component(rest[:end]) + b"/)"
        rest = rest[end + 1 :]
    return source + _component(rest) if rest else source


def _component(parts: Sequence[bytes]) -> bytes:
    """A name, up to what must follow it: a slash or the end."""
    chunks: list[bytes] = [b""]
    for part in parts:
        if part == _STAR:
            chunks.append(b"")
        else:
            chunks[-1] += part
    source, between, end = chunks[0], chunks[1:-1], chunks[-1]
    for chunk in between:
        if chunk:
            source += b"(?>[^/]*?" + chunk + b")"
    if len(chunks) > 1:
        source += b"(?>[^/]*" + end + rb"(?=/|\Z))" if end else b"[^/]*+"
    return source


def _parts(pattern: bytes, *, in_path: bool) -> Iterator[bytes]:
    place = 0
    while place < len(pattern):
        byte = pattern[place : place + 1]
        if byte == b"*":
            begin = place
            while pattern[place : place + 1] == b"*":
                place += 1
            bounded = in_path and place - begin > 1 and (not begin or pattern[begin - 1 : begin] == b"/")
            after = pattern[place : place + 2]
            yield _STARS if bounded and (after[:1] in (b"", b"/") or after == b"\\/") else _STAR
            continue
        if byte == b"?":
            yield b"[^/]"
        elif byte == b"[":
            wanted, place = _bracket(pattern, place + 1)
            yield wanted
            continue
        elif byte == b"\\":
            place += 1
            if place == len(pattern):
                raise _Never
            byte = pattern[place : place + 1]
            yield _SLASH if byte == b"/" else re.escape(byte)
        else:
            yield _SLASH if byte == b"/" else re.escape(byte)
        place += 1


def _bracket(pattern: bytes, place: int) -> tuple[bytes, int]:
    """What stands in brackets, as an expression for one byte, and the place behind it."""
    negated = pattern[place : place + 1] in (b"!", b"^")
    place += negated
    wanted: set[int] = set()
    before: int | None = None  # what a range may begin with
    first = True
    while first or pattern[place : place + 1] != b"]":
        first = False
        if place >= len(pattern):
            raise _Never
        byte = pattern[place]
        if byte == 0x5C:
            place, byte = _escaped(pattern, place)
        elif byte == 0x2D and before is not None and pattern[place + 1 : place + 2] not in (b"", b"]"):
            place, end = place + 1, pattern[place + 1]
            if end == 0x5C:
                place, end = _escaped(pattern, place)
            wanted.update(range(before, end + 1))
            before, place = None, place + 1
            continue
        elif pattern.startswith(b"[:", place):
            close = pattern.find(b"]", place + 2)
            if close < 0:
                raise _Never
            if pattern[close - 1 : close] == b":" and close - 1 >= place + 2:
                named = _CLASSES.get(pattern[place + 2 : close - 1])
                if named is None:
                    raise _Never
                wanted.update(named.encode())
                before, place = None, close + 1
                continue
        wanted.add(byte)
        before, place = byte, place + 1
    found = (set(range(1, 256)) - wanted if negated else wanted) - {0x2F}
    if not found:
        raise _Never
    return b"[" + b"".join(rb"\x%02x" % byte for byte in sorted(found)) + b"]", place + 1


def _escaped(pattern: bytes, place: int) -> tuple[int, int]:
    """The place and the value of what a backslash stands before."""
    if place + 1 >= len(pattern):
        raise _Never
    return place + 1, pattern[place + 1]
