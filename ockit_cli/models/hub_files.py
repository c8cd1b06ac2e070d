"""What lies in a repository of models, as far as ockit can run it: its GGUF models, and which one is meant.

Knows names of files and how publishers write them (quantization at the end, ``-00001-of-00003`` for parts,
``mmproj`` and ``imatrix`` for what is no model); knows no network and no disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ockit.errors import NotFound, UsageError
from ockit.models.parts import MAX_PARTS, part_number, split_stem

_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_PAGE = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_QUANTIZATION = re.compile(
    r"(?:^|[-._/ ])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|MXFP4(?:_MOE)?|BF16|FP?16|FP?32))(?=$|[-._/ ])",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(r"mmproj|imatrix|(?:^|[-._])lora(?:[-._]|$)", re.IGNORECASE)
_LIKED = ("Q4_K_M", "Q4_K_S", "IQ4_XS", "Q4_0", "Q4", "Q4_1", "Q5_K_M", "Q5_K_S", "Q6_K", "Q8_0", "Q3_K_M")
"""Quantizations by how well they trade size for quality on a small machine, as llama.cpp's own figures rank them."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository; ``path`` is relative to it. What is None was not said by the hub."""

    path: str
    size: int | None
    sha256: str | None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class RemoteModel:
    """A model of a repository: one file, or all parts of a split one in order."""

    parts: tuple[RemoteFile, ...]

    @property
    def path(self) -> str:
        """What to type for it: the first part's path."""
        return self.parts[0].path

    @property
    def size(self) -> int | None:
        """Bytes of all parts; None where one of them is not known."""
        sizes = [part.size for part in self.parts]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def quantization(self) -> str | None:
        """As the file's name says it (its directory's, where that says nothing), in capitals."""
        pure = PurePosixPath(self.path)
        for text in (split_stem(pure.name), str(pure.parent)):
            found = _QUANTIZATION.findall(text)
            if found:
                return str(found[-1]).upper()
        return None


@dataclass(frozen=True)
class Wanted:
    """What a person typed: a repository, perhaps a file or a quantization in it, perhaps a revision."""

    repo: str
    file: str | None = None
    revision: str | None = None


def wanted(text: str) -> Wanted:
    """Read ``OWNER/NAME``, ``OWNER/NAME:FILE`` or the address of a page of Hugging Face.

    Raises:
        UsageError: it is none of these.
    """
    page = _PAGE.match(text)
    rest = text[page.end() :] if page else text
    repo, colon, file = rest.partition(":")
    revision = None
    if page:
        words = repo.split("?")[0].strip("/").split("/")
        repo = "/".join(words[:2])
        if len(words) > 3 and words[2] in ("blob", "resolve", "tree"):
            revision, below = words[3], "/".join(words[4:])
            colon, file = (":", below) if below else (colon, file)
    if not _REPO.fullmatch(repo) or ".." in repo or "--" in repo or (colon and not file):
        shown = text if len(text) <= 100 else f"{text[:60]}..."
        raise UsageError(
            f"{shown!r} names no repository: OWNER/NAME, or OWNER/NAME:FILE",
            hint="for instance: ockit models pull Qwen/Qwen2.5-1.5B-Instruct-GGUF:Q4_K_M",
        )
    return Wanted(repo, file or None, revision)


def is_safe(path: str) -> bool:
    """Whether a path that a hub names may become one below ockit's own directory."""
    parts = path.split("/")
    plain = path.isprintable() and "\\" not in path and ":" not in path and len(path) <= 400
    return plain and all(part and not part.startswith(".") and len(part) <= 180 for part in parts)


def models_in(files: Iterable[RemoteFile]) -> tuple[RemoteModel, ...]:
    """The GGUF models among a repository's files, whole ones only, by size."""
    split: dict[tuple[str, int], dict[int, RemoteFile]] = {}
    found: list[RemoteModel] = []
    for file in files:
        pure = PurePosixPath(file.path)
        if pure.suffix.lower() != ".gguf" or not is_safe(file.path) or _NO_MODEL.search(pure.name):
            continue
        number, count = part_number(Path(file.path))
        if count == 1:
            found.append(RemoteModel((file,)))
        elif 1 <= number <= count <= MAX_PARTS:
            split.setdefault((str(pure.with_name(split_stem(pure.name))), count), {})[number] = file
    for (_, count), parts in split.items():
        if len(parts) == count:
            found.append(RemoteModel(tuple(parts[number] for number in range(1, count + 1))))
    return tuple(sorted(found, key=lambda model: (model.size or 0, model.path)))


def chosen(models: Sequence[RemoteModel], text: str) -> RemoteModel:
    """The model that a file's name, a path, any part of it or a quantization means; case does not count.

    Raises:
        NotFound: none of them, or a quantization that several have.
    """
    low = text.lower()
    exact = [model for model in models if any(low == part.path.lower() for part in model.parts)]
    named = exact or [model for model in models if any(low == part.name.lower() for part in model.parts)]
    meant = named or [model for model in models if (model.quantization or "").lower() == low]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise NotFound(
            f"{text!r} may be any of {len(meant)} files: {', '.join(model.path for model in meant[:5])}",
            hint="name the file itself behind the colon",
        )
    from difflib import get_close_matches

    names = {(model.quantization or "").lower(): model.quantization or "" for model in models}
    names |= {model.parts[0].name.lower(): model.path for model in models}
    near = [names[key] for key in get_close_matches(low, [key for key in names if key], 3, 0.5)]
    what = f"there is no GGUF model {text!r} in the repository" + (
        f"; near: {', '.join(near)}" if near else ""
    )
    raise NotFound(what, hint="without :FILE the command lists what is there")


def best(models: Sequence[RemoteModel], fits: Iterable[bool]) -> RemoteModel:
    """The one to propose: the best liked quantization among those that fit, else the smallest of all."""
    fitting = [model for model, good in zip(models, fits, strict=True) if good]
    if not fitting:
        return min(models, key=lambda model: model.size or 0)

    def rank(model: RemoteModel) -> tuple[int, int]:
        name = (model.quantization or "").removeprefix("UD-")
        return (_LIKED.index(name) if name in _LIKED else len(_LIKED), -(model.size or 0))

    return min(fitting, key=rank)
