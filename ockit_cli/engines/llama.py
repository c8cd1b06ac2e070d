"""The door to llama.cpp: the low-level binding, initialised once, its log kept quiet.

Nothing but this module imports `llama_cpp`. It loads the binding without running the package's own
``__init__``, which imports numpy, jinja2 and diskcache for a high-level interface that ockit does not use
(100 ms of every start). Only ever imported inside a worker process.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections import deque
from functools import cache
from typing import Any

from ockit.errors import MissingExtra

log_lines: deque[str] = deque(maxlen=50)
"""The last warnings and errors of llama.cpp, for error messages."""


@cache
def binding() -> Any:
    """`llama_cpp.llama_cpp`, its back ends initialised.

    Raises:
        MissingExtra: llama-cpp-python is not installed.
    """
    if "llama_cpp" not in sys.modules:
        spec = importlib.util.find_spec("llama_cpp")
        if spec is None:
            raise MissingExtra(
                "llama-cpp-python is not installed", hint="pip install -c constraints.txt llama-cpp-python"
            )
        sys.modules["llama_cpp"] = importlib.util.module_from_spec(spec)
    import llama_cpp.llama_cpp as llama

    llama.llama_log_set(_logger(llama), ctypes.c_void_p(0))
    llama.llama_backend_init()
    return llama


@cache
def _logger(llama: Any) -> Any:
    """The log callback; cached because C keeps a pointer to it."""

    @llama.llama_log_callback  # type: ignore[untyped-decorator]
    def keep(level: int, text: bytes, _: Any) -> None:
        if level >= 3:  # GGML_LOG_LEVEL_WARN
            log_lines.append(text.decode("utf-8", "replace").strip())

    return keep


def last_complaint() -> str:
    """The last thing llama.cpp complained of that says why, or an empty string."""
    said = [line for line in log_lines if line]
    reasons = [
        line for line in said if not line.endswith(": failed to load model")
    ]  # what it says last, always
    return (reasons or said or [""])[-1]
