"""A model from a hub into the registry: what is meant, where it goes, whether it may, all parts of it, its name.

Everything that can refuse is asked before the first byte is fetched: the name, the room, the digest. Files lie in
``models/OWNER/NAME/`` of the data directory, under the names they were published with; the locks of downloads
in ``models/.locks/``, which no OWNER can be. A lock's file stays: removing it could let two pulls in at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ockit.environment import Directories
from ockit.errors import ModelFileError, NotFound, UsageError
from ockit.files import lock, private_dir
from ockit.models.draft import suggested_name
from ockit.models.free_memory import available
from ockit.models.hub import Hub, Listing
from ockit.models.hub_download import Download, Progress, check_room
from ockit.models.hub_files import RemoteModel, Wanted, best, chosen, models_in
from ockit.models.locate import same_file
from ockit.models.names import checked_name
from ockit.models.registry import Added, Registry
from ockit.models.rough_memory import rough_need


class Several(UsageError):
    """The repository holds several models and none was named.

    Attributes:
        rows: each model, and whether it would fit into the memory that is free (None: its size is not known).
        proposed: the one to name.
    """

    def __init__(self, repo: str, rows: Sequence[tuple[RemoteModel, bool | None]]) -> None:
        self.rows = rows
        self.proposed = best([model for model, _ in rows], [fits is True for _, fits in rows])
        tag = self.proposed.quantization
        alone = sum(model.quantization == tag for model, _ in rows) == 1
        self.choice = f"{repo}:{tag if tag and alone else self.proposed.path}"
        super().__init__(
            f"{repo} holds {len(rows)} models: name one", hint=f"ockit models pull {self.choice}"
        )


@dataclass(frozen=True)
class Plan:
    """What is going to be fetched, and under which name it will be known. ``lock`` is held meanwhile."""

    listing: Listing
    model: RemoteModel
    targets: tuple[Path, ...]
    lock: Path
    name: str
    aliases: tuple[str, ...] = ()
    sha256: str | None = None
    notes: list[str] = field(default_factory=list)


def plan(
    hub: Hub,
    registry: Registry,
    directories: Directories,
    wanted: Wanted,
    *,
    name: str | None = None,
    aliases: Sequence[str] = (),
    sha256: str | None = None,
    memory: Callable[[], int] = available,
) -> Plan:
    """Ask the hub and decide; fetches nothing.

    Raises:
        UsageError: a name, alias or digest that cannot be or is taken; `Several`.
        NotFound: no such repository, revision or file; no GGUF model in it.
        HubError: the hub.
    """
    for text, what in ((name, "name"), *((alias, "alias") for alias in aliases)):
        if text is not None:
            checked_name(text, what)
    if sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", sha256 := sha256.lower()):
        raise UsageError(f"{sha256[:80]!r} is no sha256: it has 64 hexadecimal digits")
    named = wanted.file if wanted.file and wanted.file.lower().endswith(".gguf") else None
    listing = hub.listing(wanted.repo, wanted.revision, named)
    model = _meant(hub, listing, wanted, memory)
    if sha256 is not None:
        _compare(model, sha256)
    place = directories.data / "models"
    folder = place.joinpath(*wanted.repo.split("/"))
    targets = tuple(folder.joinpath(*part.path.split("/")) for part in model.parts)
    chosen_name = name or suggested_name(targets[0], None) or suggested_name(folder / "model.gguf", None)
    for text in (chosen_name, *aliases):
        _check_free(registry, text, targets[0])
    notes = []
    if sha256 is None and any(part.sha256 is None for part in model.parts):
        notes.append(f"the hub gives no sha256 for {model.path}: only its length can be checked")
    if model.size is not None and rough_need(model.size) > memory():
        notes.append(f"{model.path} will hardly fit into the memory that is free now")
    # two spellings may be one place, on a disk to which case does not matter
    mark = hashlib.sha256(str(targets[0].relative_to(place)).lower().encode()).hexdigest()[:16]
    guard = place / ".locks" / f"{mark}.lock"
    return Plan(listing, model, targets, guard, chosen_name, tuple(aliases), sha256, notes)


def fetch(hub: Hub, registry: Registry, plan: Plan, progress: Progress) -> Added:
    """Fetch what is missing of a plan, check it and note it under its name.

    Raises:
        HubError, StoreError: see `Download.run`.
        ModelFileError: what the hub has is damaged or no chat model; it was removed.
    """
    first = plan.targets[0]
    private_dir(first.parent)
    downloads = [
        Download(hub, plan.listing, part, target, known=plan.sha256, check=_look(number, len(plan.targets)))
        for number, (part, target) in enumerate(zip(plan.model.parts, plan.targets, strict=True))
    ]
    held = f"another ockit is fetching {plan.model.path} now"
    with lock(plan.lock, timeout=0, held=held):
        told = _summed(plan, progress)
        waiting = [row for row in enumerate(downloads) if not row[1].is_there(told(row[0]))]
        check_room(first, sum(download.missing() for _, download in waiting))
        for number, download in waiting:
            download.run(told(number))
        added = registry.add(
            first, name=plan.name, progress=lambda done, total: progress("checking", done, total)
        )
    entry = added.entry
    for alias in plan.aliases:
        entry = registry.alias(entry.name, alias)
    return Added(entry, added.outcome)


def _meant(hub: Hub, listing: Listing, wanted: Wanted, memory: Callable[[], int]) -> RemoteModel:
    models = models_in(listing.files)
    if not models:
        gguf = any(file.path.lower().endswith(".gguf") for file in listing.files)
        what = "no whole GGUF model" if gguf else "no GGUF file"
        raise NotFound(
            f"there is {what} in {listing.repo}",
            where=hub.page(listing.repo),
            hint="the same model's GGUF files are often in a repository whose name ends in -GGUF",
        )
    if wanted.file is not None:
        return chosen(models, wanted.file)
    if len(models) == 1:
        return models[0]
    free = memory()
    raise Several(
        listing.repo,
        [(model, None if model.size is None else rough_need(model.size) <= free) for model in models],
    )


def _compare(model: RemoteModel, sha256: str) -> None:
    if len(model.parts) > 1:
        raise UsageError(
            f"--sha256 is that of one file, and this model has {len(model.parts)}",
            hint="leave it out: each part is compared with the hub's own",
        )
    said = model.parts[0].sha256
    if said not in (None, sha256):
        raise UsageError(
            f"the hub's {model.path} has another sha256 than --sha256 says: {said}",
            hint="nothing was fetched; --revision COMMIT fetches an older file",
        )


def _check_free(registry: Registry, name: str, target: Path) -> None:
    """Raise UsageError where a name means another model already: a download must not end with that."""
    try:
        there = registry.find(name)
    except NotFound:
        return
    if there.source != "path" and not same_file(there.path, target):
        raise UsageError(
            f"the name {name} is taken by {there.path}", hint=f"choose another, for instance --name {name}-2"
        )


def _look(number: int, count: int) -> Callable[[Path], None]:
    """The look at a file's header before it gets its name; only the first part says what the model is."""

    def check(part: Path) -> None:
        from ockit.formats.gguf_header import read_header
        from ockit.formats.loadable import check_loadable
        from ockit.models.kinds import WHAT, kind_of

        header = read_header(part)
        kind = kind_of(header)
        if number == 0 and kind not in ("chat", "vocabulary" if count > 1 else "chat"):
            raise ModelFileError(f"this is {WHAT[kind]}", hint="ockit models pull takes chat models")
        if count == 1:
            check_loadable(header)

    return check


def _summed(plan: Plan, progress: Progress) -> Callable[[int], Progress]:
    """Progress of one part as that of the whole model."""
    sizes = [part.size or 0 for part in plan.model.parts]

    def of(number: int) -> Progress:
        before = sum(sizes[:number])

        def told(what: str, done: int, total: int) -> None:
            progress(what, before + done, max(sum(sizes), before + total))

        return told

    return of
