"""What a child sees: few variables, no foreign modules, its own session, a limit on its memory."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

import ockit
from ockit.workers.limits import scrubbed, whole_memory
from ockit.workers.worker import Worker

SECRET = {
    "PYTHONPATH": "/evil",
    "PYTHONSTARTUP": "/evil.py",
    "LD_PRELOAD": "/evil.so",
    "HF_TOKEN": "secret",
    "OPENAI_API_KEY": "secret",
    "OCKIT_EMBEDDER_KEY": "https://api.example.org secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "GITHUB_TOKEN": "secret",
    "SSH_AUTH_SOCK": "/sock",
    "http_proxy": "http://user:secret@proxy",
}
WANTED = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "CUDA_VISIBLE_DEVICES": "0", "OCKIT_THREADS": "1"}


def test_only_what_is_needed_is_handed_on() -> None:
    kept = scrubbed(SECRET | WANTED)
    assert kept.items() >= WANTED.items()
    assert not kept.keys() & SECRET.keys()
    assert "secret" not in "".join(kept.values())


def test_the_child_sees_no_more(start: Callable[..., Worker]) -> None:
    found = start(variables={"PATH": os.environ["PATH"]} | SECRET | WANTED).call("surroundings")
    assert not found["environ"].keys() & SECRET.keys()
    assert "secret" not in "".join(found["environ"].values())
    assert found["session"] != os.getsid(0)
    assert found["stdin"] == "/dev/null"


def test_nothing_of_the_current_directory_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real child: Python files and folders that lie around are not taken for modules."""
    for name in ("json.py", "ockit.py", "llama_cpp.py", "numpy.py", "sitecustomize.py", "usercustomize.py"):
        (tmp_path / name).write_text("open('imported', 'a').write(__name__)\nraise SystemExit(99)\n")
    for name in ("index", "moderation", "plugins", "ockit_cli", "ctypes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("open('imported', 'a').write(__name__)\n")
    monkeypatch.chdir(tmp_path)
    worker = Worker("ockit.engines.service:EngineService", {"PYTHONPATH": str(tmp_path)} | dict(os.environ))
    try:
        facts = worker.call("system")
    finally:
        worker.stop()
    assert "version" in facts
    assert not (tmp_path / "imported").exists()


def test_the_childs_ockit_is_ours(start: Callable[..., Worker]) -> None:
    assert start().call("surroundings")["ockit"] == ockit.__file__


def test_limits_are_the_childs_alone(start: Callable[..., Worker]) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    worker = start(memory_limit=3 << 30)
    worker.call("echo")
    assert worker.pid is not None
    assert resource.prlimit(worker.pid, resource.RLIMIT_DATA) == (3 << 30, 3 << 30)
    assert resource.prlimit(worker.pid, resource.RLIMIT_CORE) == (0, 0)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_limit_in_the_environment_is_not_believed(start: Callable[..., Worker]) -> None:
    worker = start(variables={**os.environ, "OCKIT_WORKER_MEMORY": "1"})
    assert worker.call("echo", a=1) == {"a": 1}


def test_the_machines_memory_is_known() -> None:
    limit = whole_memory()
    assert limit is not None
    assert 1 << 28 < limit < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
