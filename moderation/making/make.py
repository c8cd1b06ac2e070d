"""Makes the weights that are shipped: ``python moderation/making/make.py --data DIR``, with the folder that holds the
data sets' folders ``moderation`` and ``finetune``.

Trains on a part of the rows, chooses cut-points on a second, writes the weights, and measures on a third what the
program itself, with those weights, says of it. What it prints is in ``moderation/README.md``. Some 40 minutes on two
cores; everything is seeded.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from altering import plain
from finishing import finish
from learning import Plan, learned
from oddities import odd_rows
from progress import Progress
from public import more_held_out, public_rows
from rows import DEVELOP, LEFT_OUT, TEST, TRAIN, Row, contrast_rows, write_hashes
from splitting import apart, parts
from trained import Trained

if TYPE_CHECKING:
    import torch


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--epochs", type=float, default=Plan.epochs)
    parser.add_argument("--rank", type=int, default=Plan.rank)
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[Plan.seed], help="a training for each; their mean is shipped"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="more than the machine has to spare is slower than one"
    )
    parser.add_argument(
        "--kept", type=Path, help="keep what each seed trained in this folder, or take it from there"
    )
    parser.add_argument("--only-train", action="store_true", help="keep what was trained, and stop")
    parser.add_argument(
        "--vectors", type=Path, help="keep the untouched embedder's vectors in this file, or read them"
    )
    parser.add_argument(
        "--holdout", action="store_true", help="look at the hold-out, too: not while choosing"
    )
    given = parser.parse_args()

    import torch

    torch.set_num_threads(given.threads)
    begun = time.monotonic()
    rows = [*contrast_rows(), *public_rows(given.data)]
    rows += odd_rows(given.data, rows)
    untouched = _untouched(rows, given.vectors)
    split, more = _parts(rows, untouched, given.data)
    counts = ", ".join(f"{part} {count}" for part, count in Counter(split).items())
    print(f"{len(rows)} rows ({counts}), {time.monotonic() - begun:.0f} s", flush=True)
    trained = []
    for seed in given.seeds:
        kept = given.kept / f"seed{seed}.npz" if given.kept else None
        if kept is not None and kept.exists():
            trained.append(Trained.read(kept))
            continue
        plan = replace(Plan(), epochs=given.epochs, rank=given.rank, seed=seed)
        trained.append(_trained(rows, split, untouched, plan, kept))
        if kept is not None:
            trained[-1].write(kept)
    if given.only_train:
        return 0
    report = finish(rows, split, more, Trained.mean(trained), given.data, holdout=given.holdout)
    write_hashes(rows, split)
    report.into_readme()
    print(f"{time.monotonic() - begun:.0f} s in all", flush=True)
    return 0


def normalized_text(text: str) -> str:
    """What the running program makes of a text before it is scored."""
    from ockit.moderation.classifier.words import installed_words
    from ockit.moderation.normalizing import normalized

    return normalized(text, installed_words).text


def _parts(
    rows: Sequence[Row], untouched: torch.Tensor, data: Path
) -> tuple[list[str], dict[str, list[Row]]]:
    """The part of each row, and for `DEVELOP` and `TEST` the rows besides that are judged and not learned from."""
    split = parts(rows, untouched.numpy())
    besides = [(row, part) for part in (DEVELOP, TEST) for row in more_held_out(data, rows, split, part)]
    every = [*rows, *(row for row, _ in besides)]
    words = [frozenset(plain(normalized_text(row.text)).split()) for row in every]
    found = apart(every, [*split, *(part for _, part in besides)], words)
    more: dict[str, list[Row]] = {DEVELOP: [], TEST: [], LEFT_OUT: []}
    for (row, _), part in zip(besides, found[len(rows) :], strict=True):
        more[part].append(row)
    return found[: len(rows)], more


def _trained(
    rows: Sequence[Row], split: Sequence[str], untouched: torch.Tensor, plan: Plan, kept: Path | None
) -> Trained:
    """What one training leaves."""
    training = [number for number, part in enumerate(split) if part == TRAIN]
    encoder, heads = learned(
        [rows[number] for number in training],
        untouched[training],
        plan,
        normalized_text,
        Progress(rows, split, kept).told,
    )
    return Trained.of(encoder, heads, plan)


def _untouched(rows: Sequence[Row], kept: Path | None) -> torch.Tensor:
    """The vectors of the untouched embedder: what the split and the heads' first fit go by."""
    import numpy as np
    import torch
    from encoder import Encoder

    digests = np.array([row.digest for row in rows])
    known = {}
    if kept and kept.exists():
        saved = np.load(kept)
        known = dict(zip(saved["digests"].tolist(), saved["vectors"], strict=True))
    missing = [row.text for row in rows if row.digest not in known]
    if missing:
        for text, vector in zip(missing, Encoder(0).encode(missing).numpy(), strict=True):
            known[Row(text, "", "", "").digest] = vector
    vectors = np.array([known[digest] for digest in digests.tolist()], dtype=np.float32)
    if kept and missing:
        np.savez(kept, digests=digests, vectors=vectors)
    return torch.from_numpy(vectors)


if __name__ == "__main__":
    sys.exit(main())
