"""What ``ockit doctor`` says of the machine: processor, memory, disk, graphics card. Changes nothing."""

from __future__ import annotations

import platform
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ockit.commands.check import Check, Status
from ockit.engines.threads import cpu_name, physical_cores, usable_cores
from ockit.files import free_space
from ockit.models.figures import size_text

LITTLE_MEMORY = 1 << 30
"""Bytes below which hardly a model but the embedded one fits."""

LITTLE_DISK = 1 << 30
NO_DISK = 10 << 20
"""Bytes below which chats can soon not be saved."""

CPU_FLAGS = {"avx2": "AVX2", "avx512f": "AVX512", "avx512_vnni": "AVX512_VNNI", "avx512_bf16": "AVX512_BF16"}
"""Linux's names of what llama.cpp gains most from, and llama.cpp's own."""

GPU_BUILDS = {"NVIDIA": "GGML_CUDA", "AMD": "GGML_HIP", "Apple": "GGML_METAL"}
"""llama.cpp's build switch for each maker's cards."""


def reinstall_line(version: str, switch: str) -> str:
    """The shell line that compiles llama-cpp-python anew, with a build switch on; pip's cache holds the old build."""
    python = shlex.quote(sys.executable)
    return (
        f'CMAKE_ARGS="-D{switch}=on" {python} -m pip install --force-reinstall --no-deps --no-cache-dir '
        f'--no-binary llama-cpp-python "llama-cpp-python=={version}"'
    )


def processor(system: Mapping[str, Any], version: str, proc: Path = Path("/proc")) -> Check:
    """The processor, and whether llama.cpp was compiled for it. `system` is `ockit.engines.system.describe`'s."""
    features = list(system["features"].get("CPU", ()))
    physical, usable = physical_cores(), usable_cores()
    cores = f"{usable} cores usable" + (f", {physical} physical" if physical != usable else "")
    unused = [name for name in _flags(proc / "cpuinfo") if name not in features]
    found = f"{cpu_name()}; {cores}; llama.cpp uses {' '.join(features) or 'no special instructions'}"
    facts = {"cpu": cpu_name(), "usable_cores": usable, "physical_cores": physical, "features": features}
    if unused and platform.machine().lower() in ("x86_64", "amd64"):
        return Check(
            "processor",
            "warn",
            f"{found}; it was compiled without {' '.join(unused)}, which this processor has",
            reinstall_line(version, "GGML_NATIVE"),
            facts | {"unused": unused},
        )
    return Check("processor", "ok", found, None, facts | {"unused": []})


def _flags(cpuinfo: Path) -> list[str]:
    """llama.cpp's names of what the processor itself has; none where the system does not tell."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return [name for flag, name in CPU_FLAGS.items() if flag in flags]


def memory() -> Check:
    """Main memory, as a new process may take it."""
    import psutil

    from ockit.models.free_memory import available

    total, free = int(psutil.virtual_memory().total), available()
    found = f"{size_text(free)} of {size_text(total)} available"
    facts = {"total": total, "available": free}
    if free < LITTLE_MEMORY:
        return Check(
            "memory", "warn", found, "close other programs, or ask with less: --ctx-size 2048", facts
        )
    return Check("memory", "ok", found, None, facts)


def disk(data: Path) -> Check:
    """Free space where chats are saved."""
    free = free_space(data)
    found = f"{size_text(free)} free for {data}"
    hint = "make room, or move ockit's files to another disk: OCKIT_HOME=DIRECTORY"
    status: Status = "fail" if free < NO_DISK else "warn" if free < LITTLE_DISK else "ok"
    return Check("disk", status, found, None if status == "ok" else hint, {"free": free})


def graphics(system: Mapping[str, Any], version: str, cards: Sequence[tuple[str, str]]) -> Check:
    """Whether llama.cpp can use the graphics cards (`cards_present`) of this machine."""
    devices = system["devices"]
    facts = {"cards": [name for _, name in cards], "offload": system["offload"], "devices": devices}
    if devices:
        named = "; ".join(f"{d['description']} ({size_text(d['free'])} free)" for d in devices)
        return Check("graphics", "ok", f"llama.cpp uses {named}", None, facts)
    if not cards:
        return Check(
            "graphics", "ok", "no graphics card that llama.cpp could use; models run on the CPU", None, facts
        )
    maker, name = cards[0]
    if not system["offload"]:
        return Check(
            "graphics",
            "warn",
            f"{name} is present, but llama.cpp was built without support for it",
            reinstall_line(version, GPU_BUILDS[maker]),
            facts,
        )
    look = {"NVIDIA": "nvidia-smi", "AMD": "rocminfo", "Apple": "system_profiler SPDisplaysDataType"}[maker]
    return Check(
        "graphics",
        "warn",
        f"{name} is present, but llama.cpp sees no device",
        f"{look} shows the driver",
        facts,
    )


def cards_present(root: Path = Path("/"), path: str | None = None) -> list[tuple[str, str]]:
    """(maker, name) of the graphics cards that the system shows; no driver is called.

    Args:
        root: where the system's files lie.
        path: the directories that are searched for ``nvidia-smi``; None takes the variable PATH.
    """
    cards: list[tuple[str, str]] = []
    for information in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("Model:"):
                cards.append(("NVIDIA", line.partition(":")[2].strip()))
    # a container may be given the device without the driver's files; Windows' Linux has neither, but the program
    signs = (root / "proc/driver/nvidia/version", root / "dev/nvidia0")
    if not cards and (any(sign.exists() for sign in signs) or shutil.which("nvidia-smi", path=path)):
        cards.append(("NVIDIA", "an NVIDIA card"))
    if (root / "dev/kfd").exists():
        cards.append(("AMD", "an AMD card"))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        cards.append(("Apple", "Apple's graphics unit"))
    return cards
