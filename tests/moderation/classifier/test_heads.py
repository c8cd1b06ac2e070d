"""Features, the file of the heads, and probabilities from both."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.errors import ModelFileError, NotFound, UsageError
from ockit.formats.sealed import read_sealed, write_sealed
from ockit.moderation.classifier.features import BUCKETS, hashed
from ockit.moderation.classifier.heads import level_of, scored, spread
from ockit.moderation.classifier.weights import KIND, OUTPUTS, read_heads, write_heads

N = len(OUTPUTS)


def arrays(seed=0, **values):
    random = np.random.default_rng(seed)
    near = random.normal(size=(3, 8))
    return {
        "encoder": "e",
        "vector": random.normal(size=(N, 8)),
        "bias": random.normal(size=N),
        "cuts": dict.fromkeys(OUTPUTS, 0.5),
        "hashed": random.integers(-127, 128, (BUCKETS, N)).astype(np.int8),
        "hashed_scales": random.uniform(0, 0.05, N),
        "centroids": near / np.linalg.norm(near, axis=1, keepdims=True),
        "nearness": 0.25,
        "note": "made here",
    } | values


def test_case_punctuation_and_accents_tell_nothing():
    assert hashed("Café, NOW!! (please)") == hashed("cafe now please") != hashed("cafe later please")
    assert hashed("  ...  ") == hashed("") == ()
    assert hashed("a") != hashed("aa")
    assert hashed("dog bites man") != hashed("man bites dog")


@given(st.text())
def test_buckets_of_any_text_are_in_range_and_rising(text):
    found = hashed(text)
    assert list(found) == sorted(set(found))
    assert all(0 <= bucket < BUCKETS for bucket in found)


def test_what_was_written_is_read(tmp_path):
    given = arrays()
    digest = write_heads(tmp_path / "heads", **given)
    heads = read_heads(tmp_path / "heads")
    assert (heads.digest, heads.encoder, heads.note, heads.nearness) == (digest, "e", "made here", 0.25)
    assert np.array_equal(np.array(heads.vector), given["vector"].astype(np.float32))
    assert heads.hashed == given["hashed"].tobytes()
    assert heads.cuts == given["cuts"]


def test_scores_are_those_of_the_formula(tmp_path):
    given = arrays()
    write_heads(tmp_path / "heads", **given)
    heads = read_heads(tmp_path / "heads")
    vector = np.random.default_rng(5).normal(size=8)
    vector /= np.linalg.norm(vector)
    buckets = hashed("the quick brown fox")
    scores = scored(heads, array("f", vector), buckets)
    grams = (
        given["hashed"][list(buckets)].astype(float).sum(0) * given["hashed_scales"] / np.sqrt(len(buckets))
    )
    logits = given["vector"] @ vector + given["bias"] + grams
    expected = 1 / (1 + np.exp(-logits))
    expected[:4] = np.minimum.accumulate(expected[:4])
    assert np.allclose(scores.probabilities, expected, atol=1e-5)
    assert scores.nearness == pytest.approx((given["centroids"] @ vector).max(), abs=1e-6)
    parts = spread(scores.probabilities)
    assert sum(parts) == pytest.approx(1)
    assert sum(level * p for level, p in enumerate(parts)) == pytest.approx(scores.expected)


def test_heads_without_grams_and_centroids_do_without(tmp_path):
    write_heads(
        tmp_path / "heads",
        **arrays(hashed=None, hashed_scales=None, centroids=None, bias=np.full(N, -2000.0)),
    )
    scores = scored(read_heads(tmp_path / "heads"), array("f", [1.0] + [0.0] * 7), hashed("words"))
    assert scores.nearness == 1.0
    assert max(scores.probabilities) == 0.0  # and no overflow on the way


def test_the_level_is_the_highest_whose_cut_is_reached():
    assert level_of((0.9, 0.5, 0.2, 0.1), (0.5, 0.5, 0.5, 0.5)) == 2
    assert level_of((0.9, 0.5, 0.2, 0.1), (0.95, 0.6, 0.3, 0.1)) == 4
    assert level_of((0.1, 0.1, 0.1, 0.0), (0.5, 0.5, 0.5, 0.5)) == 0


@pytest.mark.parametrize("at", [12, 400, -1, -60_000])
def test_a_damaged_file_is_refused(tmp_path, at):
    path = tmp_path / "heads"
    write_heads(path, **arrays())
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=str(path)):
        read_heads(path)


def test_a_short_missing_or_foreign_file_is_refused(tmp_path):
    path = tmp_path / "heads"
    with pytest.raises(NotFound):
        read_heads(path)
    write_heads(path, **arrays())
    sealed = read_sealed(path, KIND)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelFileError):
        read_heads(path)
    write_sealed(path, KIND, sealed.facts | {"outputs": ["tea"]}, sealed.tensors)
    with pytest.raises(ModelFileError, match="for other outputs"):
        read_heads(path)


@pytest.mark.parametrize(
    "values",
    [
        {"vector": np.zeros((N - 1, 8))},
        {"bias": np.full(N, np.nan)},
        {"hashed": np.zeros((10, N), np.int8)},
        {"centroids": np.zeros((2, 9))},
        {"cuts": {"level1": 0.5}},
        {"cuts": dict.fromkeys(OUTPUTS, 1.5)},
    ],
)
def test_heads_that_cannot_be_are_not_written(tmp_path, values):
    with pytest.raises(UsageError):
        write_heads(tmp_path / "heads", **arrays(**values))
    assert not (tmp_path / "heads").exists()
