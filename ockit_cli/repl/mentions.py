r"""Files that a question names: ``@notes.md`` or ``@"my file.md"``, at its start or behind white space.

Knows how a mention is written and which of them name a file; reads no file. ``a@b.c`` is no mention, ``\@notes.md``
is the text ``@notes.md``, and a word behind ``@`` that names no regular file stays text.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_MENTION = re.compile(
    r"""(?<!\S)(?P<escape>\\?)@(?:"(?P<quoted>(?:[^"\\\n]++|\\.)++)"|(?P<word>[^\s"]\S*))"""
)
_ESCAPED = re.compile(r"\\(.)")
_PUNCTUATION = ".,;:!?)]}>'\"`*_…»”’。，、；：！？"
# What looks like a path that was meant: a directory in front, or a suffix behind; no call, tag or assignment.
_PATH_LIKE = re.compile(
    r"""[^()<>\[\]{}=$'"`|]*(?:/[^()<>\[\]{}=$'"`|]*|[^./]\.(?=\d*[A-Za-z])[A-Za-z0-9]{1,8})"""
)
_LOOKED_UP = 1_000
_LONGEST = 4_096  # characters; no system takes a longer path


@dataclass(frozen=True)
class Mentions:
    r"""What a question names. Files in their order, each once; `missing` are words that look like paths, but name no
    regular file; `text` is the question with ``\@`` as ``@``."""

    files: tuple[Path, ...]
    missing: tuple[str, ...]
    text: str


def mentions(text: str, cwd: Path) -> Mentions:
    """The files that a question mentions, as absolute paths; relative ones are looked for in `cwd`.

    Punctuation behind a name is not part of it unless there is a file of that very name. Of a text with more than a
    thousand different ``@words``, the first thousand are looked up.
    """
    files: dict[str, Path] = {}
    missing: dict[str, None] = {}
    seen: set[str] = set()
    for found in _MENTION.finditer(text):
        written = found["quoted"] or found["word"]
        if found["escape"] or found[0] in seen or len(written) > _LONGEST:
            continue
        seen.add(found[0])
        if len(seen) > _LOOKED_UP:
            break
        names = [_ESCAPED.sub(r"\1", written)] if found["quoted"] else _readings(written)
        path = next((path for name in names if (path := _file(name, cwd)) is not None), None)
        if path is not None:
            files.setdefault(os.path.realpath(path), path)
        elif found["quoted"] or _PATH_LIKE.fullmatch(names[-1]):
            missing[names[-1]] = None
    return Mentions(tuple(files.values()), tuple(missing), _unescaped(text))


def quoted(path: str, always: bool = False) -> str:
    """A path as it is written behind ``@``: in quotes where it has white space or begins with a quote, or `always`."""
    if not always and not re.search(r'\s|^"', path):
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def disarmed(text: str, cwd: Path) -> str:
    r"""The text with a ``\\`` in front of every mention, where one of them names a file: what somebody else wrote must
    not choose files to read."""
    if not mentions(text, cwd).files:
        return text
    return _MENTION.sub(lambda found: found[0] if found["escape"] else f"\\{found[0]}", text)


def unquoted(written: str) -> str:
    """The path that `quoted` wrote; one without quotes, or with an opening one only, is itself."""
    inner = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', written)
    return _ESCAPED.sub(r"\1", inner[1]) if inner else written


def _readings(word: str) -> list[str]:
    """A word as it stands, then with less and less of the punctuation behind it; the barest is the last."""
    found = [word]
    while len(word) > 1 and word[-1] in _PUNCTUATION and len(found) < 8:
        word = word[:-1]
        found.append(word)
    return found


def _file(name: str, cwd: Path) -> Path | None:
    if "\0" in name:  # expanduser refuses it
        return None
    path = Path(os.path.join(cwd, os.path.expanduser(name)))  # also where `cwd` is no more
    return path if os.path.isfile(path) else None  # False, too, for what cannot be a path


def _unescaped(text: str) -> str:
    return _MENTION.sub(lambda found: found[0][1:] if found["escape"] else found[0], text)
