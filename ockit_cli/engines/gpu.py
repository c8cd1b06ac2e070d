"""Which GPUs llama.cpp sees here, and how many layers of a model fit on them. Only used inside a worker."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from ockit.engines.llama import binding

HEADROOM = 0.10
"""Share of a GPU's free memory left alone: scratch buffers, and whatever draws the screen."""

_GPU, _INTEGRATED = 1, 2  # ggml_backend_dev_type: CPU 0, GPU 1, IGPU 2, ACCEL 3


@dataclass(frozen=True)
class Device:
    """One GPU; memory in bytes."""

    name: str
    description: str
    free: int
    total: int


def devices() -> list[Device]:
    """The GPUs that this build of llama.cpp can use, in its own order."""
    binding()
    import llama_cpp._ggml as ggml

    lib = ggml.libggml
    for function, result, arguments in (
        (lib.ggml_backend_dev_count, ctypes.c_size_t, []),
        (lib.ggml_backend_dev_get, ctypes.c_void_p, [ctypes.c_size_t]),
        (lib.ggml_backend_dev_type, ctypes.c_int, [ctypes.c_void_p]),
        (lib.ggml_backend_dev_name, ctypes.c_char_p, [ctypes.c_void_p]),
        (lib.ggml_backend_dev_description, ctypes.c_char_p, [ctypes.c_void_p]),
        (lib.ggml_backend_dev_memory, None, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]),
    ):
        function.restype, function.argtypes = result, arguments
    found = []
    for index in range(lib.ggml_backend_dev_count()):
        device = lib.ggml_backend_dev_get(index)
        if lib.ggml_backend_dev_type(device) in (_GPU, _INTEGRATED):
            found.append(_device(lib, device))
    return found


def _device(lib: Any, device: Any) -> Device:
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    lib.ggml_backend_dev_memory(device, ctypes.byref(free), ctypes.byref(total))
    return Device(
        lib.ggml_backend_dev_name(device).decode("utf-8", "replace"),
        lib.ggml_backend_dev_description(device).decode("utf-8", "replace"),
        free.value,
        total.value,
    )


def layers_that_fit(free: int, n_layers: int, layer_bytes: int, output_bytes: int, fixed_bytes: int) -> int:
    """llama.cpp's ``n_gpu_layers`` for GPUs with `free` bytes in all.

    It counts from the end: 1 is the output alone, each further one a layer, ``n_layers + 1`` everything.

    Args:
        n_layers: repeating layers of the model.
        layer_bytes: weights and key/value cache of one of them.
        output_bytes: the output matrix and what else lies outside the layers.
        fixed_bytes: scratch memory that is needed as soon as anything runs there.
    """
    left = int(free * (1 - HEADROOM)) - fixed_bytes - output_bytes
    return 0 if left < 0 else 1 + min(n_layers, left // max(1, layer_bytes))


def left_in_main(on_gpu: int, n_layers: int, layer_bytes: int, output_bytes: int, main_bytes: int) -> int:
    """Bytes of main memory that a model takes with an ``n_gpu_layers`` of `on_gpu`.

    Args:
        main_bytes: what it takes there whatever is offloaded; the others are those of `layers_that_fit`.
    """
    return (
        main_bytes
        + max(0, min(n_layers, n_layers + 1 - on_gpu)) * layer_bytes
        + (0 if on_gpu else output_bytes)
    )
