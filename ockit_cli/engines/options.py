"""How a model is to be loaded: what crosses from the parent to the worker. Knows no library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LoadOptions:
    """How to load a model.

    Attributes:
        path: the GGUF file.
        n_ctx: context in tokens; 0 takes the whole of what the model was trained for.
        threads, threads_prefill: 0 means measured once on this machine and remembered.
        gpu_layers: layers on the GPU: a number, ``all``, or ``auto`` for as many as fit.
        layer_bytes, output_bytes, fixed_bytes, n_layers: the model's needs, for ``auto`` (see `gpu`).
        ram_bytes: main memory it may take with ``auto`` or a number of layers; 0 is no limit.
        main_bytes: what it takes there whatever is offloaded.
        n_gpus: how many GPUs a device map counts on; 0 where there is none.
        op_offload: whether matrices in main memory may be brought to the first GPU to read a prompt.
        tensor_split: share of each GPU, empty for llama.cpp's own choice.
        main_gpu: the GPU that holds what is not split.
        flash_attention: ``auto``, ``on`` or ``off``.
    """

    path: str
    n_ctx: int = 0
    threads: int = 0
    threads_prefill: int = 0
    gpu_layers: int | str = "auto"
    tensor_split: tuple[float, ...] = ()
    main_gpu: int = 0
    flash_attention: str = "auto"
    n_layers: int = 0
    layer_bytes: int = 0
    output_bytes: int = 0
    fixed_bytes: int = 0
    ram_bytes: int = 0
    main_bytes: int = 0
    n_gpus: int = 0
    op_offload: bool = True
