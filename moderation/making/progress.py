"""How training goes: figures of the development rows after each epoch. Never looks at test rows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calibrating import cuts
from measuring import Judged, requests
from rows import DEVELOP, Row
from trained import Trained

from ockit.moderation.classifier.pieces import unmarked

if TYPE_CHECKING:
    from encoder import Encoder
    from learning import Heads, Plan


class Progress:
    """Prints a line an epoch, and keeps what is trained so far.

    Args:
        rows: all of them.
        split: the part of each.
        kept: the file to keep it in, or None.
    """

    def __init__(self, rows: Sequence[Row], split: Sequence[str], kept: Path | None) -> None:
        self._rows = [row for row, part in zip(rows, split, strict=True) if part == DEVELOP]
        self._kept = kept
        self._begun = time.monotonic()

    def told(self, encoder: Encoder, heads: Heads, plan: Plan, epochs: float, loss: float) -> None:
        """One epoch is over."""
        import numpy as np
        import torch

        vectors = encoder.encode([unmarked(row.text) for row in self._rows])
        with torch.inference_mode():
            probabilities = torch.sigmoid(heads(vectors)).numpy()
        found = cuts(self._rows, probabilities)
        levels = np.zeros(len(self._rows), dtype=int)
        for level in range(1, 5):
            levels[probabilities[:, level - 1] >= found[f"level{level}"]] = level
        figures = requests(Judged(self._rows, probabilities, levels))
        spent = time.monotonic() - self._begun
        print(f"epoch {epochs:.2f}, {spent:.0f} s, loss {loss:.4f}", flush=True)
        for figure in figures[:7]:
            print(f"    {figure.name:55} {figure.rows:5d} {figure.value:.3f}", flush=True)
        if self._kept:
            Trained.of(encoder, heads, plan).write(self._kept.with_suffix(f".{epochs:.0f}.npz"))
