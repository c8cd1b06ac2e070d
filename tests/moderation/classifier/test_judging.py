"""One judgement of many pieces: the greatest counts, and says where it stands."""

from __future__ import annotations

import pytest

from ockit.moderation.classifier.heads import Scores
from ockit.moderation.classifier.judging import MOST_HITS, judged
from ockit.moderation.classifier.pieces import Piece
from ockit.moderation.classifier.weights import OUTPUTS, Heads

HEADS = Heads("e", (), (), b"", (), dict.fromkeys(OUTPUTS, 0.5), ((1.0,),), nearness=0.2, note="", digest="d")


def piece(start: int, sentence: bool = False, nearness: float = 1.0, **scores: float) -> tuple[Piece, Scores]:
    found = dict.fromkeys(OUTPUTS, 0.01) | scores
    return Piece("some words", start, start + 10, sentence), Scores(tuple(found.values()), nearness)


def names(found):
    return [(hit.name, hit.start, hit.end) for hit in found.hits]


def test_the_piece_of_the_highest_level_decides_and_is_named():
    low = piece(0, level1=0.9, level2=0.4)
    high = piece(100, level1=0.8, level2=0.7, level3=0.6, violence=0.8)
    found = judged(HEADS, [low, high, piece(200)], [])
    assert found.level == 3
    assert found.p_level == pytest.approx((0.2, 0.1, 0.1, 0.59, 0.01))
    assert names(found) == [("level", 100, 110), ("violence", 100, 110)]
    assert found.categories["violence"] == 0.8
    assert found.reason == "needs caution: violence"


def test_of_two_pieces_of_one_level_the_one_further_up_decides():
    found = judged(HEADS, [piece(0, level1=0.6), piece(50, level1=0.9, level2=0.45)], [])
    assert names(found) == [("level", 50, 60)]


def test_nothing_found_has_no_hits():
    found = judged(HEADS, [piece(0)], [])
    assert (found.level, found.hits, found.reason, found.unsure) == (0, (), "casual", False)


def test_distress_is_told_apart_from_its_category():
    found = judged(HEADS, [piece(0, level1=0.9, level2=0.8, level3=0.7, distress=0.9)], [])
    assert ("distress", 0, 10) in names(found)
    assert "self_harm" not in [hit.name for hit in found.hits]


def test_where_there_are_sentences_they_alone_decide_on_injection():
    whole = piece(0, injection=0.9, level1=0.6)
    found = judged(
        HEADS, [whole, piece(0, sentence=True, injection=0.2), piece(20, sentence=True, injection=0.7)], []
    )
    assert found.injection == 0.7
    assert names(found) == [("level", 0, 10), ("injection", 20, 30)]
    assert judged(HEADS, [whole], []).injection == 0.9


def test_sentences_decide_on_nothing_else():
    found = judged(HEADS, [piece(0), piece(0, sentence=True, level1=0.9, level2=0.9, hate=0.9)], [])
    assert found.level == 0
    assert found.categories["hate"] < 0.1


def test_what_was_not_read_is_told_and_hits_have_a_bound():
    many = [piece(20 * number, injection=0.9) for number in range(100)]
    found = judged(HEADS, many, [(5000, 6000), (7000, 7500)])
    assert [hit.name for hit in found.hits].count("injection") == MOST_HITS
    assert names(found)[-2:] == [("not_scanned", 5000, 6000), ("not_scanned", 7000, 7500)]
    assert found.reason.endswith("; 1500 characters of it were not looked at")


def test_far_from_what_was_learned_it_is_unsure():
    assert judged(HEADS, [piece(0, nearness=0.1)], []).unsure
    assert not judged(HEADS, [piece(0, nearness=0.3)], []).unsure


def test_blanks_alone_are_casual_for_sure():
    found = judged(HEADS, [], [])
    assert (found.level, found.p_level, found.unsure) == (0, (1.0, 0.0, 0.0, 0.0, 0.0), False)
    assert judged(HEADS, [], [(10, 20)]).unsure  # who knows what stands there
