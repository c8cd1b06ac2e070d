"""What the installed llama.cpp was built for, as far as its files tell. Safe in any process: nothing is loaded."""

from __future__ import annotations

from pathlib import Path


def gpu_build() -> bool:
    """Whether the installed llama.cpp was built for a GPU, judged by its libraries; nothing is loaded."""
    from importlib.util import find_spec

    spec = find_spec("llama_cpp")
    places = spec.submodule_search_locations if spec is not None else None
    kinds = ("cuda", "hip", "vulkan", "metal", "sycl")
    return any(
        kind in library.name
        for place in places or ()
        for library in Path(place, "lib").glob("*ggml-*")
        for kind in kinds
    )
