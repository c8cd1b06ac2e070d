"""Finds definitions in source code: functions, classes, methods, modules, by rules that hold for many languages.

No parser. A definition begins with a line that looks like one and reaches as far as what is indented under it; where
code is not indented by its structure, a definition is short and nothing breaks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MODIFIERS = (
    "export|default|public|private|protected|internal|static|abstract|final|sealed|async|unsafe|const|inline|virtual"
    '|override|open|data|partial|readonly|declare|local|suspend|pub(?:\\([^)]*\\))?|extern(?:\\s+"[^"]*")?'
    "|template\\s*<[^>]*>|typedef|case|inner|tailrec|operator|infix|implicit|lazy|mut|companion|mutating|fileprivate"
    "|constexpr|friend|CREATE|create|OR|or|REPLACE|replace"
)
_KEYWORDS = (
    "def|class|fn|func|function|fun|sub|struct|enum|trait|impl|interface|namespace|module|mod|union|object|extension"
    "|protocol|record|macro_rules!|defmodule|defp|defmacro|proc|procedure|package|type|message|service|resource|actor"
    "|TABLE|table|VIEW|view|FUNCTION|PROCEDURE|TRIGGER|trigger|INDEX|macro|data|newtype|instance|contract|defn|defun"
)
_WORDED = re.compile(
    rf"[ \t]*(?:(?:{_MODIFIERS})\s+)*(?P<keyword>{_KEYWORDS})\b\*?(?:<[^>]*>)?\s*(?:\([^()]*\)\s*)?(?:class\s+)?"
    r"(?:[A-Z][A-Z0-9_]+\s+(?=[A-Za-z]))?(?P<name>[A-Za-z_$~][\w$:.?!]*)"
)
# The words before a name in the languages of C's kind: a type, modifiers, or nothing for a constructor or a method.
_CALLABLE = re.compile(
    r"[ \t]*(?:[A-Za-z_][\w:<>,*&~\[\]. \t]*?[\s*&])??"
    r"(?P<name>(?:[\w]+(?:<[^<>()]*>)?::)*(?:operator\s*[^\s(]{1,3}|[~$]?[A-Za-z_]\w*))[ \t]*\("
)
_ASSIGNED = re.compile(
    r"[ \t]*(?:export\s+)?(?:default\s+)?(?:const|let|var)\s+(?P<name>[\w$]+)\s*(?::[^=]+)?=\s*(?:async\s*)?"
    r"(?:function\b|\([^()]*\)\s*(?::[^=]+)?=>|[\w$]+\s*=>)"
)
_NO_NAME = frozenset(
    "if for while switch catch return else do sizeof new delete throw case using typedef elif except"
    " with assert print await yield in not and or is when match unless until foreach lock guard defer go"
    " select raise import from include super this self fn def class struct enum static_assert defined"
    " decltype alignof typeof".split()
)
_BRACED = frozenset(
    "c cpp csharp java javascript typescript php go rust swift kotlin scala dart objc groovy vue svelte d zig perl r"
    " solidity template".split()
)
_HASHED = frozenset(
    "python ruby shell perl r julia elixir make cmake docker yaml toml nim powershell nix bazel terraform".split()
)
_SHELL = re.compile(r"[ \t]*(?P<name>[\w-]+)\s*\(\)\s*\{")
_NO_BEGINNING = "#*/'\"@}])-<.|&+=!,;:"
_STATEMENTS = ("return ", "import ", "from ", "using ")
# Words that define in some languages and are names in others: what follows must open something.
_ALSO_NAMES = frozenset("type object data package table index view message service resource record".split())
_OPENS = re.compile(r"[{=:(]\s*$|=|\{")
_LABEL = re.compile(r"[ \t]*(?:public|private|protected|signals|slots|Q_\w+|[a-z]+ slots)\s*:\s*$")
_LEADING = ("//", "/*", "*", "--", "@", "#[", "[[", '"""', ";;", "template", "%%", "<!--")
_CONTINUES = (
    "{",
    ")",
    ":",
    "where",
    "->",
    "=>",
    ",",
    "+",
    "|",
    "&",
    "]",
    ">",
    "=",
    "else",
    "elif",
    "rescue",
    "ensure",
    "catch",
    "finally",
    "except",
)
_AHEAD = 12  # lines in which a signature must come to its body
_LONGEST_LINE = 400  # characters; a longer line is data or minified


@dataclass(frozen=True)
class Definition:
    """A definition, by lines counted from 0.

    Attributes:
        lead: first line of the comments, decorators and attributes that stand directly above it.
        line: the line that names it.
        end: the line after its last.
        depth: how many definitions it stands in.
        name: what it defines.
        title: the line that names it, without its body's beginning.
    """

    lead: int
    line: int
    end: int
    depth: int
    name: str
    title: str


