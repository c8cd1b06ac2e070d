"""Two processes that add models at once lose nothing."""

import subprocess
import sys

from ockit.models.registry import Registry

ADD = """
import sys
from pathlib import Path
from ockit.environment import Directories
from ockit.models.registry import Registry

registry = Registry(Directories.of({"OCKIT_HOME": sys.argv[1]}))
sys.stdout.write("ready"); sys.stdout.flush(); sys.stdin.read(1)
for i in range(50):
    registry.add(Path(sys.argv[2]) / f"{sys.argv[3]}{i}.gguf")
    registry.alias(f"{sys.argv[3]}{i}", f"alias-{sys.argv[3]}{i}")
"""


def test_two_processes_add_fifty_each(home, directories, tmp_path, tiny):
    for who in "ab":
        for i in range(50):
            tiny(f"models/{who}{i}.gguf")
    children = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", ADD, str(home), str(tmp_path / "models"), who],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for who in "ab"
    ]
    for child in children:
        assert child.stdout.read(5) == b"ready"
    for child in children:
        child.stdin.write(b"g")
        child.stdin.flush()
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    registry = Registry(directories)
    names = {f"{who}{i}" for who in "ab" for i in range(50)}
    assert {entry.name for entry in registry.entries()} == names | {"smollm2-135m-instruct"}
    assert all(registry.resolve(f"alias-{name}").name == name for name in names)
    assert registry.notices == []


def test_two_processes_add_the_same_file(home, directories, tmp_path, tiny):
    for i in range(50):
        tiny(f"models/same{i}.gguf")
    command = [sys.executable, "-P", "-c", ADD, str(home), str(tmp_path / "models"), "same"]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in range(2)]
    for child in children:
        child.stdin.write(b"g")
        child.stdin.flush()
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    assert len(Registry(directories).entries()) == 51
