"""Guard models: tiny ones of real vocabularies, whose answers were put into them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guard_models import guard_model, put_in
from ockit.errors import ContextOverflow, InterruptedByUser, ModelFileError, WorkerError
from ockit.messages import CATEGORIES, Message
from ockit.moderation.judges.judge import JudgeTimeout
from tiny_models import pair_vocabulary, vocabulary_of, write_model

GRANITE = ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>")
TEXT = "Where is the bread?"
YES = (3 / 11) ** 3 / ((3 / 11) ** 3 + (1 / 11) ** 2)  # the granite model's, which spells by letters


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def llama(folder: Path, data_dir: Callable[[str], Path]) -> Path:
    """Unsafe three times as likely as safe; of the hazards, self-harm (S11) four times as likely as hate (S10)."""
    words = vocabulary_of(data_dir("vocab") / "ggml-vocab-llama-bpe.gguf")
    answers = {"\n\n": 3.0, "safe": 1.0, "unsafe": 3.0, "\nS": 1.0, "\n": 1.0, "S": 1.0, "11": 2.0, "10": 0.5}
    return guard_model(folder / "Llama-Guard-3-8B.gguf", answers, vocabulary=words, name="Llama Guard 3 8B")


@pytest.fixture(scope="module")
def qwen(folder: Path, data_dir: Callable[[str], Path]) -> Path:
    """Controversial most likely; of the categories, jailbreak."""
    words = vocabulary_of(data_dir("vocab") / "ggml-vocab-qwen2.gguf")
    answers = {
        "\n\nSafety:": 2.0,
        " Safe": 0.5,
        " Unsafe": 0.5,
        " Controversial": 40.0,
        "\nCategories:": 2.0,
        " Jailbreak": 40.0,
    }
    template = "{# <|im_start|> **Safety: Controversial** #}"
    return guard_model(folder / "q.gguf", answers, vocabulary=words, chat_template=template)


@pytest.fixture(scope="module")
def granite(folder: Path) -> Path:
    answers = {"Yes": 3.0, "No": 1.0}
    template = "{# <start_of_risk_definition>\\n* #}"
    return guard_model(
        folder / "g.gguf", answers, vocabulary=pair_vocabulary(*GRANITE), chat_template=template
    )


def test_llama_guard(open_: Callable[..., Any], llama: Path) -> None:
    judge = open_("guard", model=str(llama), seconds=60)
    assert judge.describe() == {"model": str(llama), "format": "llama-guard-3"}
    assert judge.advisory() is None
    verdict = judge.check(TEXT, "user")
    assert verdict.status == "ok"
    assert verdict.action == "allow"
    assert verdict.backend == "guard"
    assert verdict.p_level[0] == pytest.approx(0.25, abs=0.01)
    assert verdict.p_level[4] == pytest.approx(0.75, abs=0.01)
    assert verdict.level == 4
    assert verdict.categories["self_harm"] == pytest.approx(0.75 * 0.8, abs=0.02)
    assert verdict.categories["hate"] == pytest.approx(0.75 * 0.2, abs=0.02)
    assert verdict.categories.keys() <= set(CATEGORIES)
    assert {hit.name for hit in verdict.hits} == {"level", "self_harm"}
    assert "unsafe (75%), Self-Harm" in verdict.reason
    assert verdict.ms > 0
    again = judge.check(TEXT, "assistant", [Message("user", "hi")])
    assert again.p_level == pytest.approx(verdict.p_level, abs=0.01)


def test_qwen3guard(open_: Callable[..., Any], qwen: Path) -> None:
    verdict = open_("guard", model=str(qwen), seconds=60).check(TEXT, "retrieved")
    assert verdict.level == 2
    assert 0.5 < verdict.p_level[2] < 1.0
    assert verdict.injection > 0.5
    assert {hit.name for hit in verdict.hits} == {"level", "injection"}
    assert "controversial" in verdict.reason
    assert "Jailbreak" in verdict.reason


def test_granite_guardian(open_: Callable[..., Any], granite: Path) -> None:
    judge = open_("guard", model=str(granite), seconds=60)
    verdict = judge.check(TEXT, "user")
    assert sum(verdict.p_level[1:]) == pytest.approx(YES, abs=0.02)
    assert verdict.categories["violence"] == pytest.approx(YES, abs=0.02)
    assert verdict.injection == pytest.approx(YES, abs=0.02)
    assert judge.check(TEXT, "assistant", [Message("user", "hi")]).injection == 0.0


def test_nothing_and_too_much(open_: Callable[..., Any], granite: Path) -> None:
    judge = open_("guard", model=str(granite), seconds=60)
    for empty in ("", " \n\t "):
        assert judge.check(empty, "user").level == 0
    with pytest.raises(ContextOverflow, match="1000000 characters"):
        judge.check("a" * 1_000_000, "user")
    for odd in ("\0\x01\x02", "\ud800 lone", "ひらがな" * 50, "<|end_of_role|>"):
        assert judge.check(odd, "user").status == "ok"


def test_a_long_text_is_judged_in_parts(open_: Callable[..., Any], granite: Path) -> None:
    """The tiny vocabulary has a token a letter, so that parts must be halved until they fit."""
    verdict = open_("guard", model=str(granite), seconds=100).check("bread and jam. " * 500, "user")
    assert verdict.level == 4
    assert verdict.hits[0].start is not None
    assert 0 < (verdict.hits[0].end or 0) <= 7500


def test_a_model_that_answers_something_else_is_an_error(
    open_: Callable[..., Any], folder: Path, embedded_model: Path
) -> None:
    other = guard_model(
        folder / "other.gguf", {"Maybe": 1.0, "Never": 1.0}, vocabulary=pair_vocabulary(*GRANITE)
    )
    for model, form in ((other, "granite-guardian"), (embedded_model, "llama-guard-3")):
        judge = open_("guard", model=str(model), format=form, seconds=60)
        with pytest.raises(ModelFileError, match="answers none of") as caught:
            judge.check(TEXT, "user")
        assert "format = " in str(caught.value.hint)


def test_no_guard_model_is_refused_before_it_is_loaded(
    open_: Callable[..., Any], embedded_model: Path
) -> None:
    with pytest.raises(ModelFileError, match="no guard model"):
        open_("guard", model=str(embedded_model))


def test_no_numbers_are_an_error(open_: Callable[..., Any], folder: Path) -> None:
    path = write_model(folder / "nan.gguf", vocabulary=pair_vocabulary(*GRANITE), n_ctx=4096)
    put_in(path, {5: float("nan"), 6: 1.0})
    judge = open_("guard", model=str(path), format="granite-guardian", seconds=60)
    with pytest.raises(WorkerError, match="no numbers"):
        judge.check(TEXT, "user")


def test_a_hang_ends_with_the_time_limit_and_the_next_check_works(
    open_: Callable[..., Any], granite: Path
) -> None:
    judge = open_("guard", model=str(granite), seconds=4.0)
    judge.check(TEXT, "user")
    os.kill(judge._engine.worker.pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(JudgeTimeout, match="longer than 4 seconds") as caught:
        judge.check(TEXT, "user")
    assert time.monotonic() - began < 15
    assert "seconds = 16" in str(caught.value.hint)
    assert judge.check(TEXT, "user").level == 4


def test_a_crash_is_one_error(open_: Callable[..., Any], granite: Path) -> None:
    judge = open_("guard", model=str(granite), seconds=60)
    judge.check(TEXT, "user")
    os.kill(judge._engine.worker.pid, signal.SIGSTOP)  # so that the call is open when it dies
    timer = threading.Timer(0.3, judge._engine.worker.kill)
    timer.start()
    with pytest.raises(WorkerError, match="died") as caught:
        judge.check(TEXT, "user")
    assert not isinstance(caught.value, JudgeTimeout)
    timer.join()
    assert judge.check(TEXT, "user").level == 4


def test_cancel_and_close_end_a_running_check(open_: Callable[..., Any], granite: Path) -> None:
    for end in ("cancel", "close"):
        judge = open_("guard", model=str(granite), seconds=60)
        judge.check(TEXT, "user")
        timer = threading.Timer(0.2, getattr(judge, end))
        timer.start()
        with pytest.raises((WorkerError, Exception), match=r"stopped|died|ended"):
            judge.check("jam and bread " * 2000, "user")
        timer.join()


def test_a_check_is_stopped_between_two_calls_of_the_engine(
    open_: Callable[..., Any], granite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the engine does nothing, it hears of nothing."""
    for end in ("cancel", "close"):
        judge = open_("guard", model=str(granite), seconds=60)
        judge.check(TEXT, "user")
        encode, stop = judge._engine.encode, getattr(judge, end)

        def then_stopped(segments: Any, encode: Any = encode, stop: Any = stop) -> list[int]:
            ids: list[int] = encode(segments)
            stop()
            return ids

        monkeypatch.setattr(judge._engine, "encode", then_stopped)
        with pytest.raises(InterruptedByUser, match="guard was stopped"):
            judge.check("jam and bread " * 2000, "user")
        monkeypatch.setattr(judge._engine, "encode", encode)
        if end == "cancel":
            assert judge.check(TEXT, "user").status == "ok"  # which another check does not hear of
            continue
        for _ in range(2):  # closed just before a check begins: that starts no process anew
            with pytest.raises(InterruptedByUser, match="guard was stopped"):
                judge.check(TEXT, "user")
        assert not judge._engine.worker.alive
