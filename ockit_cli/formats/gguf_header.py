"""The header of a GGUF file, read with bounds: what a model is, without loading it.

Reads versions 2 and 3, little-endian, as the GGUF specification and llama.cpp's ``gguf.cpp`` define them, and
refuses whatever llama.cpp refuses. No count in the file is believed before it is compared with the bytes that
are left, so a file of 49 bytes that claims 2**63 entries costs nothing. Long arrays are walked, not kept.
Whether a sound header describes a model that can run is the question of `ockit.formats.loadable`.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ockit.errors import ModelFileError
from ockit.formats.bounded import Cursor, damaged, open_regular, truncated
from ockit.formats.ggml_types import FILE_TYPES
from ockit.formats.gguf_metadata import SCALARS, ArraySummary, MetadataReader, Scalar, Value
from ockit.formats.gguf_tensors import TensorInfo, padded, placed, read_tensors
from ockit.formats.lookalikes import describe

MAX_ENTRIES = 65_536
_MIN_ENTRY = 8 + 1 + 4 + 1  # the length of a key, one letter, a type, a byte
_MIN_TENSOR = 8 + 1 + 4 + 8 + 4 + 8


@dataclass(frozen=True)
class GGUFHeader:
    """Everything a GGUF file says before its weights. Sizes are in bytes.

    ``types`` has the type of every scalar in ``metadata`` (``u32``, ``str`` ...), ``doubled_token`` a token that
    occurs twice in the vocabulary, where one does.
    """

    path: Path
    file_size: int
    version: int
    metadata: dict[str, Value]
    types: dict[str, str]
    tensors: tuple[TensorInfo, ...]
    alignment: int
    data_offset: int
    doubled_token: str | None = None

    def text(self, key: str) -> str | None:
        """A string of the metadata, or None where there is none of that key and kind."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def integer(self, key: str) -> int | None:
        """An integer of the metadata, or None."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def array(self, key: str) -> ArraySummary | None:
        """An array of the metadata, or None."""
        value = self.metadata.get(key)
        return value if isinstance(value, ArraySummary) else None

    def of_architecture(self, name: str) -> Value | None:
        """A value whose key begins with the architecture, such as ``block_count``."""
        return self.metadata.get(f"{self.architecture}.{name}")

    @property
    def architecture(self) -> str:
        """``llama``, ``qwen2`` ...; empty where the file names none."""
        return self.text("general.architecture") or ""

    @property
    def name(self) -> str:
        """The model's own name, else the file's."""
        return self.text("general.name") or self.path.stem

    @property
    def n_params(self) -> int:
        """Parameters: the values of all tensors."""
        return sum(tensor.n_elements for tensor in self.tensors)

    @property
    def n_ctx_train(self) -> int:
        """The context the model was trained for, in tokens; 0 where the file does not say."""
        return self.integer(f"{self.architecture}.context_length") or 0

    @property
    def n_layers(self) -> int:
        """Blocks; 0 where the file does not say."""
        return self.integer(f"{self.architecture}.block_count") or 0

    @property
    def n_vocab(self) -> int:
        """Tokens of the vocabulary."""
        tokens = self.array("tokenizer.ggml.tokens")
        return tokens.count if tokens else 0

    @property
    def chat_template(self) -> str | None:
        """The Jinja text of the model's own chat template."""
        return self.text("tokenizer.chat_template")

    @property
    def weight_bytes(self) -> int:
        """Bytes of all tensors, padding included."""
        return sum(padded(tensor.n_bytes, self.alignment) for tensor in self.tensors)

    @property
    def quantization(self) -> str | None:
        """``Q4_K_M`` and the like, or None for a file without weights.

        ``general.file_type`` gives the label where tensors of its type are there; else the label is the type
        that most of the weights have.
        """
        matrices: Counter[str] = Counter()
        for tensor in self.tensors:
            if len(tensor.shape) > 1:
                matrices[tensor.kind.name] += tensor.n_elements
        label, expected = FILE_TYPES.get(self.integer("general.file_type") or 0, ("", ""))
        if expected in matrices:
            return label
        return matrices.most_common(1)[0][0] if matrices else None

    def strings(self, key: str) -> list[bytes]:
        """All elements of an array of strings, read from the file now; [] where there is no such array.

        They come as bytes: a token need not be whole characters.

        Raises:
            NotFound, ModelFileError: the file is gone or was changed since its header was read.
        """
        array = self.array(key)
        if array is None or array.element_type != "str":
            return []
        with open_regular(self.path) as (descriptor, size):
            cursor = Cursor(self.path, descriptor, size)
            cursor.seek(array.offset, key)
            return [cursor.string(key) for _ in range(array.count)]

    def numbers(self, key: str) -> list[Scalar]:
        """All elements of an array of numbers, read from the file now; [] where there is no such array.

        Raises:
            NotFound, ModelFileError: the file is gone or was changed since its header was read.
        """
        array = self.array(key)
        if array is None or array.element_type == "str":
            return []
        code = next(code for name, code in SCALARS.values() if name == array.element_type)
        with open_regular(self.path) as (descriptor, size):
            cursor = Cursor(self.path, descriptor, size)
            cursor.seek(array.offset, key)
            layout = struct.Struct(f"<{array.count}{code}")
            return list(layout.unpack(cursor.take(layout.size, key)))


