"""What the installed llama.cpp says of itself: its version, what it was compiled for, the GPUs it sees.

Only used inside a worker: reading a library that was built for another processor may end the process.
"""

from __future__ import annotations

import ctypes
from dataclasses import asdict
from typing import Any

from ockit.engines import gpu
from ockit.engines.llama import binding


def describe() -> dict[str, Any]:
    """A JSON-ready object.

    Keys: ``version`` (llama.cpp's and ggml's), ``features`` (back end, such as ``CPU``, to the names of what it
    uses, such as ``AVX2``), ``offload`` (whether it was built for a GPU), ``devices`` (`ockit.engines.gpu.Device`
    as objects, memory in bytes).
    """
    llama = binding()
    import llama_cpp._ggml as ggml

    versions = []
    for name in ("ggml_version", "ggml_commit"):
        function = getattr(ggml.libggml, name)
        function.restype = ctypes.c_char_p
        versions.append(function().decode("utf-8", "replace"))
    return {
        "version": f"{llama.llama_version().decode('utf-8', 'replace')} (ggml {', '.join(versions)})",
        "features": features_in(llama.llama_print_system_info().decode("utf-8", "replace")),
        "offload": bool(llama.llama_supports_gpu_offload()),
        "devices": [asdict(device) for device in gpu.devices()],
    }


def features_in(text: str) -> dict[str, list[str]]:
    """The features that are on, by back end, in llama.cpp's line ``CPU : SSE3 = 1 | AVX = 1 | OPENMP = 1 | ``.

    A value other than 0 and 1 (``CUDA : ARCHS = 800,900``) is kept with its name.
    """
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for part in text.split("|"):
        backend, colon, rest = part.rpartition(":")
        if colon:
            names = found.setdefault(backend.strip(), [])
        name, equals, value = (piece.strip() for piece in rest.partition("="))
        if equals and value != "0":
            names.append(name if value == "1" else f"{name}={value}")
    return found
