"""Words, stems and questions: what a text is found under."""

from __future__ import annotations

import re
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ockit.index.search.query_words import MOST_TERMS, affordable, match_expression, query_terms
from ockit.index.search.question import question_of
from ockit.index.search.stems import stem
from ockit.index.search.words import index_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("getHTTPServer2", "gethttpserver2 get http server 2"),
        ("snake_case_name", "snakecasename snake case name"),
        ("__init__", "init"),
        ("SIGNALS_PTR x86_64", "signalsptr signals ptr x8664 x 86 64"),
        ("DiffExecutor::new(a)", "diffexecutor diff executor new a"),
        ("Plain words, don't", "plain words don t"),
        ("Ünïcode Straße", "unicode straße"),
        ("日本語", "日本 本語"),
        ("f" * 65, ""),
        ("", ""),
    ],
)
def test_words_of_a_text(text: str, words: str) -> None:
    assert index_words(text) == words


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_words_of_any_text_are_plain_and_stay_the_same(text: str) -> None:
    words = index_words(text)
    assert index_words(text) == words
    assert not re.search(r'["\s*^:+()-]{2,}', words)
    assert '"' not in words


def test_stems_are_those_of_sqlite() -> None:
    beginnings = (
        "hop relat form conflat tr agre fall rol y sy activ vis caress pon happ generaliz oscillat".split()
    )
    endings = (
        "s es ies sses ed ing eed ational tional enci anci izer logi bli alli entli eli ousli ization"
        " ation ator alism iveness  fulness ousness aliti iviti biliti icate ative alize iciti ical ful"
        " ness al ance ence er ic able ible ant ement  ment ent ion tion sion ou ism ate iti ous ive ize"
        " e ll y"
    ).split()
    words = sorted(
        {b + e + f for b in beginnings for e in endings for f in ("", "ing", "ed", "ly")}
        | {"a", "ab", "x" * 70}
    )
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE t USING fts5(x, tokenize='porter unicode61')")
    database.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance')")
    database.executemany("INSERT INTO t(rowid, x) VALUES (?, ?)", enumerate(words, 1))
    found = {words[row - 1]: term for term, row in database.execute("SELECT term, doc FROM v")}
    assert len(found) == len(words) > 3000
    assert {word: stem(word) for word in words} == found


def test_a_question_is_words_whatever_it_says() -> None:
    hostile = 'body:"x" NEAR(a b, 2) AND -not OR * ^start {heading path}: c++ "unclosed'
    expression = match_expression(query_terms(hostile))
    assert re.fullmatch(r'"\w+"( OR "\w+")*', expression)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE t USING fts5(body, heading, path)")
    assert database.execute("SELECT count(*) FROM t WHERE t MATCH ?", (expression,)).fetchone() == (0,)


def test_stop_words_are_left_out_unless_there_is_nothing_else() -> None:
    assert query_terms("What is the harness?") == ["harness"]
    assert query_terms("to be or not to be") == ["to", "be", "or", "not"]
    assert query_terms("?!") == []


def test_a_long_question_has_a_bounded_number_of_words() -> None:
    assert len(query_terms(" ".join(f"word{n}x" for n in range(20_000)))) == MOST_TERMS


def test_frequent_words_are_left_out_where_there_are_rarer_ones() -> None:
    counts = {"common": 90_000, "usual": 6_000, "rare": 12, "seldom": 40}
    assert affordable(["common", "rare", "absent", "seldom", "usual"], counts) == ["rare", "seldom", "usual"]
    assert affordable(["common", "absent"], counts) == ["common"]


def test_how_much_of_a_question_a_text_has() -> None:
    question = question_of(
        "How does DiffExecutor run the target?", {"diff": 5, "executor": 9, "run": 50, "target": 20}, 100
    )
    everything = question.share("impl DiffExecutor { fn run_target() }")
    assert everything == pytest.approx(1.0)
    assert 0 < question.share("an executor runs") < question.share("a diff executor runs") < everything
    assert question.share("nothing of it") == 0


def test_a_slip_weighs_no_more_than_the_other_words() -> None:
    counts = {"harness": 3, "closure": 5}
    question = question_of("the harnes closure harness", counts, 1000)
    assert question.share("harness and closure") == pytest.approx(2 / 3, abs=0.02)
    assert question_of("nothing known", counts, 1000).share("all else") == 0
