"""A person's classifier: its heads, its cut-points and how it came about, in one safetensors file. No pickle.

Knows features as numbers; neither the encoder that makes them nor the rows it was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ockit.errors import ModelFileError
from ockit.formats.sealed import Numbers, read_sealed, write_sealed
from ockit.messages import CATEGORIES, LEVEL_NAMES
from ockit.moderation.training.heads import Head, HeadKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.moderation.training.rows import Kind

FORMAT = "ockit moderation classifier 1"
"""What the file is (`ockit.formats.sealed`)."""
_TOP = len(LEVEL_NAMES) - 1


@dataclass(frozen=True)
class TrainedClassifier:
    """What `ockit moderation train` makes.

    Attributes:
        name: what the policy and the commands call it.
        encoder: the identity of the encoder whose features it reads.
        dimension: how many features.
        kind: whether its rows had levels or labels of the person's own.
        answers: the levels (as digits) or labels it tells apart, in the order of the head's classes.
        levels: the level of each answer.
        head: gives the probability of each answer.
        cuts: P(level >= k) from which on a text is of level k, for k = 1 to 4; above 1 where no answer has level k.
        categories: a head of two classes for each category that was learned.
        category_cuts: the score from which on a category holds.
        facts: how it came about, for people: rows, development figures, seed.
    """

    name: str
    encoder: str
    dimension: int
    kind: Kind
    answers: tuple[str, ...]
    levels: tuple[int, ...]
    head: Head
    cuts: tuple[float, float, float, float]
    categories: Mapping[str, Head] = field(default_factory=dict)
    category_cuts: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def level_probabilities(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each level, shape (n, 5), from those of the answers, shape (n, answers)."""
        import numpy as np

        found = np.zeros((len(p), len(LEVEL_NAMES)))
        for column, level in enumerate(self.levels):
            found[:, level] += p[:, column]
        return found

    def level(self, p_level: NDArray[np.float64]) -> NDArray[np.intp]:
        """The level of each row of level probabilities: the highest whose cut-point is reached."""
        import numpy as np

        above = np.cumsum(p_level[:, ::-1], axis=1)[:, ::-1][:, 1:]
        reached = (above >= np.array(self.cuts)) * np.arange(1, len(LEVEL_NAMES))
        found: NDArray[np.intp] = reached.max(axis=1)
        return found

    def save(self, path: Path) -> None:
        """Write the file as a whole, for its owner alone. Raises OckitError."""
        tensors = {"head.weights": self.head.weights, "head.bias": self.head.bias}
        for name, head in self.categories.items():
            tensors[f"category.{name}.weights"], tensors[f"category.{name}.bias"] = head.weights, head.bias
        said = {
            "encoder": self.encoder,
            "kind": self.kind,
            "head": self.head.kind,
            "answers": list(self.answers),
            "levels": list(self.levels),
            "cuts": list(self.cuts),
            "category_cuts": dict(self.category_cuts),
            "facts": dict(self.facts),
        }
        numbers = {
            name: Numbers("F32", values.shape, values.astype("<f4").tobytes())
            for name, values in tensors.items()
        }
        write_sealed(path, FORMAT, said, numbers)


def load(path: Path) -> TrainedClassifier:
    """Read a classifier; its name is the file's.

    Raises:
        NotFound: there is no such file.
        ModelFileError: it is none, is damaged, or of a newer kind.
    """
    sealed = read_sealed(path, FORMAT)
    try:
        return _checked(path, sealed.tensors, sealed.facts)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        missing = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelFileError(
            f"this is no classifier of ockit's: {missing}",
            where=str(path),
            hint=f"train it again: ockit moderation train data.jsonl --name {path.stem}",
        ) from error


def _checked(path: Path, tensors: Mapping[str, Numbers], said: Any) -> TrainedClassifier:
    """Raises ValueError (or what a lookup raises) for what cannot be."""
    answers, levels = tuple(map(str, said["answers"])), tuple(map(int, said["levels"]))
    cuts = tuple(map(float, said["cuts"]))
    if len(answers) < 2 or len(answers) != len(levels) or any(not 0 <= level <= _TOP for level in levels):
        raise ValueError("its answers and levels do not fit together")
    if len(cuts) != _TOP or any(not 0 <= cut <= 2 for cut in cuts):
        raise ValueError("it lacks a cut-point for each level")
    if said["head"] not in ("ordinal", "multinomial") or said["kind"] not in ("level", "label"):
        raise ValueError("its head is of no known kind")
    head = _head(tensors, said["head"], "head")
    if head.classes != len(answers):
        raise ValueError(f"its head has {head.classes} classes for {len(answers)} answers")
    names = [name.split(".")[1] for name in tensors if name.endswith(".weights") and name.startswith("c")]
    if any(name not in CATEGORIES for name in names):
        raise ValueError("it has categories that are not known")
    categories = {name: _head(tensors, "multinomial", f"category.{name}") for name in sorted(names)}
    if any(h.classes != 2 or len(h.weights) != len(head.weights) for h in categories.values()):
        raise ValueError("its categories do not fit its head")
    return TrainedClassifier(
        name=path.stem,
        encoder=str(said["encoder"]),
        dimension=len(head.weights),
        kind=said["kind"],
        answers=answers,
        levels=levels,
        head=head,
        cuts=(cuts[0], cuts[1], cuts[2], cuts[3]),
        categories=categories,
        category_cuts={name: float(said["category_cuts"].get(name, 0.5)) for name in categories},
        facts=dict(said["facts"]),
    )


def _head(tensors: Mapping[str, Numbers], kind: HeadKind, name: str) -> Head:
    import numpy as np

    found = []
    for part in ("weights", "bias"):
        tensor = tensors[f"{name}.{part}"]
        if tensor.dtype != "F32":
            raise ValueError(f"{name}.{part} is {tensor.dtype}, not F32")
        array = np.frombuffer(tensor.data, dtype="<f4").reshape(tensor.shape)
        if not np.isfinite(array).all():
            raise ValueError(f"{name}.{part} has numbers that are not finite")
        found.append(array.astype(np.float64))
    weights, bias = found
    columns = 1 if kind == "ordinal" else len(bias)
    if weights.ndim != 2 or bias.ndim != 1 or not len(bias) or weights.shape[1] != columns:
        raise ValueError(f"{name} has the shapes {weights.shape} and {bias.shape}")
    return Head(kind, weights, bias)
