"""A model in several files, as llama.cpp splits one: ``name-00001-of-00003.gguf`` and its siblings.

Knows the naming scheme and joins the parts' headers. Source: ``llama_split_path`` of llama.cpp.
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.errors import ModelFileError, NotFound

if TYPE_CHECKING:
    from ockit.formats.gguf_header import GGUFHeader

MAX_PARTS = 1000
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)


def split_stem(file_name: str) -> str:
    """The file name without ``-00001-of-00003`` and ``.gguf``."""
    match = _PART.fullmatch(file_name)
    return match["stem"] if match else re.sub(r"\.gguf$", "", file_name, flags=re.IGNORECASE)


def part_number(path: Path) -> tuple[int, int]:
    """Which part of how many a file is by its name; (1, 1) for a model in one file."""
    match = _PART.fullmatch(path.name)
    return (int(match["number"]), int(match["count"])) if match else (1, 1)


def parts_of(path: Path) -> tuple[Path, ...]:
    """All files of the model whose first file is given, in order.

    Raises:
        NotFound: a part is missing.
        ModelFileError: the file is a later part, or the name makes no sense.
    """
    number, count = part_number(path)
    if count == 1:
        return (path,)
    if not 1 <= number <= count <= MAX_PARTS:
        raise ModelFileError(
            f"the name says part {number} of {count}, which cannot be (1 to {MAX_PARTS} parts)",
            where=str(path),
            hint="give the parts the names they were published under",
        )
    stem = split_stem(path.name)
    parts = tuple(path.with_name(f"{stem}-{i:05d}-of-{count:05d}.gguf") for i in range(1, count + 1))
    if number != 1:
        raise ModelFileError(
            f"this is part {number} of {count} of a model",
            where=str(path),
            hint=f"name the first: {parts[0]}",
        )
    for part in parts[1:]:
        if not os.path.exists(part):
            raise NotFound(
                f"part {part.name} of the model is missing: it has {count} parts",
                where=str(path),
                hint="fetch the missing part into the same directory",
            )
    return parts


def read_model(path: Path, *, whole: bool = True) -> GGUFHeader:
    """The header of a whole model: that of its first file, with the tensors and the bytes of all of them.

    Args:
        whole: as for `ockit.formats.gguf_header.read_header`.

    Raises:
        NotFound, ModelFileError: from any of the parts.
    """
    from ockit.formats.gguf_header import read_header

    parts = parts_of(path)
    header = read_header(parts[0], whole=whole)
    said = header.integer("split.count") or 1
    if said not in (1, len(parts)) or (len(parts) > 1 and said == 1):
        raise ModelFileError(
            f"the file says it is one of {said} parts, its name says one of {len(parts)}",
            where=str(path),
            hint="give the parts the names they were published under: NAME-00001-of-00003.gguf",
        )
    others = [read_header(part, whole=whole) for part in parts[1:]]
    if not others:
        return header
    return dataclasses.replace(
        header,
        tensors=header.tensors + tuple(tensor for other in others for tensor in other.tensors),
        file_size=header.file_size + sum(other.file_size for other in others),
    )
