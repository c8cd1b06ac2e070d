"""Nothing that could steer a terminal or deceive a reader gets through; what scripts and emoji need does."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ground.hostile import COMBINED, HOSTILE, unsafe
from ockit import text
from ockit.text import StreamSanitizer, one_line, sanitize, sanitize_styled, shorten, width, without_styles

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
WHOLE = {
    "plain": "Hello, world!\n\tTabs and lines stay.\n",
    "accents": "Zoë naïve Ångström e\u0301 ½ €",
    "scripts": "Привет שלום مرحبا नमस्ते 你好 こんにちは 안녕하세요 ไทย ქართული አማርኛ",
    "family": FAMILY,
    "skin and profession": "\U0001f469\U0001f3fd\u200d\U0001f680",
    "heart on fire": "\u2764\ufe0f\u200d\U0001f525",
    "rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "text heart": "\u2764\ufe0e",
    "keycap": "1\ufe0f\u20e3 #\ufe0f\u20e3 *\ufe0f\u20e3",
    "country": "\U0001f1e9\U0001f1ea",
    "England": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "Texas": "\U0001f3f4\U000e0075\U000e0073\U000e0074\U000e0078\U000e007f!",
    "emoji of a coming version": "\U0001faea",
    "Persian": "می\u200cخواهم کتاب\u200cها",
    "Persian abbreviation": "سال ۱۳۹۸ ه\u200d.ش",
    "Hindi half form": "क्\u200dष and क्\u200cष",
    "Bengali ya-phala": "র\u200d্য",
    "Malayalam chillu": "അവന്\u200d പോയി",
    "Sinhala": "ශ්\u200dරී",
    "Kannada": "ರ್\u200cಕ",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ\u180eᠠ ᠠ\u180b",
    "Japanese name": "葛\U000e0100城",
    "slashed zero": "0\ufe00",
    "number sign": "\u0600\u0661",
    "boxes and blocks": "┌──┐ ▒ ⠿ → ∑ ♞",
    "spaces": "a\u00a0b\u2009c\u3000d",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_shown_not_obeyed(name):
    hostile = HOSTILE[name]
    shown = sanitize(f"before{hostile}after")
    assert unsafe(shown.replace("\u2764\ufe0f", "")) == []
    assert shown.startswith("before")
    assert shown.endswith("after")


def test_hostile_is_more_than_a_hundred():
    assert len(HOSTILE) >= 130


def test_what_is_taken_out_is_named():
    assert sanitize("a\u202eb\x1b[2J\U000e0041") == "a<U+202E>b<U+001B>[2J<U+E0041>"
    assert sanitize(COMBINED["selector run"]) == "\u2764\ufe0f<U+FE0F><U+FE0F>"
    assert sanitize(COMBINED["joiner run"]) == "\u0645<U+200C><U+200C><U+200C>\u0645"
    assert sanitize(COMBINED["tags behind a flag"]).count("<U+E00") == 7


def test_line_ends():
    assert sanitize("a\r\nb\rc\r\r\nd\r") == "a\nb<U+000D>c<U+000D>\nd<U+000D>"


@pytest.mark.parametrize("name", WHOLE)
def test_what_belongs_stays(name):
    assert sanitize(WHOLE[name]) == WHOLE[name]


@pytest.mark.parametrize(
    "cut",
    [
        "\u200d\U0001f525",
        "\U0001f468\u200d",
        "\U0001f468\u200d a",
        "a\ufe0f",
        "م\u200c ",
        "م\u200cb",
        "\u200c",
        "क\u200c ",
    ],
)
def test_a_joiner_without_its_grapheme_is_shown(cut):
    assert "<U+" in sanitize(cut)


def test_the_one_scan_lets_nothing_through_that_the_rule_stops():
    every = (chr(code) for code in range(sys.maxunicode + 1))
    assert [hex(ord(char)) for char in every if text._PLAIN.match(char) and not text._drawn(char)] == []


def test_every_single_character_is_safe_alone():
    wrong = [hex(code) for code in range(sys.maxunicode + 1) if len(sanitize(chr(code))) == 1 and code not in _SEEN
             and unsafe(chr(code))]  # fmt: skip
    assert wrong == []


# Drawn, though of category C: number signs and marks, and reserved emoji that Python's tables do not know yet.
_SEEN = {ord(char) for char in text._VISIBLE_FORMAT} | {
    code for code in range(0x2190, 0x1FFFE) if text._class(f"[{text._PICTOGRAPH}]").match(chr(code))
}

_PIECES = st.one_of(
    st.sampled_from([*HOSTILE.values(), *WHOLE.values()]),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=4),
    st.sampled_from(
        "\r\n\u200c\u200d\ufe0f\U0001f3f4\U0001f3fd\U000e0067\U000e0062\U000e0065\U000e007f1मمe\u0301"
    ),
)


@given(st.lists(_PIECES, max_size=8).map("".join), st.data())
def test_however_the_text_is_cut_the_output_is_that_of_the_whole(whole, data):
    stream = StreamSanitizer()
    out, position = [], 0
    while position < len(whole):
        size = data.draw(st.integers(1, len(whole) - position))
        out.append(stream.feed(whole[position : position + size]))
        position += size
    out.append(stream.flush())
    assert "".join(out) == sanitize(whole)


@given(st.lists(_PIECES, max_size=8).map("".join))
def test_safe_text_stays_as_it_is(whole):
    assert sanitize(sanitize(whole)) == sanitize(whole)


def test_a_stream_is_as_new_after_flush():
    stream = StreamSanitizer()
    assert stream.feed(FAMILY[:2]) + stream.flush() == "\U0001f468<U+200D>"
    assert stream.feed("\u200d\U0001f469") + stream.flush() == "<U+200D>\U0001f469"


def test_a_stream_holds_back_only_what_is_undecided():
    stream = StreamSanitizer()
    assert stream.feed("done\r") == "done"
    assert stream.feed("\n") == "\n"
    assert stream.feed("\U0001f468") == "\U0001f468"
    assert stream.feed("\u200d") == ""
    assert stream.feed("\U0001f469") == "\u200d\U0001f469"


def test_time_grows_with_the_text_alone():
    # A quadratic walk would take minutes for these.
    start = time.process_time()
    for piece in ("plain text ", "你好，世界", "\u202e", FAMILY, "\U0001f3f4\U000e0067", "م\u200c"):
        sanitize(piece * 20_000)
    assert time.process_time() - start < 20


def test_one_line_shows_line_ends_too():
    assert one_line("a\nb\tc\r\nd\x1be") == "a<U+000A>b<U+0009>c<U+000D><U+000A>d<U+001B>e"


@pytest.mark.parametrize(
    ("shown", "columns"), [("abc", 3), ("你好", 4), ("e\u0301", 1), (FAMILY, 2), ("", 0)]
)
def test_width(shown, columns):
    assert width(shown) == columns


@pytest.mark.parametrize(
    ("whole", "columns", "short"),
    [
        ("hello", 5, "hello"), ("hello", 4, "hel…"), ("hello", 1, "…"), ("hello", 0, ""), ("你好吗", 5, "你好…"),
        ("你好吗", 4, "你…"), (f"{FAMILY}{FAMILY}", 3, f"{FAMILY}…"), ("ne\u0301e\u0301e", 3, "ne\u0301…"),
    ],
)  # fmt: skip
def test_shorten_cuts_between_graphemes(whole, columns, short):
    assert shorten(whole, columns) == short
    assert width(short) <= columns


@pytest.mark.parametrize("name", HOSTILE)
def test_styled_text_keeps_its_styles_and_nothing_else(name):
    styled = f"\x1b[1;38;5;16mbold\x1b[0m {HOSTILE[name]} \x1b[mend"
    safe = sanitize_styled(styled)
    assert safe.startswith("\x1b[1;38;5;16mbold\x1b[0m ")
    assert safe.endswith(" \x1b[mend")
    assert unsafe(without_styles(safe).replace("\u2764\ufe0f", "")) == []


def test_only_the_plain_form_of_a_style_is_one():
    for sequence in (
        "\x1b[31",
        "\x1b[?31m",
        "\x1b[3:1m",
        "\x1b[ 1m",
        "\x1b]1m",
        "\x9b1m",
        "\x1b\x1b[2J",
        "\x1b[1;2Hm",
    ):
        assert "\x1b" not in sanitize_styled(sequence)
    assert sanitize_styled("\x1b\x1b[31m") == "<U+001B>\x1b[31m"
    assert sanitize_styled("a\u202eb") == "a<U+202E>b"
    assert without_styles("\x1b[1ma\x1b[0m\n") == "a\n"
