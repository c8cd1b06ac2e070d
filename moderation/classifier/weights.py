"""The file of the linear heads: what is in it, written by training, read by the worker. Read without numpy, which would
cost the worker 60 ms of its start. Knows no text and no encoder but for the digest of the one it was trained on.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import mul
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ockit.errors import ModelFileError, UsageError
from ockit.formats.sealed import Numbers, Sealed, read_sealed, write_sealed
from ockit.messages import CATEGORIES
from ockit.moderation.classifier.features import BUCKETS

if TYPE_CHECKING:
    from numpy.typing import NDArray

KIND = "ockit moderation heads 1"
LEVELS = ("level1", "level2", "level3", "level4")
"""The probability that a text is of this level or a higher one: an ordinal head (Frank and Hall 2001)."""
OUTPUTS = (*LEVELS, *CATEGORIES, "injection", "distress")
"""The rows of the heads, in this order. ``distress``: somebody speaks of their own suffering."""


@dataclass(frozen=True)
class Heads:
    """Linear heads on a vector of length 1 and on hashed n-grams.

    ``logit[o] = bias[o] + vector[o] . v + hashed_scales[o] / sqrt(n) * (sum of hashed[bucket][o] over n buckets)``

    Attributes:
        encoder: the digest of the encoder's changes that the heads were trained on.
        vector: a row for each of `OUTPUTS`, each as long as the encoder's vector.
        bias: one number for each output.
        hashed: int8, `BUCKETS` rows of ``len(OUTPUTS)``; empty where n-grams are not used.
        hashed_scales: what one step of int8 is worth, for each output; empty likewise.
        cuts: for each output the probability from which it counts.
        centroids: vectors of length 1, near which what was learned from lies; may be none.
        nearness: a text whose greatest cosine to a centroid is below this is ``unsure``.
        note: where the heads come from, for people.
        digest: stands for the whole file.
    """

    encoder: str
    vector: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    hashed: bytes
    hashed_scales: tuple[float, ...]
    cuts: Mapping[str, float]
    centroids: tuple[tuple[float, ...], ...]
    nearness: float
    note: str
    digest: str

    @cached_property
    def squares(self) -> tuple[float, ...]:
        """The square of the length of each row of `vector`."""
        return tuple(sum(map(mul, row, row)) for row in self.vector)

    @cached_property
    def lifted(self) -> bytes:
        """`hashed` with 128 added to each number: bytes without a sign are summed without being unpacked."""
        return self.hashed.translate(bytes(number ^ 128 for number in range(256)))


def write_heads(
    path: Path,
    *,
    encoder: str,
    vector: NDArray[Any],
    bias: NDArray[Any],
    cuts: Mapping[str, float],
    hashed: NDArray[Any] | None = None,
    hashed_scales: NDArray[Any] | None = None,
    centroids: NDArray[Any] | None = None,
    nearness: float = -1.0,
    note: str = "",
) -> str:
    """Write heads, given as numpy arrays in the shapes of `Heads`, and give their digest.

    Raises:
        UsageError: a shape is another, a number is none, or a cut is missing.
        StoreError: the disk refuses.
    """
    import numpy as np

    n = len(OUTPUTS)
    tensors: dict[str, NDArray[Any]] = {"vector": vector, "bias": bias}
    if hashed is not None and hashed_scales is not None:
        tensors |= {"hashed": hashed, "hashed_scales": hashed_scales}
    if centroids is not None:
        tensors["centroids"] = centroids
    wanted = {"vector": (n, None), "bias": (n,), "hashed": (BUCKETS, n), "hashed_scales": (n,)}
    for name, numbers in tensors.items():
        shape = wanted.get(name, (None, np.shape(vector)[1]))
        given = np.shape(numbers)
        alike = len(shape) == len(given) and all(a in (None, b) for a, b in zip(shape, given, strict=True))
        if not alike or not np.isfinite(numbers).all():
            raise UsageError(
                f"the heads' {name} is of the shape {given}, not {shape}, or holds what is no number"
            )
    if set(cuts) != set(OUTPUTS) or not all(0 <= cut <= 1 for cut in cuts.values()):
        raise UsageError(f"the cuts must be probabilities for {', '.join(OUTPUTS)}; they are {dict(cuts)}")
    facts = {
        "encoder": encoder,
        "outputs": list(OUTPUTS),
        "cuts": {name: float(cut) for name, cut in cuts.items()},
        "nearness": float(nearness),
        "note": note,
    }
    return write_sealed(path, KIND, facts, {name: _numbers(name, entry) for name, entry in tensors.items()})


def read_heads(path: Path) -> Heads:
    """Read heads.

    Raises:
        NotFound: nothing is there.
        ModelFileError: the file is damaged, of another kind, or for other outputs.
    """
    sealed = read_sealed(path, KIND)
    facts, n = sealed.facts, len(OUTPUTS)
    vector = _rows(sealed, "vector")
    hashed = sealed.tensors.get("hashed")
    if facts.get("outputs") != list(OUTPUTS) or len(vector) != n or (hashed and hashed.shape != (BUCKETS, n)):
        raise ModelFileError(
            "the heads are for other outputs than this version has",
            where=str(path),
            hint="train them again with this version",
        )
    return Heads(
        encoder=str(facts["encoder"]),
        vector=vector,
        bias=tuple(_floats(sealed, "bias")),
        hashed=hashed.data if hashed else b"",
        hashed_scales=tuple(_floats(sealed, "hashed_scales")),
        cuts={str(name): float(cut) for name, cut in facts["cuts"].items()},
        centroids=_rows(sealed, "centroids"),
        nearness=float(facts["nearness"]),
        note=str(facts["note"]),
        digest=sealed.digest,
    )


def _numbers(name: str, values: NDArray[Any]) -> Numbers:
    import numpy as np

    kind, dtype = ("I8", "i1") if name == "hashed" else ("F32", "<f4")
    packed = np.ascontiguousarray(values, dtype)
    return Numbers(kind, packed.shape, packed.tobytes())


def _floats(sealed: Sealed, name: str) -> array[float]:
    """All numbers of a tensor, one after the other; none where the file lacks it."""
    found = array("f")
    tensor = sealed.tensors.get(name)
    if tensor is not None:
        found.frombytes(tensor.data)
        if sys.byteorder == "big":
            found.byteswap()
    return found


def _rows(sealed: Sealed, name: str) -> tuple[tuple[float, ...], ...]:
    """The rows of a matrix, as floats that are made once: an array would make them at every use."""
    tensor = sealed.tensors.get(name)
    if tensor is None:
        return ()
    height, width = tensor.shape
    flat = _floats(sealed, name)
    return tuple(tuple(flat[row * width : (row + 1) * width]) for row in range(height))
