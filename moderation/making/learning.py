"""Trains the encoder's low-rank changes and the linear heads together. Knows rows and labels, no cut-points.

The heads begin where a fit on the untouched vectors ends (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained
Features and Underperform Out-of-Distribution"); what is kept is a moving average of the weights.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from altering import altered
from encoder import Encoder
from labels import WEIGHTS, targets
from rows import Row

from ockit.moderation.classifier.pieces import unmarked
from ockit.moderation.classifier.weights import OUTPUTS

if TYPE_CHECKING:
    import torch

_MASK = 103
"""BERT's token that stands for an unknown one."""


@dataclass(frozen=True)
class Plan:
    """How it learns; rates are of AdamW."""

    epochs: float = 4.0
    rank: int = 16
    batch: int = 48
    rate: float = 7e-4
    head_rate: float = 4e-3
    decay: float = 0.02
    dropout: float = 0.05
    masked: float = 0.05
    joined: float = 0.08
    smoothing: float = 0.02
    average: float = 0.995
    public_share: float = 0.3
    seed: int = 7


class Heads:
    """Linear heads on vectors of unit length: ``logit = vector @ weight.T + bias``."""

    def __init__(self) -> None:
        import torch

        self.weight = torch.nn.Parameter(torch.zeros(len(OUTPUTS), 384))
        self.bias = torch.nn.Parameter(torch.zeros(len(OUTPUTS)))

    def __call__(self, vectors: torch.Tensor) -> torch.Tensor:
        """(n, outputs) logits."""
        return vectors @ self.weight.T + self.bias


def loss_of(logits: torch.Tensor, wanted: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """Weighted cross-entropy over what the rows say; what they leave open costs nothing."""
    import torch

    known = ~torch.isnan(wanted)
    weights = torch.tensor([WEIGHTS.get(name, 1.0) for name in OUTPUTS]) * known
    goal = torch.nan_to_num(wanted) * (1 - 2 * smoothing) + smoothing
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits, goal, reduction="none")
    return (each * weights).sum() / known.shape[0]


def fitted(heads: Heads, vectors: torch.Tensor, wanted: torch.Tensor, decay: float = 3e-5) -> Heads:
    """The heads, fitted on vectors that stay as they are (L-BFGS)."""
    import torch

    optimizer = torch.optim.LBFGS([heads.weight, heads.bias], max_iter=80, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(heads(vectors), wanted) + decay * heads.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return heads


def learned(
    rows: Sequence[Row],
    untouched: torch.Tensor,
    plan: Plan,
    seen: Callable[[str], str],
    told: Callable[[Encoder, Heads, Plan, float, float], None],
) -> tuple[Encoder, Heads]:
    """Encoder and heads after training.

    Args:
        rows: to train on.
        untouched: (n, 384) their vectors by the untouched embedder.
        seen: what the running program makes of a text before it is scored.
        told: called after each epoch with the averaged encoder and heads, the plan, the epochs and the mean loss.
    """
    import torch

    chance = random.Random(plan.seed)
    torch.manual_seed(plan.seed)
    wanted = torch.from_numpy(targets(rows))
    heads = fitted(Heads(), untouched, wanted)
    encoder = Encoder(plan.rank, plan.dropout)
    own = [number for number, row in enumerate(rows) if row.source.startswith(("contrast/", "odd"))]
    public = [number for number, row in enumerate(rows) if not row.source.startswith(("contrast/", "odd"))]
    calm = [row.text for row in rows if row.kind == "casual" and row.level == 0 and len(row.text) < 80]
    learns = [*encoder.learns(), heads.weight, heads.bias]
    optimizer = torch.optim.AdamW(
        [
            {"params": encoder.learns(), "lr": plan.rate, "weight_decay": plan.decay},
            {"params": [heads.weight, heads.bias], "lr": plan.head_rate, "weight_decay": 0.0},
        ]
    )
    each = len(own) + int(len(public) * plan.public_share)
    steps = int(plan.epochs * each / plan.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / 60) * max(0.02, 1 - step / max(1, steps))
    )
    kept = [number.detach().clone() for number in learns]
    step, total, begun = 0, 0.0, time.monotonic()
    while step < steps:
        chosen = own + chance.sample(public, each - len(own))
        texts = [
            rows[number].text
            if rows[number].kind == "odd"  # it is scored as it stands, too
            else seen(_drawn(rows[number].text, wanted[number], calm, plan, chance))
            for number in chosen
        ]
        ids = encoder.tokens([unmarked(text) for text in texts])
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]) + 4 * chance.random())
        batches = [order[start : start + plan.batch] for start in range(0, len(order), plan.batch)]
        chance.shuffle(batches)
        encoder.model.train()
        for batch in batches[: steps - step]:
            with torch.autocast("cpu", torch.bfloat16):  # half as long again without it, and no better
                vectors = encoder.vectors([_masked(ids[place], plan.masked, chance) for place in batch])
            goal = wanted[[chosen[place] for place in batch]]
            loss = loss_of(heads(vectors.float()), goal, plan.smoothing)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learns, 2.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
            step += 1
            total += loss.item()
            if step % 100 == 0:
                print(f"{step} of {steps} steps, {time.monotonic() - begun:.0f} s", flush=True)
            pace = min(plan.average, step / (step + 20))
            for average, number in zip(kept, learns, strict=True):
                average.lerp_(number.detach(), 1 - pace)
        spent = [number.detach().clone() for number in learns]
        _put(learns, kept)
        told(encoder, heads, plan, step * plan.batch / each, total / len(batches))
        total = 0.0
        if step < steps:
            _put(learns, spent)
    print(f"trained for {time.monotonic() - begun:.0f} s", flush=True)
    return encoder, heads


def _put(learns: Sequence[torch.nn.Parameter], values: Sequence[Any]) -> None:
    for number, value in zip(learns, values, strict=True):
        number.data.copy_(value)


def _drawn(text: str, wanted: torch.Tensor, calm: Sequence[str], plan: Plan, chance: random.Random) -> str:
    """The text as this epoch sees it; at times beside a harmless sentence, which takes nothing from it and adds
    nothing."""
    text = altered(text, chance)
    level_known = bool((wanted[:4] == wanted[:4]).all())
    if level_known and len(text) < 240 and chance.random() < plan.joined:
        other = altered(chance.choice(calm), chance)
        mark = "" if other[-1:] in ".?!" else chance.choice((".", "", ","))
        text = f"{other}{mark} {text}" if chance.random() < 0.6 else f"{text.rstrip('.')}. {other}"
    return text


def _masked(ids: Sequence[int], share: float, chance: random.Random) -> list[int]:
    if chance.random() < 0.5:
        return list(ids)
    return [
        ids[0],
        *(_MASK if chance.random() < 2 * share else token for token in ids[1:-1]),
        ids[-1],
    ]
