"""Low-rank changes to an encoder's matrices (LoRA, Hu et al. 2021): a file of them, and what each adds.

A matrix W of the shape (out, in) becomes ``W + B @ A`` with A of (rank, in) and B of (out, rank); the usual scaling
alpha / rank is already in B. Kept as f16 under the names of the model's own safetensors file, without ``.weight``,
with ``.A`` or ``.B`` behind. Knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ockit.errors import ModelFileError
from ockit.formats.sealed import Numbers, read_sealed, write_sealed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KIND = "ockit low-rank changes 1"


@dataclass(frozen=True)
class Changes:
    """The changes of one file; `digest` stands for all of them."""

    path: Path
    digest: str
    tensors: Mapping[str, Numbers]
    note: str

    @property
    def names(self) -> frozenset[str]:
        """The matrices that are changed."""
        return frozenset(name[:-2] for name in self.tensors)

    def added_to(self, name: str, weights: NDArray[Any]) -> NDArray[np.float32]:
        """A matrix with its change: `weights` of the shape (out, in) in any float type.

        Raises:
            ModelFileError: the change is of another shape, or makes what is no number that f16 holds.
        """
        import numpy as np

        first, second = self._matrix(f"{name}.A"), self._matrix(f"{name}.B")
        if first.shape[1:] != weights.shape[1:] or second.shape[:1] != weights.shape[:1]:
            raise ModelFileError(
                f"the change of {name} is for a matrix of {(second.shape[0], first.shape[1])}, not {weights.shape}",
                where=str(self.path),
                hint="it was made for another model",
            )
        changed: NDArray[np.float32] = weights.astype(np.float32) + second @ first
        if not np.isfinite(changed).all() or np.abs(changed).max() > np.finfo(np.float16).max:
            raise ModelFileError(
                f"the change of {name} makes what is no number", where=str(self.path), hint="train it again"
            )
        return changed

    def _matrix(self, name: str) -> NDArray[np.float32]:
        import numpy as np

        tensor = self.tensors[name]
        return np.frombuffer(tensor.data, "<f2").reshape(tensor.shape).astype(np.float32)


def write_changes(path: Path, changes: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], note: str) -> str:
    """Write changes, A and B for each matrix, and give their digest.

    Args:
        note: where they come from, for people.

    Raises:
        UsageError: the shapes of A and B do not go together.
        StoreError: the disk refuses.
    """
    import numpy as np

    tensors = {}
    for name, pair in changes.items():
        for letter, matrix in zip("AB", pair, strict=True):
            half = np.ascontiguousarray(matrix, "<f2")
            tensors[f"{name}.{letter}"] = Numbers("F16", half.shape, half.tobytes())
    return write_sealed(path, KIND, {"note": note}, tensors)


def read_changes(path: Path) -> Changes:
    """Read changes.

    Raises:
        NotFound, ModelFileError: as `read_sealed`, or A and B of a matrix do not go together.
    """
    sealed = read_sealed(path, KIND)
    for name, tensor in sealed.tensors.items():
        stem, _, letter = name.rpartition(".")
        first, second = sealed.tensors.get(f"{stem}.A"), sealed.tensors.get(f"{stem}.B")
        fits = first and second and len(first.shape) == len(second.shape) == 2
        if letter not in ("A", "B") or not fits or tensor.dtype != "F16" or _rank(first) != _rank(second, 1):
            raise ModelFileError(
                f"{name} is no half of a low-rank change", where=str(path), hint="train it again"
            )
    return Changes(path, sealed.digest, sealed.tensors, str(sealed.facts.get("note", "")))


def _rank(tensor: Numbers | None, axis: int = 0) -> int:
    return tensor.shape[axis] if tensor is not None else 0
