"""The arithmetic of `ockit indexes eval`: against brute force, and on questions that are none."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.errors import NotFound, UsageError
from ockit.index.evaluation import Gold, Question, measure, ranks, read_questions
from ockit.messages import Passage


def passage(path: str, start: int | None, end: int | None) -> Passage:
    return Passage(path, start, end, None, "", "some\ntext", 0.5)


lines = st.tuples(st.integers(1, 30), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))
paths = st.sampled_from(["a", "b", "c"])
golds = st.lists(st.builds(lambda path, span: Gold(path, *span), paths, lines), min_size=1, max_size=4)
found = st.lists(st.builds(lambda path, span: passage(path, *span), paths, lines), max_size=12)
asked = st.lists(st.tuples(golds, found), min_size=1, max_size=5)
depths = st.lists(st.integers(1, 15), min_size=1, max_size=4, unique=True)


def is_found(span: Gold, passages: list[Passage]) -> bool:
    """By the definition alone: line by line."""
    wanted = range(span.start_line, span.end_line + 1)
    covered = [
        n for n in wanted if any(p.path == span.path and p.start_line <= n <= p.end_line for p in passages)
    ]
    return Fraction(len(covered), len(wanted)) >= Fraction(1, 2)


@given(asked, depths)
def test_the_figures_are_those_of_brute_force(cases, ks):
    questions = [Question(str(number), tuple(gold)) for number, (gold, _) in enumerate(cases)]
    measured = measure(questions, lambda query, k: cases[int(query)][1][:k], ks)
    for k in ks:
        shares = [
            Fraction(sum(is_found(span, passages[:k]) for span in gold), len(gold))
            for gold, passages in cases
        ]
        assert measured.recall[k] == pytest.approx(float(sum(shares) / len(shares)))
        read = [sum(p.end_line - p.start_line + 1 for p in passages[:k]) for _, passages in cases]
        assert measured.lines[k] == pytest.approx(sum(read) / len(read))
    reciprocal = []
    for gold, passages in cases:
        first = next(
            (r for r in range(1, max(ks) + 1) if any(is_found(span, passages[:r]) for span in gold)), None
        )
        reciprocal.append(Fraction(1, first) if first else Fraction(0))
    assert measured.mrr == pytest.approx(float(sum(reciprocal) / len(reciprocal)))


def test_two_passages_find_a_span_together_and_overlaps_count_once():
    span = Gold("a", 1, 10)
    assert ranks(
        [span], [passage("a", 1, 4), passage("a", 2, 4), passage("b", 5, 9), passage("a", 10, 20)]
    ) == [4]
    assert ranks([span], [passage("a", 1, 4), passage("a", 1, 4)]) == [None]
    assert ranks([span], [passage("./a", 6, 10)]) == [1]


def test_a_span_without_lines_is_found_with_its_document():
    assert ranks(
        [Gold("a.pdf", None, None)], [passage("b.pdf", None, None), passage("a.pdf", None, None)]
    ) == [2]
    assert ranks([Gold("a.pdf", 1, 2)], [passage("a.pdf", None, None)]) == [None]


def test_more_passages_than_were_asked_for_do_not_count():
    question = Question("?", (Gold("a", 1, 2),))
    measured = measure([question], lambda query, k: [passage("b", 1, 1)] * k + [passage("a", 1, 2)], [1, 3])
    assert measured.recall == {1: 0.0, 3: 0.0}
    assert measured.mrr == 0.0


def test_progress_is_told():
    told: list[int] = []
    measure([Question("?", (Gold("a", 1, 2),))] * 3, lambda query, k: [], [5], told.append)
    assert told == [1, 2, 3]


def test_questions_are_read(tmp_path):
    file = tmp_path / "questions.jsonl"
    gold = {"path": "a.md", "start_line": 3, "end_line": 9}
    file.write_text(json.dumps({"query": "?", "gold": [gold, {"path": "b.pdf"}], "id": 7}) + "\n\n")
    assert read_questions(file) == [Question("?", (Gold("a.md", 3, 9), Gold("b.pdf", None, None)))]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no question"),
        ("[" * 100_000, "nested too deeply"),
        ("[1]", "not an object"),
        ('{"gold": []}', "'query'"),
        ('{"query": " ", "gold": [{"path": "a"}]}', "'query'"),
        ('{"query": "q"}', "'gold'"),
        ('{"query": "q", "gold": []}', "'gold'"),
        ('{"query": "q", "gold": [3]}', "'path'"),
        ('{"query": "q", "gold": [{"path": "a", "start_line": 0, "end_line": 3}]}', "is 0"),
        ('{"query": "q", "gold": [{"path": "a", "start_line": true, "end_line": 3}]}', "is True"),
        ('{"query": "q", "gold": [{"path": "a", "start_line": 4}]}', "is None"),
        ('{"query": "q", "gold": [{"path": "a", "start_line": 4, "end_line": 3}]}', "from line 4 to line 3"),
        ('{"query": "q", "gold": [{"path": "a", "start_line": 1, "end_line": 2000000000}]}', "from line 1"),
        ('{"query": "' + "q" * (1 << 20) + '"}', "longer than 1 MiB"),
        ("\ufffd\x00", "no question"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, said):
    file = tmp_path / "questions.jsonl"
    good = '{"query": "q", "gold": [{"path": "a"}]}\n'
    file.write_text(good + line + "\n" + good)
    with pytest.raises(UsageError, match=said) as caught:
        read_questions(file)
    assert caught.value.where == f"{file}:2"


def test_a_file_without_questions(tmp_path):
    file = tmp_path / "questions.jsonl"
    file.write_text("\n \n")
    with pytest.raises(UsageError, match="no question in the file"):
        read_questions(file)
    with pytest.raises(NotFound):
        read_questions(tmp_path / "none.jsonl")
