"""The words that the installed encoder knows, with their rank by frequency: what tells letters that spell a word from
letters that do not. Read when they are first needed, 15 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ockit.engines.installed_embedder import installed_embedder
from ockit.files import read_limited

_LARGEST = 16 << 20


@cache
def installed_words() -> Mapping[str, int]:
    """Rank of each whole word of letters, from 0, the most frequent first: the order of BERT's vocabulary.

    Raises:
        NotFound: the encoder is not installed.
    """
    text = read_limited(installed_embedder().directory / "vocab.txt", _LARGEST).decode("utf-8", "replace")
    words = (line for line in text.split("\n") if line.isalpha())
    return {word: rank for rank, word in enumerate(words)}
