"""Damaged model files through the whole program: one message, never a crash of the terminal's process, never a wait."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from conftest import RunOckit
from gguf_mutants import mutants
from tiny_models import CHATML, byte_vocabulary, pair_vocabulary, write_model

LIMIT = 10.0


@pytest.mark.parametrize(
    "count", [pytest.param(30, id="some"), pytest.param(300, id="all", marks=pytest.mark.sweep)]
)
@pytest.mark.timeout(1500)
def test_mutants(run_ockit: RunOckit, tmp_path: Path, count: int) -> None:
    sound = [
        write_model(tmp_path / "a.gguf", vocabulary=byte_vocabulary(), weights="F16", chat_template=CHATML),
        write_model(
            tmp_path / "b.gguf",
            architecture="qwen2",
            vocabulary=pair_vocabulary(),
            weights="F16",
            chat_template=CHATML,
        ),
    ]
    codes: dict[int, int] = {}
    slowest = 0.0
    for source in sound:
        for mutant in mutants(source, count // len(sound), seed=count):
            path = tmp_path / "mutant.gguf"
            path.write_bytes(mutant.data)
            begin = time.monotonic()
            done = run_ockit(
                "ask", "-m", str(path), "--max-tokens", "4", "--no-log", "hi",
                env={"OCKIT_THREADS": "1"}, timeout=60,
            )  # fmt: skip
            seconds = time.monotonic() - begin
            assert done.code in (0, 1, 4), f"{mutant.name}: {done}"
            assert seconds < LIMIT, f"{mutant.name}: {seconds:.1f} s"
            assert "Traceback" not in done.stderr, mutant.name
            assert "internal error" not in done.stderr, mutant.name
            if done.code:
                assert done.stderr.count("error: ") == 1, f"{mutant.name}: {done.stderr}"
                assert "  try: " in done.stderr, f"{mutant.name}: {done.stderr}"
            codes[done.code] = codes.get(done.code, 0) + 1
            slowest = max(slowest, seconds)
    assert {0, 1} <= set(codes), codes  # some copies are harmless, most are not; 4: a context of a few tokens
    assert not list((run_ockit.home / "state" / "crashes").glob("*"))
    print(f"mutants by exit code: {codes}; slowest {slowest:.1f} s")  # noqa: T201 - a figure of docs/reliability.md
