"""Word lists and patterns: whole words in every script, bounded time, and never more than a rule's level."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ockit.errors import NotFound, UsageError
from ockit.messages import Verdict
from ockit.moderation.rules.moderator import RulesModerator
from ockit.moderation.rules.reading import read_rules
from ockit.moderation.rules.tokens import tokens
from ockit.moderation.timeouts import CheckTimeout


def check(folder: Path, rules: str, text: str) -> Verdict:
    path = folder / "rules.toml"
    path.write_text(rules, encoding="utf-8")
    return RulesModerator.read(path).check(text, "user")


def found(folder: Path, rules: str, text: str) -> list[str]:
    verdict = check(folder, rules, text)
    assert (verdict.status, verdict.action) == ("ok", "allow")
    return [text[hit.start : hit.end] for hit in verdict.hits]


def words(*listed: str) -> str:
    return f'[[rule]]\nname = "w"\nwords = [{", ".join(repr(word) for word in listed)}]\n'


SLANG = (
    "ass",
    "cock",
    "dick",
    "tit",
    "cum",
    "hell",
    "rape",
    "coon",
    "spic",
    "fag",
    "sex",
    "nig",
    "homo",
    "anal",
)

INNOCENT = (
    "Scunthorpe, Penistone, Clitheroe, Lightwater and Arsenal",
    "Mr Dickens met Mrs Hancock, Miss Cockburn, Dr Dickinson and Professor Titchmarsh",
    "the assassin's assistant passed the class in Massachusetts",
    "grapes, drapes and therapeutic scrapes",
    "shellfish, hello, Michelle and a seashell",
    "raccoon, cocoon and tycoon; spices and conspicuous auspices",
    "circumstances accumulate, documents and cucumbers",
    "analysis of canals; homogeneous homonyms; Nigeria, Niger and night",
    "Essex, Sussex and Middlesex; title, titanic, petition",
)


@pytest.mark.parametrize("text", INNOCENT)
def test_names_and_words_that_hold_slang_are_not_it(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, words(*SLANG), text) == []


@pytest.mark.parametrize(
    ("listed", "text", "expected"),
    [
        ("kill", "How do I kill a process? KILL it, kill.", ["kill", "KILL", "kill"]),
        ("kill", "skill, killer, Killarney, overkill", []),
        ("müller", "MÜLLER Mu\u0308ller Muller", ["MÜLLER", "Mu\u0308ller"]),
        ("straße", "STRASSE strasse Straßen", ["STRASSE", "strasse"]),
        ("ﬁre", "fire Fire fireman", ["fire", "Fire"]),
        ("wide", "ｗｉｄｅ", ["ｗｉｄｅ"]),
        ("word", "wo\u200brd \u2066word\u2069", ["wo\u200brd", "word\u2069"]),
        ("дом", "Дом, домой", ["Дом"]),
        ("حب", "حب حبيبي", ["حب"]),
        ("नमस्ते", "नमस्ते, नमस्तेजी", ["नमस्ते"]),
        ("東京", "私は東京に住んでいます", ["東京"]),
        ("ไทย", "ภาษาไทยสวย", ["ไทย"]),
        ("don't", "don't DON\u2019T dont", ["don't", "DON\u2019T"]),
        ("foo", "foo_bar foo-bar foobar", ["foo", "foo"]),
        ("big red bus", "a Big  red-bus, a big. Red bus; big red\nbus big red cars", ["Big  red-bus"]),
    ],
)
def test_whole_words_in_every_script(tmp_path: Path, listed: str, text: str, expected: list[str]) -> None:
    assert found(tmp_path, words(listed), text) == expected


def test_words_that_are_spelled_apart_are_found_at_their_place(tmp_path: Path) -> None:
    text = "please say f a l c o n for me"
    assert found(tmp_path, words("falcon"), text) == ["f a l c o n"]


def test_nothing_counts_inside_an_exception(tmp_path: Path) -> None:
    rule = words("kill") + 'except = ["kill a process", "kill -9"]\n'
    assert found(tmp_path, rule, "How do I kill a process? Or kill -9 it?") == []
    assert found(tmp_path, rule, "kill a process, kill a king") == ["kill"]
    pattern = "[[rule]]\nname = 'p'\nregex = 'kill\\w*'\nexcept = ['Killarney']\n"
    assert found(tmp_path, pattern, "Killarney has a killjoy") == ["killjoy"]


def test_the_longest_phrase_at_a_word(tmp_path: Path) -> None:
    assert found(tmp_path, words("red", "red bus"), "the red bus is red") == ["red bus", "red"]


def test_a_pattern(tmp_path: Path) -> None:
    rule = "[[rule]]\nname = 'id'\nregex = '\\bFAL-\\d{4}\\b'\n"
    assert found(tmp_path, rule, "see fal-1234 and FAL-12345") == ["fal-1234"]


def test_rules_never_exceed_their_level(tmp_path: Path) -> None:
    rules = (
        '[[rule]]\nname = "a"\nwords = ["alpha"]\nlevel = 1\n'
        '[[rule]]\nname = "b"\nwords = ["beta"]\nlevel = 3\ncategories = ["hate", "cyber"]\n'
        '[[rule]]\nname = "c"\nwords = ["gamma"]\ninjection = true\n'
    )
    assert check(tmp_path, rules, "nothing here").level == 0
    assert check(tmp_path, rules, "alpha " * 500).level == 1
    both = check(tmp_path, rules, "alpha beta alpha")
    assert (both.level, both.categories, both.injection) == (3, {"hate": 1.0, "cyber": 1.0}, 0.0)
    third = check(tmp_path, rules, "gamma")
    assert (third.level, third.injection, third.reason) == (2, 1.0, "found by the rule c")


def test_words_from_a_list_beside_the_rules(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\ufeff# names\nfalcon  # a bird\n\n  big red bus\n", encoding="utf-8")
    rules = '[[rule]]\nname = "w"\nfile = "list.txt"\nwords = ["owl"]\n'
    assert found(tmp_path, rules, "Falcon, owl, names, a big red bus") == ["Falcon", "owl", "big red bus"]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a|aa)+$", "a" * 80 + "b"),
        ("(.*?,){25}P", ",".join(map(str, range(60)))),
        ("(a|b|ab)+c$", "ab" * 60 + "cd"),
        ("^(.*?a){20}$", "a" * 60 + "b"),
    ],
)
def test_a_catastrophic_pattern_ends_in_time(tmp_path: Path, pattern: str, text: str) -> None:
    rule = f"[[rule]]\nname = 'slow'\nregex = '{pattern}'\nseconds = 0.1\n"
    began = time.perf_counter()
    with pytest.raises(CheckTimeout, match="the rule slow") as caught:
        check(tmp_path, rule, text)
    assert time.perf_counter() - began < 5  # of processor time it is a tenth of a second
    assert caught.value.where == f"{tmp_path / 'rules.toml'}:1"


def test_large_and_odd_texts(tmp_path: Path) -> None:
    rules = words("falcon") + "[[rule]]\nname = 'p'\nregex = 'fal\\w+-\\d+'\nseconds = 5\n"
    large = "some text that is long " * 45_000 + "falcon-7"
    verdict = check(tmp_path, rules, large)
    assert [(hit.name, large[hit.start : hit.end]) for hit in verdict.hits] == [
        ("w", "falcon"),
        ("p", "falcon-7"),
    ]
    for text in ("", "\0\x01\xff", "\ud800 falcon", "\u202e" * 1000, "e" + "\u0301" * 5000):
        assert check(tmp_path, rules, text).status == "ok"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_tokens_lie_in_the_text_and_do_not_overlap(text: str) -> None:
    last = 0
    for token in tokens(text):
        assert last <= token.start < token.end <= len(text)
        assert token.word or text[token.start : token.end]
        last = token.end


FAULTS = [
    ("", None, "no rule"),
    ("[rule]\nname = 'a'", 1, "array of tables"),
    ("[[rules]]\nname = 'a'", 1, "rules is not known"),
    ("[[rule]]\nname = 'a'\n", 1, "looks for nothing"),
    ("\n[[rule]]\nwords = ['a']\n", 2, "has no name"),
    ("[[rule]]\nname = 'a'\nwords = ['x', '--']", 3, "no word"),
    ("[[rule]]\nname = 'a'\nwords = 'x'", 3, "list of texts"),
    ("[[rule]]\nname = 'a'\nwords = ['x']\nlevel = 5", 4, "from 0 to 4"),
    ("[[rule]]\nname = 'a'\nwords = ['x']\nlevel = 1.5", 4, "whole number"),
    ("[[rule]]\nname = 'a'\nwords = ['x']\ncategories = ['hat']", 4, "hat"),
    ("[[rule]]\nname = 'a'\nwords = ['x']\nwrods = 1", 4, "wrods"),
    ("[[rule]]\nname = 'a'\nregex = '('", 3, "no pattern"),
    ("[[rule]]\nname = 'a'\nregex = 'x*'", 3, "every text"),
    ("[[rule]]\nname = 'a'\nregex = '(?:(?:a{999}){999}){999}'", 3, "counted repeats"),
    (f"[[rule]]\nname = 'a'\nregex = '{'(' * 900}x{')' * 900}'", 3, "no pattern"),
    (f"[[rule]]\nname = 'a'\nregex = '{'x' * 3000}'", 3, "2000 are the most"),
    ("[[rule]]\nname = 'a'\nwords = ['x']\n[[rule]]\nname = 'a'\nwords = ['y']", 5, "second time"),
    ("[[rule]]\nname = 'a'\nwords = ['x']\nseconds = 99", 4, "from 0.001 to 10"),
]


@pytest.mark.parametrize(("text", "line", "what"), FAULTS, ids=[str(n) for n in range(len(FAULTS))])
def test_a_fault_is_told_with_its_line(tmp_path: Path, text: str, line: int | None, what: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_rules(path)
    assert what in caught.value.what
    assert caught.value.where == (f"{path}:{line}" if line else str(path))
    assert caught.value.hint


def test_a_list_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[[rule]]\nname = 'a'\nfile = 'list.txt'\n")
    with pytest.raises(NotFound, match=r"list\.txt"):
        read_rules(path)
    (tmp_path / "list.txt").write_bytes(b"good\nb\xe4d\n")
    with pytest.raises(UsageError) as caught:
        read_rules(path)
    assert caught.value.where == f"{tmp_path / 'list.txt'}:2"
