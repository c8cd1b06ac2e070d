"""Training: what comes out of rows, what is refused, and that the file of a classifier is what was trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from ockit.environment import Directories
from ockit.errors import ModelFileError, NotFound, UsageError
from ockit.moderation.evaluation import auc
from ockit.moderation.training import places
from ockit.moderation.training.classifier import load
from ockit.moderation.training.fitting import NEVER, Plan, train
from ockit.moderation.training.heads import Head
from ockit.moderation.training.rows import Row, Rows
from ockit.moderation.training.trained import MOST_PIECES, TrainedModerator, pieces

WORDS = ("gentle", "grumpy", "cross", "rude", "raging")
NOUNS = ("river", "train", "cook", "letter", "garden", "violin", "winter", "ticket", "ladder", "market")


def features(texts: list[str] | tuple[str, ...]) -> NDArray[np.float32]:
    """Words by a table of random directions, their mean of length 1: what an encoder gives, without one."""
    found = np.zeros((len(texts), 48), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            seed = int.from_bytes(word.encode()[:6].ljust(6, b"."), "big")
            found[row] += np.random.default_rng(seed).normal(size=48)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def graded(n: int, answers: tuple[str, ...] = ("0", "1", "2", "3", "4"), kind: str = "level") -> Rows:
    """Rows whose one word of mood decides their level or label."""
    random = np.random.default_rng(0)
    good = []
    for number in range(n):
        at = number % len(answers)
        words = [str(random.choice(NOUNS)) for _ in range(3)]
        text = f"{words[0]} {WORDS[at]} {words[1]} {words[2]} {number}"
        level, label = (int(answers[at]), None) if kind == "level" else (None, answers[at])
        categories = frozenset({"harassment"} if at == 3 else ()) if kind == "level" else None
        good.append(Row(text, level, label, categories, f"a.jsonl:{number + 1}"))
    return Rows(tuple(good), (), kind)  # type: ignore[arg-type]


def test_levels_are_learned_saved_and_judged(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    made = train("mood", graded(1000), features, "enc", progress=lambda *step: told.append(step))
    assert made.facts["development_rows"] > 100
    assert made.facts["development"]["auc_at_least"]["4"] > 0.95
    assert ("texts read", 1000, 1000) in told
    path = tmp_path / "mood.safetensors"
    made.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    again = load(path)
    assert (again.answers, again.levels, again.kind, again.name) == (
        made.answers,
        made.levels,
        "level",
        "mood",
    )
    assert again.cuts == pytest.approx(made.cuts)
    judge = TrainedModerator(again, features)
    texts = [f"the {word} ticket of a market" for word in WORDS]
    verdicts = judge.check_many(texts, "user")
    assert [verdict.level for verdict in verdicts] == [0, 1, 2, 3, 4]
    assert all(sum(verdict.p_level) == pytest.approx(1.0) for verdict in verdicts)
    assert all(verdict.action == "allow" and verdict.status == "ok" for verdict in verdicts)
    assert verdicts[3].categories["harassment"] > verdicts[0].categories["harassment"]
    assert "harassment" in [hit.name for hit in verdicts[3].hits]
    assert "needs intervention" in verdicts[4].reason
    single = judge.check(texts[4], "user")
    assert single.p_level == pytest.approx(verdicts[4].p_level, abs=1e-5)
    assert [judge.cuts[f"level{k}"] for k in range(1, 5)] == pytest.approx(made.cuts)


def test_cut_points_let_few_rows_below_pass_them() -> None:
    rows = graded(1500)
    noisy = tuple(
        Row(
            row.text.replace(WORDS[int(row.level or 0)], "plain") if i % 3 == 0 else row.text, row.level, None
        )
        for i, row in enumerate(rows.good)
    )
    made = train("mood", Rows(noisy, (), "level"), features, "enc", Plan(false_positives=0.05))
    fresh = graded(2500).good[1500:]
    p = made.level_probabilities(made.head.probabilities(features([row.text for row in fresh]).astype(float)))
    said, truth = made.level(p), np.array([row.level for row in fresh])
    for level in range(1, 5):
        assert (said[truth < level] >= level).mean() < 0.12
    assert auc(p @ range(5), truth >= 2) > 0.95


def test_labels_have_the_levels_they_are_given() -> None:
    rows = graded(400, ("ham", "spam"), "label")
    made = train("post", rows, features, "enc", Plan(levels={"spam": 3}))
    assert (made.answers, made.levels, made.head.kind) == (("ham", "spam"), (0, 3), "multinomial")
    assert made.cuts[3] == NEVER
    judge = TrainedModerator(made, features, "mine")
    spam, ham = judge.check_many(["the grumpy garden", "the gentle garden"], "user")
    assert (spam.level, ham.level, spam.backend) == (3, 0, "mine")
    assert spam.hits[0].name == "label:spam"
    assert "'spam'" in spam.reason
    assert spam.p_level[4] == 0.0
    without = train("post", rows, features, "enc")
    assert TrainedModerator(without, features).check("the grumpy garden", "user").level == 0


def test_few_rows_train_without_a_development_split() -> None:
    made = train("mood", graded(10), features, "enc")
    assert made.facts["development_rows"] == 0
    assert "development" not in made.facts
    assert TrainedModerator(made, features).check("raging market", "user").level >= 3


def test_a_seed_repeats_itself() -> None:
    one, two = (train("mood", graded(300), features, "enc", Plan(seed=4)) for _ in range(2))
    assert (one.head.weights == two.head.weights).all()
    assert one.cuts == two.cuts


@pytest.mark.parametrize(
    ("rows", "plan", "told"),
    [
        (graded(20, ("2",)), Plan(), "all 20 rows have the level '2'"),
        (graded(9, ("ham",), "label"), Plan(), "all 9 rows have the label 'ham'"),
        (graded(3, ("0", "4")), Plan(), "the level '4' has one row only"),
        (graded(20, ("a", "b"), "label"), Plan(head="ordinal"), "labels have no order"),
        (graded(20, ("a", "b"), "label"), Plan(levels={"c": 1}), "--map names the label 'c'"),
        (graded(20), Plan(head="forest"), "none of auto, ordinal, multinomial"),
    ],
)
def test_what_cannot_be_trained(rows: Rows, plan: Plan, told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        train("mood", rows, features, "enc", plan)
    assert caught.value.hint


def test_files_that_are_no_classifier(tmp_path: Path) -> None:
    made = train("mood", graded(50), features, "enc")
    path = tmp_path / "mood.safetensors"
    made.save(path)
    whole = path.read_bytes()
    assert set(load_file(path)) >= {"head.weights", "head.bias"}  # theirs reads it
    bad = {
        "cut": whole[: len(whole) // 2],
        "text": b"hello, this is no classifier at all",
        "format": whole.replace(b"ockit moderation classifier 1", b"ockit moderation classifier 9"),
        "level": whole.replace(b'\\"levels\\": [0', b'\\"levels\\": [7'),
        "bit": whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:],
    }
    for name, data in bad.items():
        place = tmp_path / f"{name}.safetensors"
        place.write_bytes(data)
        assert data != whole
        with pytest.raises(ModelFileError):
            load(place)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"levels": (0, 9, 2, 3, 4)}, "answers and levels"),
        ({"answers": ("0", "1")}, "answers and levels"),
        ({"cuts": (0.1, 0.2, 0.3, 9.0)}, "a cut-point for each level"),
        ({"kind": "other"}, "no known kind"),
        ({"head": Head("multinomial", np.zeros((48, 3)), np.zeros(3))}, "3 classes for 5 answers"),
        ({"head": Head("multinomial", np.full((48, 5), np.nan), np.zeros(5))}, "not finite"),
        ({"head": Head("multinomial", np.zeros((48, 2)), np.zeros(5))}, "has the shapes"),
        ({"categories": {"garden": Head("multinomial", np.zeros((48, 2)), np.zeros(2))}}, "not known"),
    ],
)
def test_a_file_that_contradicts_itself(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    path = tmp_path / "mood.safetensors"
    replace(train("mood", graded(50), features, "enc"), **change).save(path)
    with pytest.raises(ModelFileError, match=told) as caught:
        load(path)
    assert "ockit moderation train" in str(caught.value.hint)


def test_names_and_places(tmp_path: Path) -> None:
    directories = Directories(*(tmp_path / name for name in ("config", "data", "state", "cache")))
    assert places.names(directories) == []
    with pytest.raises(NotFound, match="no classifier 'mood'"):
        places.existing(directories, "mood")
    train("mood", graded(50), features, "enc").save(places.path_of(directories, "mood"))
    assert places.names(directories) == ["mood"]
    with pytest.raises(NotFound) as caught:
        places.existing(directories, "mod")
    assert "mood" in str(caught.value.hint)
    for name in ("../mood", "", ".mood", "a/b", "x" * 65):
        with pytest.raises(UsageError, match="is no name"):
            places.path_of(directories, name)


def test_long_texts_are_read_in_pieces() -> None:
    made = train("mood", graded(500), features, "enc")
    judge = TrainedModerator(made, features)
    text = "gentle winter " * 200 + "raging market " * 130 + "gentle garden " * 200
    verdict = judge.check(text, "user")
    hit = next(hit for hit in verdict.hits if hit.name == "level")
    assert hit.start is not None
    assert "raging" in text[hit.start : hit.end]
    verdict = judge.check("gentle winter " * 70_000, "user")
    assert verdict.status == "not_scanned"
    spans, unread = pieces("gentle winter " * 70_000)
    assert [(hit.start, hit.end) for hit in verdict.hits if hit.name == "not_scanned"] == unread
    assert len(spans) == MOST_PIECES
    assert len(unread) == 1
    assert pieces("x" * 2000)[0] == [(0, 600), (600, 1200), (1200, 1800), (1800, 2000)]
    assert pieces(" \n ") == ([], [])
    assert judge.check("", "user").level == 0
