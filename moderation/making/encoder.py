"""MiniLM with low-rank changes, in torch: what learns. The program runs the same numbers in llama.cpp, merged.

A change of a matrix W (out, in) is ``scale * up @ down`` with down (rank, in) and up (out, rank), as in LoRA (Hu et al.
2021); `up` begins at zero, so training begins at the untouched embedder. A text's vector is the mean of its tokens'
last hidden states, scaled to unit length. Knows no labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ockit.engines.installed_embedder import installed_embedder

if TYPE_CHECKING:
    import torch

MATRICES = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
"""What is changed in every layer, by the embedder's own names."""
LONGEST = 128
"""Tokens of a text that training looks at; few rows are longer."""


class Encoder:
    """Texts to vectors.

    Args:
        rank: of the changes; 0 is the untouched embedder.
        dropout: share of each change's input that is left out while it learns.
    """

    def __init__(self, rank: int, dropout: float = 0.0) -> None:
        import tokenizers
        import torch
        from transformers import BertModel

        folder = installed_embedder().directory
        self.model = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="sdpa")
        self.model.requires_grad_(False)
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(LONGEST)
        self.tokenizer.no_padding()
        self.rank = rank
        self.changes: dict[str, Any] = {}
        if rank:
            for number in range(len(self.model.encoder.layer)):
                for name in MATRICES:
                    place = f"encoder.layer.{number}.{name}"
                    parent, _, last = place.rpartition(".")
                    holder = self.model.get_submodule(parent)
                    change = _changed(getattr(holder, last), rank, dropout)
                    setattr(holder, last, change)
                    self.changes[place] = change
        self._torch = torch

    def learns(self) -> list[torch.nn.Parameter]:
        """The parameters of the changes."""
        return [number for change in self.changes.values() for number in (change.down, change.up)]

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, markers included."""
        return [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]

    def vectors(self, ids: Sequence[Sequence[int]]) -> torch.Tensor:
        """(n, 384) of unit length; gradients flow where they are wanted."""
        torch = self._torch
        longest = max(map(len, ids))
        padded = torch.zeros((len(ids), longest), dtype=torch.long)
        mask = torch.zeros((len(ids), longest))
        for number, sequence in enumerate(ids):
            padded[number, : len(sequence)] = torch.tensor(sequence)
            mask[number, : len(sequence)] = 1
        hidden = self.model(input_ids=padded, attention_mask=mask).last_hidden_state
        mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return torch.nn.functional.normalize(mean, dim=1)

    def encode(self, texts: Sequence[str], batch: int = 64) -> torch.Tensor:
        """(n, 384) without gradients, in the order of the texts."""
        torch = self._torch
        ids = self.tokens(texts)
        order = sorted(range(len(ids)), key=lambda number: len(ids[number]))
        found = torch.zeros((len(ids), 384))
        self.model.eval()
        with torch.inference_mode():
            for start in range(0, len(order), batch):
                part = order[start : start + batch]
                found[part] = self.vectors([ids[number] for number in part])
        return found


def _changed(linear: Any, rank: int, dropout: float) -> Any:
    """A linear layer with a low-rank change beside it."""
    import torch

    class LowRank(torch.nn.Module):
        scale = 2.0

        def __init__(self) -> None:
            super().__init__()
            self.linear = linear
            self.down = torch.nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
            self.up = torch.nn.Parameter(torch.zeros(linear.out_features, rank))
            self.dropout = torch.nn.Dropout(dropout)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            low = self.dropout(x) @ self.down.T
            return self.linear(x) + self.scale * (low @ self.up.T)

    return LowRank()
