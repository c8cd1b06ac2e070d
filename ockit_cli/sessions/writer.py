"""Which process is writing an answer, and whether it still lives.

A process names itself ``host/boot/namespace|pid|start``. On the same host and boot a name is judged exactly: the
process id must exist and have started at that moment (ids are reused). Of another machine or container that
shares the directory nothing can be seen; there the time of the last save decides.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from functools import lru_cache
from pathlib import Path

LEASE_S = 120.0
"""How long an answer of an unseen writer counts as being written after its last save, in seconds."""


def this_process() -> str:
    """The name of the calling process."""
    pid = os.getpid()
    return f"{_place()}|{pid}|{_start(pid)}"


def is_writing(writer: str | None, saved_at: float) -> bool:
    """Whether the process named `writer`, which last saved at `saved_at` (Unix seconds), may still go on."""
    place, _, process = (writer or "").partition("|")
    if place != _place():
        return abs(time.time() - saved_at) < LEASE_S
    pid, _, start = process.partition("|")
    return pid.isdecimal() and start != "" and _start(int(pid)) == start


@lru_cache(maxsize=1)
def _place() -> str:
    if sys.platform != "linux":
        return platform.node()
    boot = Path("/proc/sys/kernel/random/boot_id")
    return "/".join(
        (
            platform.node(),
            boot.read_text().strip() if boot.exists() else "",
            os.readlink("/proc/self/ns/pid") if os.path.lexists("/proc/self/ns/pid") else "",
        )
    )


def _start(pid: int) -> str:
    """When a process started, in a form that never changes while it lives; empty where there is none."""
    if sys.platform != "linux":
        import psutil

        try:
            return f"{psutil.Process(pid).create_time():.0f}"
        except psutil.NoSuchProcess:
            return ""
    # ticks since boot: unlike psutil's create_time they do not move with the clock
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    fields = stat[stat.rindex(b")") + 2 :].split()  # after the name, which may hold anything
    return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
