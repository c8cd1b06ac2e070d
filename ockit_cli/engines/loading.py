"""Getting a GGUF file into memory: the model and the devices it lies on.

Knows llama.cpp's parameters; does not know prompts or generation. Files are checked before (`formats`, `models`).
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

from ockit.engines import gpu
from ockit.engines.llama import binding, last_complaint
from ockit.engines.options import LoadOptions
from ockit.errors import DoesNotFit, ModelFileError, UsageError

ALL_LAYERS = 1_000_000


class AbortFlag:
    """A byte that llama.cpp looks at between the nodes of its graph.

    The callback is libc's `strlen` on a two-byte buffer: it returns 0 (go on) while the first byte is 0, and 1
    (stop) once it is set. So the check costs no Python call, and any thread can raise the flag.
    """

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)
        self.callback = ctypes.cast(ctypes.CDLL(None).strlen, binding().ggml_abort_callback)

    @property
    def address(self) -> int:
        """What the callback is given."""
        return ctypes.addressof(self._buffer)

    def raise_(self) -> None:
        """Stop the running call soon."""
        self._buffer[0] = b"\x01"

    def lower(self) -> None:
        """Let calls run."""
        self._buffer[0] = b"\x00"

    def __bool__(self) -> bool:
        return self._buffer[0] != b"\x00"


def resolve_gpu_layers(options: LoadOptions) -> int:
    """The ``n_gpu_layers`` that ``auto``, ``all`` or a number means here; 0 without a GPU.

    Raises:
        UsageError: a device map counts on more GPUs than there are.
        DoesNotFit: more would be left to main memory than it may take.
    """
    if options.n_gpus > (seen := len(gpu.devices()) if options.n_gpus else 0):
        raise UsageError(
            f"graphics card {options.n_gpus - 1} is named, but llama.cpp sees {seen}, counted from 0",
            hint="ockit doctor lists them",
        )
    if not binding().llama_supports_gpu_offload():
        return 0
    if options.gpu_layers == "all":
        return ALL_LAYERS
    sizes = options.n_layers, options.layer_bytes, options.output_bytes
    if options.gpu_layers != "auto":
        on_gpu = int(options.gpu_layers)
    else:
        devices = gpu.devices()
        free = sum(device.free for device in devices)
        on_gpu = gpu.layers_that_fit(free, *sizes, options.fixed_bytes * len(devices))
    left = gpu.left_in_main(on_gpu, *sizes, options.main_bytes)
    if options.ram_bytes and left > options.ram_bytes:
        raise DoesNotFit(
            f"{left / (1 << 30):.1f} GiB of the model are left to main memory, "
            f"which may take {options.ram_bytes / (1 << 30):.1f} GiB",
            where=options.path,
            hint="allow more of it: -r; or a smaller context: --ctx-size; or a smaller quantization of the model",
        )
    return on_gpu


def load_model(options: LoadOptions, gpu_layers: int) -> Any:
    """The ``llama_model*`` of a file.

    Raises:
        ModelFileError: llama.cpp refuses the file.
    """
    llama = binding()
    params = llama.llama_model_default_params()
    params.n_gpu_layers = gpu_layers
    params.main_gpu = options.main_gpu
    if options.tensor_split:
        room = max(llama.llama_max_devices(), len(options.tensor_split))
        shares = (ctypes.c_float * room)(*options.tensor_split)
        params.tensor_split = shares
    model = llama.llama_model_load_from_file(os.fsencode(options.path), params)
    if not model:
        raise ModelFileError(
            f"llama.cpp cannot load it: {last_complaint() or 'no reason given'}",
            where=str(options.path),
            hint="the file may be damaged or of a newer kind; `ockit inspect FILE` shows what it holds",
        )
    return model
