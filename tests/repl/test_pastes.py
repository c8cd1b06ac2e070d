"""Long pastes are short in the input line and whole in the question; control characters never come in."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.repl.pastes import Pastes, clean


@pytest.mark.parametrize(
    ("data", "kept", "gone"),
    [
        ("a\r\nb\rc\n", "a\nb\nc\n", 0),
        ("tab\tstays", "tab\tstays", 0),
        ("nul\0 esc\x1b[31m bel\a del\x7f c1\x9b", "nul esc[31m bel del c1", 5),
        ("half \udcc3 character", "half  character", 1),
        ("größer 日本 👩‍🚀", "größer 日本 👩‍🚀", 0),
        ("", "", 0),
    ],
)
def test_clean(data, kept, gone):
    assert clean(data) == (kept, gone)


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_clean_stays_and_can_be_stored(data):
    kept, _ = clean(data)
    assert clean(kept) == (kept, 0)
    assert kept.encode("utf-8").decode("utf-8") == kept


@pytest.mark.parametrize("data", ["one line", "x" * 2000, "line\n" * 20, "a\n" * 19 + "a", ""])
def test_what_is_short_is_shown(data):
    assert Pastes().shrink(data) == data


@pytest.mark.parametrize(
    ("data", "placeholder"),
    [
        ("x" * 2001, "[pasted 1: 2,001 characters]"),
        ("line\n" * 21, "[pasted 1: 21 lines]"),
        ("a\n" * 1203, "[pasted 1: 1,203 lines]"),
        ("a\n" * 20 + "a", "[pasted 1: 21 lines]"),
    ],
)
def test_what_is_long_has_a_placeholder(data, placeholder):
    pastes = Pastes()
    assert pastes.shrink(data) == placeholder
    assert pastes.expand(f"see {placeholder}!") == f"see {data}!"


def test_pastes_are_told_apart_and_the_same_is_the_same():
    pastes = Pastes()
    first, second = pastes.shrink("a\n" * 30), pastes.shrink("b\n" * 30)
    assert first != second
    assert pastes.shrink("a\n" * 30) == first
    assert pastes.expand(f"{second}|{first}|{second}") == "b\n" * 30 + "|" + "a\n" * 30 + "|" + "b\n" * 30


def test_a_placeholder_that_was_typed_is_text():
    pastes = Pastes()
    typed = "[pasted 1: 30 lines] [pasted 2: 9 characters]"
    assert pastes.expand(typed) == typed
    pastes.shrink("a\n" * 30)
    assert pastes.expand("[pasted 1: 31 lines]") == "[pasted 1: 31 lines]"


def test_a_placeholder_inside_a_paste_is_not_expanded():
    pastes = Pastes()
    inner = pastes.shrink("secret\n" * 30)
    outer = pastes.shrink(f"{inner}\n" * 30)
    assert pastes.expand(outer) == f"{inner}\n" * 30


def test_the_oldest_pastes_are_forgotten_and_that_can_be_known():
    pastes = Pastes(most=150)
    a, b, c = "a\n" * 30, "b\n" * 30, "c\n" * 40
    first, second = pastes.shrink(a), pastes.shrink(b)
    assert pastes.shrink(a) == first  # used again: the newer one now
    third = pastes.shrink(c)
    line = f"{first} {second} {third} [pasted 2: 31 lines] [pasted 9: 21 lines]"
    assert pastes.forgotten(line) == [second]
    assert pastes.expand(f"{first}{second}{third}") == f"{a}{second}{c}"
    again = pastes.shrink(b)
    assert again == "[pasted 4: 30 lines]"  # no name stands for two texts
    assert pastes.expand(again) == b
    assert pastes.forgotten(line) == [first, second]
    larger = "x" * 9999
    assert pastes.expand(pastes.shrink(larger)) == larger


def test_memory_is_bounded():
    pastes = Pastes(most=1 << 20)
    tracemalloc.start()
    try:
        for number in range(200):
            pastes.shrink(f"{number:09}" * 10_000)
        assert tracemalloc.get_traced_memory()[0] < 2 << 20
    finally:
        tracemalloc.stop()


def test_a_megabyte_takes_no_time():
    data = "word \x1b[0m größer\r\n" * 60_000
    started = time.perf_counter()
    pastes = Pastes()
    text, gone = clean(data)
    placeholder = pastes.shrink(text)
    assert pastes.expand(placeholder) == text
    assert gone == 60_000
    assert time.perf_counter() - started < 2  # about 0.05 on a machine that does nothing else
