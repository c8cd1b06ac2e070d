"""Free memory as the kernel's files tell it, on copies of those files."""

from __future__ import annotations

from pathlib import Path

import pytest

from ockit.models.free_memory import available

GIB = 1 << 30


class Kernel:
    """A /proc and a /sys/fs/cgroup of our own."""

    def __init__(self, root: Path) -> None:
        self.proc, self.cgroups = root / "proc", root / "cgroup"
        self.write(
            self.proc / "meminfo", f"MemTotal: 33554432 kB\nMemFree: 1 kB\nMemAvailable: {16 << 20} kB\n"
        )

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def own_group(self, line: str) -> None:
        self.write(self.proc / "self" / "cgroup", line)

    def group(self, folder: str, limit: object, usage: int, **stat: int) -> None:
        path = self.cgroups / folder
        v1 = folder.startswith("memory")
        self.write(path / ("memory.limit_in_bytes" if v1 else "memory.max"), f"{limit}\n")
        self.write(path / ("memory.usage_in_bytes" if v1 else "memory.current"), f"{usage}\n")
        self.write(path / "memory.stat", "".join(f"{name} {value}\n" for name, value in stat.items()))

    def available(self) -> int:
        return available(self.proc, self.cgroups)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_without_groups_it_is_what_the_kernel_calls_available(kernel: Kernel) -> None:
    assert kernel.available() == 16 * GIB


def test_a_group_of_version_2_limits_it_and_its_file_pages_count_as_free(kernel: Kernel) -> None:
    kernel.own_group("0::/user/app\n")
    kernel.group("user/app", 4 * GIB, 3 * GIB, anon=GIB, active_file=GIB, inactive_file=GIB)
    assert kernel.available() == 3 * GIB


def test_the_tightest_group_above_decides(kernel: Kernel) -> None:
    kernel.own_group("0::/user/app\n")
    kernel.group("user/app", "max", 3 * GIB)
    kernel.group("user", 2 * GIB, GIB)
    kernel.group("", 8 * GIB, GIB)
    assert kernel.available() == GIB


def test_version_1(kernel: Kernel) -> None:
    kernel.own_group("12:cpu,cpuacct:/a\n4:memory:/docker/x\n0::/\n")
    kernel.group("memory/docker/x", 2 * GIB, GIB, total_active_file=0, total_inactive_file=GIB // 2)
    kernel.group("memory", 9223372036854771712, 20 * GIB)
    assert kernel.available() == 3 * GIB // 2


def test_in_a_container_that_sees_only_its_own_group(kernel: Kernel) -> None:
    kernel.own_group("0::/system.slice/docker-1.scope\n")
    kernel.group("", GIB, GIB // 4)
    assert kernel.available() == 3 * GIB // 4


def test_a_group_beyond_its_limit_leaves_nothing(kernel: Kernel) -> None:
    kernel.own_group("0::/\n")
    kernel.group("", GIB, 2 * GIB)
    assert kernel.available() == 0


def test_strange_files_limit_nothing(kernel: Kernel) -> None:
    kernel.own_group("0::/\nnonsense\n\n")
    kernel.group("", "a lot", 5)
    kernel.write(kernel.cgroups / "memory.stat", "x\n\nactive_file many\n")
    assert kernel.available() == 16 * GIB


def test_where_there_is_no_proc_psutil_answers(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    total = psutil.virtual_memory().total
    assert 0 < available(tmp_path, tmp_path) <= total


def test_this_machine() -> None:
    psutil = pytest.importorskip("psutil")
    assert 0 < available() <= psutil.virtual_memory().total
