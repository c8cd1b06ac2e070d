"""Text classifiers of Hugging Face: tiny random ones, made here."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ockit.environment import Environment
from ockit.errors import ContextOverflow, ModelFileError, NotFound, UsageError, WorkerError
from ockit.moderation.judges.judge import JudgeTimeout
from ockit.moderation.judges.opening import open_judge
from tiny_embedders import tiny_reranker

LABELS = {"calm": 0, "rude": "harassment:2", "bad": "hate"}
TEXT = "the cat sat on the mat"


@pytest.fixture(scope="module")
def model(environment: Environment) -> Path:
    path = environment.cwd / "classifier"
    tiny_reranker(path, labels=3)
    name_labels(path, "calm", "rude", "bad")
    return path


@pytest.fixture(scope="module")
def judge(environment: Environment, model: Path) -> Iterator[Any]:
    """One for all: each start reads torch."""
    opened = open_judge("hf", {"model": "./classifier", "labels": LABELS, "seconds": 60}, environment)
    yield opened
    opened.close()


def name_labels(path: Path, *names: str, **more: object) -> None:
    file = path / "config.json"
    said = json.loads(file.read_text())
    said["id2label"] = {str(number): name for number, name in enumerate(names)}
    said["label2id"] = {name: number for number, name in enumerate(names)}
    file.write_text(json.dumps(said | more))


def by_the_library(path: Path, text: str, *, several: bool) -> list[float]:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    found = AutoModelForSequenceClassification.from_pretrained(path)(**tokenizer(text, return_tensors="pt"))
    logits = found.logits[0].detach()
    return [float(p) for p in (torch.sigmoid(logits) if several else torch.softmax(logits, -1))]


def test_probabilities_are_those_of_the_library(judge: Any, model: Path) -> None:
    assert judge.describe() == {"model": "./classifier"}
    verdict = judge.check(TEXT, "user")
    calm, rude, bad = by_the_library(model, TEXT, several=False)
    assert verdict.p_level == pytest.approx((calm, 0, rude, 0, bad), abs=1e-4)
    assert verdict.categories == pytest.approx({"harassment": rude, "hate": bad}, abs=1e-4)
    assert judge.describe()["labels"] == "calm → level 0; rude → level 2, harassment; bad → level 4, hate"
    assert judge.describe()["labels are"] == "given"
    assert judge.check("", "user").level == 0
    assert judge.advisory() is None


def test_several_classes_at_once(open_: Callable[..., Any], model: Path, environment: Environment) -> None:
    path = Path(shutil.copytree(model, environment.cwd / "several"))
    name_labels(path, "toxic", "threat", "identity_hate", problem_type="multi_label_classification")
    judge = open_("hf", model="./several", seconds=60)
    verdict = judge.check(TEXT, "user")
    toxic, threat, hate = by_the_library(path, TEXT, several=True)
    assert judge.describe()["labels are"] == "guessed"
    assert verdict.categories == pytest.approx(
        {"harassment": toxic, "violence": threat, "hate": hate}, abs=1e-4
    )
    assert sum(verdict.p_level[4:]) == pytest.approx(max(threat, hate), abs=1e-4)
    assert sum(verdict.p_level[3:]) == pytest.approx(max(toxic, threat, hate), abs=1e-4)


def test_a_marker_in_the_text_is_text(judge: Any, model: Path) -> None:
    spelled = judge.check("the [SEP] cat", "user").p_level
    marked = by_the_library(model, "the [SEP] cat", several=False)
    assert (spelled[0], spelled[2], spelled[4]) != pytest.approx(marked, abs=1e-7)
    for odd in ("\ud800", "\0", "ひらがな", "x" * 1900):
        assert judge.check(odd, "user").status == "ok"


def test_a_long_text_is_read_in_windows(judge: Any) -> None:
    verdict = judge.check("the cat ran under the tree. " * 200, "user")
    assert verdict.hits == () or verdict.hits[0].end is not None
    with pytest.raises(ContextOverflow):
        judge.check("a" * 1_000_000, "user")


def test_a_hang_a_crash_and_the_next_check(judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first = judge.check(TEXT, "user")
    monkeypatch.setattr(judge, "_seconds", 3.0)
    os.kill(judge._worker.pid, signal.SIGSTOP)
    with pytest.raises(JudgeTimeout):
        judge.check(TEXT, "user")
    assert judge.check(TEXT, "user").p_level == pytest.approx(first.p_level)


def test_no_numbers_are_an_error(open_: Callable[..., Any], model: Path, environment: Environment) -> None:
    path = Path(shutil.copytree(model, environment.cwd / "nan"))
    weights = path / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-4000:] = b"\x00\x00\xc0\x7f" * 1000
    weights.write_bytes(data)
    judge = open_("hf", model="./nan", labels=LABELS, seconds=60)
    with pytest.raises(WorkerError, match="no numbers"):
        judge.check(TEXT, "user")


def test_the_child_is_told_to_stay_off_the_network(open_: Callable[..., Any], model: Path) -> None:
    judge = open_("hf", model=str(model), labels=LABELS)
    assert judge._worker._environment["HF_HUB_OFFLINE"] == "1"
    assert judge._worker._environment["TRANSFORMERS_OFFLINE"] == "1"


def _pickled(path: Path) -> None:
    (path / "model.safetensors").rename(path / "pytorch_model.bin")


def _own_code(path: Path) -> None:
    said = json.loads((path / "config.json").read_text())
    auto = {"AutoModelForSequenceClassification": "evil.Model"}
    (path / "config.json").write_text(json.dumps(said | {"auto_map": auto}))


@pytest.mark.parametrize(("damage", "words"), [(_pickled, "pickled"), (_own_code, "code of its own")])
def test_what_could_run_code_is_refused_before_anything_starts(
    open_: Callable[..., Any], model: Path, tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    copy = Path(shutil.copytree(model, tmp_path / "copy"))
    damage(copy)
    with pytest.raises(ModelFileError, match=words):
        open_("hf", model=str(copy), labels=LABELS)


def test_what_is_not_there_or_no_classifier(open_: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_("hf", model="nobody/nothing")
    from tiny_embedders import tiny_embedder

    tiny_embedder(tmp_path / "embedder")
    judge = open_("hf", model=str(tmp_path / "embedder"), labels={"LABEL_0": 0, "LABEL_1": 4}, seconds=60)
    with pytest.raises(ModelFileError, match="no weights for"):
        judge.check(TEXT, "user")


def test_classes_without_a_meaning(open_: Callable[..., Any], model: Path) -> None:
    with pytest.raises(UsageError, match="'calm'"):
        open_("hf", model=str(model), seconds=60).check(TEXT, "user")
