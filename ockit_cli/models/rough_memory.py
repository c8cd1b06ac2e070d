"""How much memory a model will take whose file is not here yet, so that nobody fetches what cannot run.

Works from the file's size alone (`ockit.models.memory` is exact and needs the header).
"""

from __future__ import annotations

CONTEXT = 4096
"""Tokens of context the estimate holds for."""

_PROCESS = 256 << 20  # bytes: graphs, vocabulary, activations of a batch


def rough_need(size: int, kv_per_token: int | None = None) -> int:
    """Bytes of memory: the file, a context of 4,096 tokens, and 256 MiB for the work.

    Args:
        size: of the file (all parts), in bytes.
        kv_per_token: bytes that the cache takes a token; None reckons an eighth of the file for the whole context,
            which is about what four-bit models with grouped attention take.
    """
    cache = size // 8 if kv_per_token is None else CONTEXT * kv_per_token
    return size + cache + _PROCESS
