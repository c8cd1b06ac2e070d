"""What training leaves: the changes of the encoder and the heads, as arrays that can be kept. Knows no rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encoder import Encoder
    from learning import Heads, Plan
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Trained:
    """Changes by the matrix's name, each (rank, in) and (out, rank) with its scale folded in, and the linear heads."""

    changes: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
    weight: NDArray[Any]
    bias: NDArray[Any]
    note: str

    @classmethod
    def of(cls, encoder: Encoder, heads: Heads, plan: Plan) -> Trained:
        """A copy of what is being trained."""
        changes = {
            place: (
                change.down.detach().numpy().copy(),
                change.scale * change.up.detach().numpy(),
            )
            for place, change in encoder.changes.items()
        }
        return cls(
            changes, heads.weight.detach().numpy().copy(), heads.bias.detach().numpy().copy(), repr(plan)
        )

    @classmethod
    def mean(cls, several: Sequence[Trained]) -> Trained:
        """The mean of trainings that began at the same place, which does better than any of them (Wortsman et al. 2022,
        "Model soups"). Ranks add up: the mean of the changes is exact."""
        import numpy as np

        count = len(several)
        changes = {
            name: (
                np.concatenate([one.changes[name][0] for one in several]),
                np.concatenate([one.changes[name][1] / count for one in several], axis=1),
            )
            for name in several[0].changes
        }
        return cls(
            changes,
            np.mean([one.weight for one in several], axis=0),
            np.mean([one.bias for one in several], axis=0),
            "the mean of " + "; ".join(one.note for one in several),
        )

    def write(self, path: Path) -> None:
        """Keep it."""
        import numpy as np

        arrays = {f"{name}.A": first for name, (first, _) in self.changes.items()}
        arrays |= {f"{name}.B": second for name, (_, second) in self.changes.items()}
        np.savez(path, weight=self.weight, bias=self.bias, note=np.array(self.note), **arrays)

    @classmethod
    def read(cls, path: Path) -> Trained:
        """What `write` kept."""
        import numpy as np

        kept = np.load(path)
        names = [name[:-2] for name in kept.files if name.endswith(".A")]
        changes = {name: (kept[f"{name}.A"], kept[f"{name}.B"]) for name in names}
        return cls(changes, kept["weight"], kept["bias"], str(kept["note"]))
