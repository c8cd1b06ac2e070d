"""A file of rules: every key checked, every fault told with its file and line. Knows the file's form, not what becomes
of a text.

    [[rule]]
    name = "our-secrets"
    words = ["project falcon", "Müller-Affäre"]     # whole words and phrases; case makes no difference
    file = "words.txt"                              # more of them, one a line; # begins a comment
    regex = 'FAL-\\d{4}'                            # instead, or besides
    except = ["falcon heavy"]                       # nothing counts inside these
    level = 3                                       # 2 where none is given
    categories = ["privacy_fraud"]                  # also: injection = true, seconds = 0.25
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ockit.errors import UsageError
from ockit.files import read_text
from ockit.messages import CATEGORIES
from ockit.moderation.rules.phrases import Phrases
from ockit.moderation.rules.rule import SECONDS, Rule, compiled
from ockit.moderation.rules.tokens import tokens
from ockit.moderation.toml_table import Table, quoted, read_table

_LARGEST_FILE = 1 << 20
_LARGEST_LIST = 8 << 20
_KEYS = ("name", "words", "file", "regex", "except", "level", "categories", "injection", "seconds")


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file. Raises UsageError with the line, NotFound, StoreError."""
    top = read_table(path, _LARGEST_FILE)
    top.only(("rule",))
    rules: dict[str, Rule] = {}
    for table in top.tables("rule"):
        rule = _rule(table, path.parent)
        if rule.name in rules:
            raise table.fault("name", f"is {quoted(rule.name)} for the second time", "give it another name")
        rules[rule.name] = rule
    if not rules:
        raise UsageError(
            "there is no rule in the file", where=str(path), hint="write a heading for each: [[rule]]"
        )
    return tuple(rules.values())


def _rule(table: Table, folder: Path) -> Rule:
    table.only(_KEYS)
    if not any(key in table.values for key in ("words", "file", "regex")):
        raise UsageError(
            "the rule looks for nothing",
            where=table.where(),
            hint='words = ["..."], file = "..." or regex = \'...\'',
        )
    if "name" not in table.values:
        raise UsageError("the rule has no name", where=table.where(), hint='name = "..."')
    words = [*_phrases(table, "words")]
    if "file" in table.values:
        words += _listed(folder / Path(table.text("file", "")).expanduser())
    categories = table.texts("categories")
    if unknown := [name for name in categories if name not in CATEGORIES]:
        raise table.fault(
            "categories", f"names {quoted(unknown[0])}", f"the categories are {', '.join(CATEGORIES)}"
        )
    pattern = None
    if "regex" in table.values:
        try:
            pattern = compiled(table.text("regex", ""))
        except UsageError as error:
            raise UsageError(error.what, where=table.where("regex"), hint=error.hint) from error
        if pattern.fullmatch("", timeout=SECONDS) is not None and not words:
            raise table.fault(
                "regex", "matches nothing at all, and so every text", "ask for at least a character"
            )
    return Rule(
        name=table.text("name", "")[:80],
        level=table.whole("level", 2, 0, 4),
        categories=categories,
        injection=table.flag("injection", False),
        phrases=Phrases(words),
        pattern=pattern,
        unless=Phrases(_phrases(table, "except")),
        seconds=table.number("seconds", SECONDS, 0.001, 10.0),
        where=table.where(),
    )


def _phrases(table: Table, key: str) -> tuple[str, ...]:
    found = table.texts(key)
    for phrase in found:
        if not tokens(phrase):
            raise table.fault(
                key, f"has {quoted(phrase)}, in which there is no word", "regex = '...' finds signs"
            )
    return found


def _listed(path: Path) -> Iterable[str]:
    """The words of a list, one a line."""
    lines = read_text(path, _LARGEST_LIST).split("\n")
    return [word for line in lines if (word := line.partition("#")[0].strip())]
