"""Loads a model in this process and prints by how many bytes its resident memory grew: ``PATH N_CTX``."""

from __future__ import annotations

import ctypes
import json
import re
import sys
from pathlib import Path

from ockit.engines.llama import binding


def resident() -> int:
    """Resident memory of this process in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def loaded_bytes(path: str, n_ctx: int) -> int:
    """What a model and a context take once two whole batches went through."""
    llama = binding()
    before = resident()
    model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
    params = llama.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = n_ctx, 512, 512
    params.n_threads = params.n_threads_batch = 1
    context = llama.llama_init_from_model(model, params)
    ids = (ctypes.c_int32 * 512)(*(100 + i for i in range(512)))
    for _ in range(2):
        assert llama.llama_decode(context, llama.llama_batch_get_one(ids, 512)) == 0
    return resident() - before


if __name__ == "__main__":
    print(json.dumps(loaded_bytes(sys.argv[1], int(sys.argv[2]))))  # noqa: T201