def definitions(lines: Sequence[str], kind: str) -> list[Definition]:
    """The definitions in the lines of a source file, by ascending `Definition.line`.

    Args:
        lines: with or without their line ends.
        kind: the language, as `Document.kind` names it.
    """
    braced = kind in _BRACED
    heads: list[tuple[int, int, str, str]] = []  # line, indentation, name, title
    for at, line in enumerate(lines):
        head = _head(lines, at, line, braced) if line and len(line) <= _LONGEST_LINE else None
        if head is not None:
            heads.append((at, _indentation(line), *head))
    ends, depths = _extents(lines, heads, kind)
    found = []
    previous = 0
    for number, (at, _, name, title) in enumerate(heads):
        lead = at
        while lead > previous and _leads(lines[lead - 1], kind):
            lead -= 1
        found.append(Definition(lead, at, ends[number], depths[number], name, title))
        previous = at + 1
    return found


def _head(lines: Sequence[str], at: int, line: str, braced: bool) -> tuple[str, str] | None:
    """Name and title of what a line defines, or None."""
    bare = line.strip()
    if not bare or bare[0] in _NO_BEGINNING or bare.startswith(_STATEMENTS):
        return None
    name = _worded(line, bare, braced)
    if name is None and (match := _ASSIGNED.match(line)) is not None:
        name = match["name"]
    if name is None:
        name = _called(lines, at, line, bare) if braced else _of_shell(line)
    return (name.rstrip(":"), _title(bare)) if name else None


def _worded(line: str, bare: str, braced: bool) -> str | None:
    """The name behind a word that defines."""
    match = _WORDED.match(line)
    if match is None:
        return None
    if match["keyword"] in _ALSO_NAMES and not _OPENS.search(bare):
        return None
    if braced and bare.endswith(";") and "{" not in bare and match["keyword"] not in ("type", "mod"):
        return None  # only announced
    return match["name"]


def _called(lines: Sequence[str], at: int, line: str, bare: str) -> str | None:
    """The name before parameters and a body, in languages of C's kind."""
    match = _CALLABLE.match(line)
    if match is None or match["name"] in _NO_NAME or bare.split("(", 1)[0].split(" ", 1)[0] in _NO_NAME:
        return None
    return match["name"] if "=" not in line[: match.start("name")] and _has_body(lines, at) else None


def _of_shell(line: str) -> str | None:
    match = _SHELL.match(line)
    return match["name"] if match is not None else None


def _has_body(lines: Sequence[str], at: int) -> bool:
    """Whether the parameters that open in a line are closed and a body follows, and no statement ends before."""
    depth = 0
    for line in lines[at : at + _AHEAD]:
        for character in line:
            if character == "(":
                depth += 1
            elif character == ")":
                depth -= 1
                if depth < 0:
                    return False
            elif depth == 0 and character == "{":
                return True
            elif character == ";" or (depth == 0 and character in "}"):
                return False
            elif character in '"{' and depth > 0:
                return False  # an argument, not a parameter
    return False


def _title(bare: str) -> str:
    title = re.split(r"\s*(?:\{|=>|;)\s*", bare, maxsplit=1)[0].rstrip(":").strip()
    return title if len(title) <= 100 else title[:99] + "…"


def _indentation(line: str) -> int:
    width = 0
    for character in line:
        if character == " ":
            width += 1
        elif character == "\t":
            width += 4
        else:
            break
    return width


def _leads(line: str, kind: str) -> bool:
    bare = line.lstrip()
    return (
        bare.startswith(_LEADING)
        or (kind in _HASHED and bare.startswith("#"))
        or (bare.rstrip().endswith("*/"))
    )


def _extents(
    lines: Sequence[str], heads: Sequence[tuple[int, int, str, str]], kind: str
) -> tuple[list[int], list[int]]:
    """For each head the line after its last, and how many others it stands in. One pass over the lines."""
    ends = [len(lines)] * len(heads)
    depths = [0] * len(heads)
    open_: list[int] = []
    following = 0
    last = 0  # the line after the last visible one
    for at, line in enumerate(lines):
        if not line.strip():
            continue
        is_head = following < len(heads) and heads[following][0] == at
        indentation = _indentation(line)
        if open_ and indentation <= heads[open_[-1]][1]:
            bare = line.lstrip()
            if bare.startswith(("}", "end")) and not is_head:
                while open_ and indentation <= heads[open_[-1]][1]:
                    ends[open_.pop()] = at + 1
            elif is_head or not (
                bare.startswith(_CONTINUES)
                or _LABEL.match(line)
                or (bare.startswith("#") and kind not in _HASHED)
            ):
                while open_ and indentation <= heads[open_[-1]][1]:
                    ends[open_.pop()] = last
        if is_head:
            depths[following] = len(open_)
            open_.append(following)
            following += 1
        last = at + 1
    for number in open_:
        ends[number] = last
    return ends, depths
