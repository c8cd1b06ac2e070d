"""llama.cpp's own greedy continuation, by a loop that shares no line with ockit: the reference of the engine's tests.

Reads one JSON object from stdin: ``model``, ``n_ctx``, ``threads`` and ``steps``. A step is ``{"keep": N}`` (drop
the cache behind the first N tokens), ``{"read": [ids]}`` (decode them in one batch), ``{"greedy": N}`` (choose and
read N tokens, a batch each) or ``{"score": [ids]}`` (read them, a batch each, adding up the logarithms of their
probabilities). Prints the tokens of every greedy step, and the sum of every score step, as JSON lists. A process
of its own: llama.cpp is never loaded into the process of the tests.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any


def main() -> None:
    import llama_cpp.llama_cpp as llama
    import numpy as np

    asked = json.load(sys.stdin)

    @llama.llama_log_callback
    def quiet(level: int, text: bytes, data: Any) -> None:
        return

    llama.llama_log_set(quiet, ctypes.c_void_p(0))
    llama.llama_backend_init()
    of_model = llama.llama_model_default_params()
    of_model.n_gpu_layers = 0
    model = llama.llama_model_load_from_file(asked["model"].encode(), of_model)
    params = llama.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = asked["n_ctx"], 512, 512
    params.n_threads = params.n_threads_batch = asked["threads"]
    context = llama.llama_init_from_model(model, params)
    n_vocab = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))

    def read(ids: list[int]) -> None:
        array = (ctypes.c_int32 * len(ids))(*ids)
        assert llama.llama_decode(context, llama.llama_batch_get_one(array, len(ids))) == 0

    answers: list[list[Any]] = []
    for step in asked["steps"]:
        if "keep" in step:
            memory = llama.llama_get_memory(context)
            assert llama.llama_memory_seq_rm(memory, 0, step["keep"], -1)
        elif "read" in step:
            read(step["read"])
        elif "score" in step:
            total = 0.0
            for token in step["score"]:
                logits = np.ctypeslib.as_array(llama.llama_get_logits_ith(context, -1), shape=(n_vocab,))
                row = logits.astype(np.float64)
                total += float(row[token] - row.max() - np.log(np.exp(row - row.max()).sum()))
                read([token])
            answers.append([total])
        else:
            chosen: list[int] = []
            for _ in range(step["greedy"]):
                logits = np.ctypeslib.as_array(llama.llama_get_logits_ith(context, -1), shape=(n_vocab,))
                chosen.append(int(logits.argmax()))
                read(chosen[-1:])
            answers.append(chosen)
    sys.stdout.write(json.dumps(answers))


main()