def read_header(path: Path, *, whole: bool = True) -> GGUFHeader:
    """The header of a GGUF file, checked against the file's size.

    A vocabulary without weights, and one part of a split model, are accepted.

    Args:
        whole: whether the bytes of the weights must be there too; a header alone can be planned with.

    Raises:
        NotFound: there is no such file.
        ModelFileError: the file cannot be read, is no GGUF file, is damaged or is of an unsupported version.
    """
    path = Path(path)
    with open_regular(path) as (descriptor, size):
        cursor = Cursor(path, descriptor, size)
        version = _read_version(cursor)
        n_tensors = _read_count(cursor, "tensors", _MIN_TENSOR, size)
        n_entries = _read_count(cursor, "metadata entries", _MIN_ENTRY, MAX_ENTRIES)
        entries = MetadataReader(cursor)
        for index in range(n_entries):
            entries.read_entry(index)
        alignment = _alignment(path, entries)
        infos = read_tensors(cursor, n_tensors, alignment)
        data_offset = padded(cursor.offset, alignment) if n_tensors else cursor.offset
        return GGUFHeader(
            path=path,
            file_size=size,
            version=version,
            metadata=entries.metadata,
            types=entries.types,
            tensors=placed(cursor, infos, data_offset, alignment, whole=whole),
            alignment=alignment,
            data_offset=data_offset,
            doubled_token=entries.doubled_token,
        )


def _read_version(cursor: Cursor) -> int:
    path, size = cursor.path, cursor.size
    head = cursor.take(min(512, size), "the header")
    if not head.startswith(b"GGUF"):
        if b"GGUF".startswith(head):
            raise truncated(path, size, "the header", size)
        what, hint = describe(head, size)
        named = "named .gguf but is " if path.suffix.lower() == ".gguf" else ""
        raise ModelFileError(f"this is not a GGUF file: it is {named}{what}", where=str(path), hint=hint)
    cursor.seek(4, "the header")
    version = cursor.u32("the version")
    if version & 0xFFFF == 0 and version:
        raise ModelFileError(
            f"this is a big-endian GGUF file (version {int.from_bytes(version.to_bytes(4, 'little'), 'big')})",
            where=str(path),
            hint="ockit reads little-endian files: look for another file of this model",
        )
    if version == 1:
        raise ModelFileError(
            "this is a GGUF file of version 1 (August 2023), which llama.cpp no longer reads",
            where=str(path),
            hint="look for a newer file of this model",
        )
    if version not in (2, 3):
        raise damaged(
            path,
            4,
            f"the GGUF version is {version}, but only 2 and 3 are known",
            hint="a newer ockit may read it",
        )
    return version


def _read_count(cursor: Cursor, what: str, minimal: int, limit: int) -> int:
    offset = cursor.offset
    count = cursor.u64(f"the number of {what}")
    if count > min(limit, cursor.left // minimal):
        raise damaged(
            cursor.path,
            offset,
            f"the file claims {count} {what}, more than the {cursor.left} bytes that follow can hold"
            if count > cursor.left // minimal
            else f"the file claims {count} {what}; the limit is {limit}",
        )
    return count


def _alignment(path: Path, entries: MetadataReader) -> int:
    key = "general.alignment"
    value = entries.metadata.get(key, 32)
    if entries.types.get(key, "u32") != "u32" or not isinstance(value, int):
        raise ModelFileError(f"{key} is {value!r}, not a 32-bit unsigned integer", where=str(path))
    # 8 is the specification's least; beyond 64 KiB no known file goes
    if value & (value - 1) or not 1 <= value <= 1 << 16:
        raise ModelFileError(
            f"{key} is {value}, not a power of two up to 65536",
            where=str(path),
            hint="the file is damaged: fetch it again",
        )
    return value
