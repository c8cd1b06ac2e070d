"""How much main memory a new process may take on this machine now.

Knows the kernel's accounts and control groups; not what the memory is for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_UNLIMITED = 1 << 60  # control groups of version 1 write a number near 2**63 for "no limit"


def available(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that can be taken without swapping: the kernel's MemAvailable or what a control group leaves.

    File pages of a group count as free, as the kernel counts them: a mapped model lies in them. Systems without
    ``/proc/meminfo`` are asked through psutil.
    """
    free = _mem_available(proc / "meminfo")
    if free is None:
        import psutil

        free = int(psutil.virtual_memory().available)
    return max(0, min([free, *_left_in_groups(proc / "self" / "cgroup", cgroups)]))


def _mem_available(meminfo: Path) -> int | None:
    kib = _fields(meminfo).get("MemAvailable")
    return None if kib is None else kib * 1024


def _left_in_groups(own: Path, root: Path) -> Iterator[int]:
    """What is left below the limit of each control group this process is in, its ancestors included."""
    for line in _lines(own):
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers == "" and number == "0":  # version 2: one tree
            base, limit, usage = root, "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            base, limit, usage = root / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        group = base / path.strip().lstrip("/")
        # in a container the path may be the host's, which is not to be seen; then the root stands for it
        for folder in (group, *group.parents) if group.is_dir() else (base,):
            left = _left(folder, limit, usage)
            if left is not None:
                yield left
            if folder == base:
                break


def _left(folder: Path, limit_name: str, usage_name: str) -> int | None:
    limit, usage = _number(folder / limit_name), _number(folder / usage_name)
    if limit is None or usage is None or limit >= _UNLIMITED:
        return None
    fields = _fields(folder / "memory.stat")
    prefix = "total_" if "total_active_file" in fields else ""
    files = fields.get(f"{prefix}active_file", 0) + fields.get(f"{prefix}inactive_file", 0)
    return limit - max(0, usage - files)


def _number(path: Path) -> int | None:
    """The number in a file; None where it is absent, cannot be read, or says ``max``."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None


def _fields(path: Path) -> dict[str, int]:
    """``name number`` or ``name: number kB`` lines."""
    found: dict[str, int] = {}
    for line in _lines(path):
        words = line.replace(":", " ").split()
        if len(words) >= 2 and words[1].isdigit():
            found[words[0]] = int(words[1])
    return found


def _lines(path: Path) -> list[str]:
    """The lines of a file of the kernel; none where it is not there, which means that no account is kept."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
