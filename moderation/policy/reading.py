"""``moderation.toml`` to a policy: every key checked, every fault told with its file and line.

Knows the file's form, not what a back end does with its options beyond their types. What a file leaves out is as in the
policy that is built in (`ockit.moderation.policy.built_in`); its back end stays beside those of the file, unless the
file says ``enabled = false`` of it.

    [input]                      # what a person writes; [output]: the answer; [retrieved]: passages that were found
    levels = ["allow", "note", "caution", "caution", "refuse"]     # for the levels 0 to 4
    injection = "note"           # also: distress, unsure, unread, off_topic
    topics = ["cooking"]         # of `ockit moderation topic add`
    fail = "closed"              # or "open": what a fault of the check means
    shift = { level = 0.5, level4 = -1.0, injection = 0.7 }        # log-odds; a number alone shifts everything
    [input.categories]
    self_harm = { from = 3, action = "support" }    # or a list as for levels, or one action: from level 2 on
    [backend.embedded]           # any name; kind = "rules" and so on where the name is none
    enforce = true               # also: enabled, timeout (seconds), max_level, roles, and what the kind takes
    [texts]
    refuse = "..."
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal, cast

from ockit.environment import Directories
from ockit.errors import NotFound, UsageError
from ockit.messages import ACTIONS, CATEGORIES, Judged
from ockit.moderation.policy.built_in import built_in
from ockit.moderation.policy.policy import (
    KINDS,
    SECTIONS,
    BackendSpec,
    Policy,
    Row,
    Section,
    Shift,
)
from ockit.moderation.policy.texts import Texts
from ockit.moderation.toml_table import Table, parse_table, quoted, read_table

FILE_NAME = "moderation.toml"
_LARGEST_FILE = 256 << 10
_MOST_SHIFT = 10.0
_COMMON = ("kind", "enabled", "enforce", "timeout", "max_level", "roles")
_OPTIONS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "embedded": {},
    "fewshot": {"model": str, "ctx_size": int, "gpu_layers": (int, str)},
    "guard": {"model": str, "format": str, "ctx_size": int, "gpu_layers": (int, str)},
    "hf": {"model": str, "labels": dict},
    "rules": {"file": str},
    "trained": {"classifier": str},
}
_NEEDED = {"guard": "model", "hf": "model", "rules": "file", "trained": "classifier"}
_TIMEOUTS = {"fewshot": 60.0, "guard": 60.0, "hf": 60.0}  # these run whole models


def find_policy(
    directories: Directories, path: Path | None = None, faults: list[UsageError] | None = None
) -> Policy:
    """The policy of a file; without one that of the person's ``moderation.toml``, else the built-in one.

    Args:
        faults: a list to gather all faults of the file in, in the order of its lines: what has one is as in the
            built-in policy then, and a back end that has one is left out. None: the first is raised.

    Raises:
        UsageError: the file says something that cannot be, with the line; with `faults` only where it is no TOML.
        NotFound: there is no file at `path`.
    """
    if path is not None:
        return read_policy(path, faults)
    try:
        return read_policy(directories.config / FILE_NAME, faults)
    except NotFound:
        return built_in()


def read_policy(path: Path, faults: list[UsageError] | None = None) -> Policy:
    """The policy of a file. Raises as `find_policy`, and StoreError."""
    return _policy(read_table(path, _LARGEST_FILE, faults))


def parse_policy(text: str, name: str) -> Policy:
    """The policy of a file's text; `name` is the file's. Raises UsageError with the line."""
    return _policy(parse_table(text, name))


def _policy(top: Table) -> Policy:
    top.only((*SECTIONS, "backend", "texts"))
    usual = built_in()
    found = Policy(
        input=_section(top.table("input"), usual.input),
        output=_section(top.table("output"), usual.output),
        retrieved=_section(top.table("retrieved"), usual.retrieved),
        backends=_backends(top.table("backend"), usual.backends),
        texts=_texts(top.table("texts"), usual.texts),
        path=top.name,
        digest=hashlib.sha256(top.source.encode()).hexdigest(),
    )
    if top.faults is not None:
        top.faults.sort(key=lambda fault: int(str(fault.where).rpartition(":")[2]))
    return found


def _section(table: Table, usual: Section) -> Section:
    singles = ("injection", "distress", "unsure", "unread", "off_topic")
    table.only(("levels", "categories", *singles, "topics", "fail", "shift"))
    levels = _row(table, "levels", usual.levels) if "levels" in table.values else usual.levels
    listed = table.table("categories")
    listed.only(CATEGORIES)
    return Section(
        levels=levels,
        categories={**usual.categories, **{name: _row(listed, name, levels) for name in listed.values}},
        **{name: table.action(name, getattr(usual, name)) for name in singles},
        topics=table.texts("topics") if "topics" in table.values else usual.topics,
        fail=cast(Literal["closed", "open"], table.word("fail", usual.fail, ("closed", "open"))),
        shift=_shift(table, usual.shift),
    )


def _row(table: Table, key: str, levels: Row) -> Row:
    """An action for each level, from a list of five, one action, or a table of where it begins."""
    value = table.values[key]
    if isinstance(value, list):
        if len(value) != 5 or not all(one in ACTIONS for one in value):
            wrong = next((quoted(one) for one in value if one not in ACTIONS), f"{len(value)} of them")
            what = (
                f"must be five actions, for the levels 0 to 4, each of {', '.join(ACTIONS)}; here is {wrong}"
            )
            table.wrong(table.fault(key, what, f'{key} = ["allow", "note", "caution", "caution", "refuse"]'))
            return levels
        return cast(Row, tuple(value))
    if isinstance(value, dict) and key != "levels":
        inner = table.table(key)
        inner.only(("from", "action"))
        if "action" not in value:
            table.wrong(table.fault(key, "names no action", f'{key} = {{ from = 3, action = "support" }}'))
        first, action = inner.whole("from", 2, 0, 4), inner.action("action", "note")
    elif isinstance(value, str) and key != "levels":
        first, action = 2, table.action(key, "note")
    else:
        what = f"is {quoted(value)}, but must be a list of five actions"
        what += "" if key == "levels" else ", one action, or a table with from and action"
        table.wrong(table.fault(key, what, f'{key} = ["allow", "note", "caution", "caution", "refuse"]'))
        return levels
    # what is below where it begins is met as any other text, but never more strictly than what is above
    return cast(
        Row,
        tuple(
            action if level >= first else min(levels[level], action, key=ACTIONS.index) for level in range(5)
        ),
    )


def _shift(table: Table, usual: Shift) -> Shift:
    value = table.values.get("shift")
    if value is None:
        return usual
    if not isinstance(value, dict):
        every = table.number("shift", 0.0, -_MOST_SHIFT, _MOST_SHIFT)
        return Shift((every, every, every, every), dict.fromkeys((*CATEGORIES, "injection"), every))
    inner = table.table("shift")
    single = tuple(f"level{level}" for level in (1, 2, 3, 4))
    inner.only(("level", *single, "injection", *CATEGORIES))
    read = {key: inner.number(key, 0.0, -_MOST_SHIFT, _MOST_SHIFT) for key in inner.values}
    first, second, third, fourth = (read.get(key, read.get("level", 0.0)) for key in single)
    others = {key: shift for key, shift in read.items() if not key.startswith("level")}
    return Shift((first, second, third, fourth), others)


def _backends(table: Table, usual: tuple[BackendSpec, ...]) -> tuple[BackendSpec, ...]:
    """The usual ones, but for what the file says of their kind, and those of the file."""
    tables = {name: table.table(name) for name in table.values}
    read = [_backend(one, name) for name, one in tables.items() if isinstance(table.values[name], dict)]
    named = [spec for spec in read if spec is not None]
    kinds, taken = {spec.kind for spec in named}, {spec.name: spec for spec in named}
    for spec in usual:
        if spec.kind not in kinds and spec.name in taken:
            mine = tables[spec.name]
            mine.wrong(
                mine.fault("kind", f"makes {spec.name} another back end", "give this one another name")
            )
    kept = [spec for spec in usual if spec.kind not in kinds]
    return (*kept, *(spec for spec in named if tables[spec.name].flag("enabled", True)))


def _backend(table: Table, name: str) -> BackendSpec | None:
    """What a table says of a back end; None where it has faults that are gathered."""
    before = len(table.faults or ())
    spec = _spec(table, name)
    return spec if len(table.faults or ()) == before else None


def _spec(table: Table, name: str) -> BackendSpec | None:
    if not name.strip() or len(name) > 64 or not name.isprintable():
        what = f"a back end is called {quoted(name)}"
        table.wrong(UsageError(what, where=table.where(), hint="[backend.NAME] with a short name"))
    if name not in KINDS and "kind" not in table.values:
        what, hint = f"the back end {name} has no kind", f"kind = one of {', '.join(KINDS)}"
        table.wrong(UsageError(what, where=table.where(), hint=hint))
        return None
    kind = table.word("kind", name, KINDS)
    if kind not in KINDS or table.values.get("kind", kind) != kind:  # which options there are, is not known
        return None
    options = _OPTIONS[kind]
    table.only((*_COMMON, *options))
    for key, types in options.items():
        value = table.values.get(key)
        if value is not None and (not isinstance(value, types) or isinstance(value, bool)):
            wanted = {str: "text", int: "a whole number", dict: "a table"}
            names = [wanted[one] for one in (types if isinstance(types, tuple) else (types,))]
            what = f"is {quoted(value)}, but must be {' or '.join(names)}"
            table.wrong(table.fault(key, what, "docs/moderation.md has an example"))
    needed = _NEEDED.get(kind)
    if needed is not None and not table.values.get(needed):
        what, hint = f"the back end {name} needs {needed}", f'{needed} = "..." in [backend.{name}]'
        table.wrong(UsageError(what, where=table.where(), hint=hint))
    return BackendSpec(
        name=name,
        kind=kind,
        enforce=table.flag("enforce", True),
        timeout=table.number("timeout", _TIMEOUTS.get(kind, 20.0), 0.01, 3600.0),
        max_level=table.whole("max_level", 4, 0, 4),
        roles=_roles(table),
        options={key: table.values[key] for key in options if key in table.values},
        where=table.where(),
    )


def _roles(table: Table) -> tuple[Judged, ...]:
    if "roles" not in table.values:
        return tuple(SECTIONS.values())
    roles = table.texts("roles")
    if table.values["roles"] == list(roles) and (not roles or not all(role in SECTIONS for role in roles)):
        example = f"roles = {list(SECTIONS)}".replace("'", '"')
        table.wrong(table.fault("roles", f"is {quoted(list(roles))}", example))
    return tuple(SECTIONS[role] for role in roles if role in SECTIONS)


def _texts(table: Table, usual: Texts) -> Texts:
    names = [entry.name for entry in fields(Texts)]
    table.only(names)
    given: dict[str, Any] = {name: table.text(name, "") for name in names if name in table.values}
    return replace(usual, **given)
