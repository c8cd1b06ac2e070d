"""What a child may see and use: a scrubbed environment and a ceiling on its memory."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping

MEMORY_LIMIT_VARIABLE = "OCKIT_WORKER_MEMORY"

KEPT = (
    "PATH HOME USER LANG LANGUAGE TZ TMPDIR TEMP TMP SYSTEMROOT LD_LIBRARY_PATH DYLD_LIBRARY_PATH VIRTUAL_ENV "
    "XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME "
    "HF_HUB_OFFLINE TRANSFORMERS_OFFLINE"  # what forbids the network forbids it to children too
).split()
KEPT_PREFIXES = (
    "LC_",
    "OCKIT_",
    "CUDA_",
    "NVIDIA_",
    "HIP_",
    "ROCR_",
    "HSA_",
    "GGML_",
    "OMP_",
    "GOMP_",
    "VK_",
)


SECRET_ENDINGS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")

PARENT_VARIABLE = "OCKIT_WORKER_PARENT"


def scrubbed(variables: Mapping[str, str], memory_limit: int | None = None) -> dict[str, str]:
    """The variables a child needs, and no others: no keys, no tokens, no ``PYTHONPATH``, no ``LD_PRELOAD``.

    Args:
        variables: the parent's.
        memory_limit: bytes of private memory the child may have; None sets no limit (a GPU driver maps far
            more than it uses).
    """
    kept = {
        name: value
        for name, value in variables.items()
        if name in KEPT or (name.startswith(KEPT_PREFIXES) and not name.upper().endswith(SECRET_ENDINGS))
    }
    for own in (MEMORY_LIMIT_VARIABLE, PARENT_VARIABLE):
        kept.pop(own, None)
    kept["OPENBLAS_NUM_THREADS"] = "1"  # numpy only moves numbers here; its threads would each take memory
    kept["GGML_NO_BACKTRACE"] = "1"  # or an abort starts a debugger and prints pages
    if memory_limit is not None:
        kept[MEMORY_LIMIT_VARIABLE] = str(memory_limit)
    return kept


def whole_memory() -> int | None:
    """Bytes of this machine's main memory less a twentieth: a ceiling under which a child gone wrong gets an
    error instead of driving everything else into swap. None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 19 // 20
    except (AttributeError, ValueError, OSError):
        return None


def limit_memory() -> None:
    """Apply the parent's limit to this process.

    RLIMIT_DATA counts private writable pages only: a memory-mapped model file, which the kernel can drop at
    will, does not count, and neither do the address ranges that thread stacks and GPU drivers merely reserve.
    """
    limit = os.environ.get(MEMORY_LIMIT_VARIABLE)
    if limit and sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        ceiling = int(limit) if hard == resource.RLIM_INFINITY else min(int(limit), hard)
        resource.setrlimit(resource.RLIMIT_DATA, (ceiling, ceiling))
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the person's words


def die_with_parent() -> None:
    """Have the kernel end this process with its parent, where the parent asked for that (Linux): with the parent's
    thread that has started it, so that must be one that lasts (`ockit.workers.starter`).

    The pipe's end says the same, but only to a process that still listens: a library that spins inside a C call
    may never let go of the interpreter.
    """
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None or sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, <linux/prctl.h>
    if os.getppid() != int(parent):  # it was gone before it could be asked for
        os._exit(0)
