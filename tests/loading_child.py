"""Loads GGUF files in llama.cpp, a process each, and says what became of it.

Reads paths from stdin, a line each; answers each with a JSON line: ``outcome`` is ``runs``, ``refused``,
``signal N``, ``hangs`` or ``exit N``; ``said`` is the last of what the process wrote. With llama.cpp loaded once
and a fork for every file, a file costs milliseconds.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIMIT_S = 10.0


class Loader:
    """The process of this module, from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def outcome(self, path: Path) -> tuple[str, str]:
        """What became of loading a file and generating four tokens, and the last thing that was said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        answer: dict[str, str] = json.loads(self._process.stdout.readline())
        return answer["outcome"], answer["said"]


@contextmanager
def loader() -> Iterator[Loader]:
    """A loader for the length of a with statement."""
    # without the variable ggml calls a debugger on itself when it aborts
    environment = {**os.environ, "GGML_NO_BACKTRACE": "1"}
    command = [sys.executable, "-P", __file__]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Loader(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def _run(llama: Any, path: str) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    model = llama.llama_model_load_from_file(path.encode(), llama.llama_model_default_params())
    if not model:
        return 10
    params = llama.llama_context_default_params()
    params.n_ctx, params.n_threads, params.n_threads_batch = 256, 1, 1
    context = llama.llama_init_from_model(model, params)
    if not context:
        return 10
    vocabulary = llama.llama_model_get_vocab(model)
    ids = (ctypes.c_int32 * 64)()
    n = llama.llama_tokenize(vocabulary, b"the an hello\n", 13, ids, 64, True, True)
    batch = llama.llama_batch_get_one(ids, max(1, n))
    for _ in range(4):
        if llama.llama_decode(context, batch):
            return 11
        logits = llama.llama_get_logits_ith(context, -1)[: llama.llama_vocab_n_tokens(vocabulary)]
        token = logits.index(max(logits))
        piece = ctypes.create_string_buffer(256)
        llama.llama_token_to_piece(vocabulary, token, piece, 256, 0, False)
        batch = llama.llama_batch_get_one((ctypes.c_int32 * 1)(token), 1)
    return 0


def _forked(llama: Any, path: str) -> dict[str, str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        try:
            os._exit(_run(llama, path))
        except BaseException as error:  # noqa: BLE001  # the fork must never come back into the loop
            os.write(2, repr(error).encode())
            os._exit(99)
    os.close(writing)
    status, end = None, time.monotonic() + LIMIT_S
    while status is None and time.monotonic() < end:
        done, code = os.waitpid(child, os.WNOHANG)
        status = code if done else None
        time.sleep(0.002)
    if status is None:
        os.kill(child, 9)
        os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    return {"outcome": _word(status), "said": said}


def _word(status: int | None) -> str:
    if status is None:
        return "hangs"
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    code = os.WEXITSTATUS(status)
    return {0: "runs", 10: "refused"}.get(code, f"exit {code}")


def main() -> None:
    """Serve."""
    from ockit.engines.llama import binding

    llama = binding()
    for line in sys.stdin:
        print(json.dumps(_forked(llama, line.rstrip("\n"))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
