"""Decoding: encodings, and lines that are those of an editor."""

from __future__ import annotations

import codecs
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.index.readers.decoding import decode, looks_like_text, text_codec
from ockit.index.readers.registry import document_of

# what `decode` replaces is left out: zero characters, surrogates, and the mark that would vanish at the front
TEXT = st.text(st.characters(exclude_characters="\0\r\ufeff", exclude_categories=["Cs"]))


@given(TEXT, st.sampled_from(["utf-8", "utf-8-sig"]))
def test_utf8_comes_back(text: str, encoding: str):
    decoded = decode(text.encode(encoding))
    assert decoded.text == (text if not text or text.endswith("\n") else f"{text}\n")
    assert decoded.notices == ()


@given(TEXT, st.sampled_from([("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE)]))
def test_utf16_with_a_mark_comes_back(text: str, encoding: tuple[str, bytes]):
    # FF FE 00 00 is the mark of UTF-32: a text that begins with a zero character is not in TEXT
    decoded = decode(encoding[1] + text.encode(encoding[0]))
    assert decoded.text.removesuffix("\n") == text.removesuffix("\n")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_encodings_without_a_mark(encoding: str):
    text = "Über plain words, ☃ and\nlines.\n"
    assert looks_like_text(text.encode(encoding))
    assert decode(text.encode(encoding)).text == text


@given(st.lists(TEXT.map(lambda text: text.replace("\n", "")), min_size=1), st.sampled_from(["\n", "\r\n"]))
def test_the_lines_are_the_files(lines: list[str], end: str):
    """Whatever else a line holds (form feeds, U+2028, U+0085), only its end ends it."""
    data = end.join(lines).encode()
    text = document_of(data, "a.txt").text if looks_like_text(data, generous=True) else decode(data).text
    found = text.split("\n")
    assert found[: len(lines)] == [*lines[:-1], lines[-1]]


def test_mixed_line_ends():
    """As vim and `sed -n` count: where there is a newline, a carriage return alone ends no line."""
    assert decode(b"one\r\ntwo\rtwo\nthree").text == "one\ntwo two\nthree\n"
    assert decode(b"one\rtwo\r").text == "one\ntwo\n"
    assert decode(b"\r\n\r\n").text == "\n\n"
    assert decode(b"").text == ""


def test_older_encodings():
    decoded = decode("Größe: 5 µm – „so“\n".encode("cp1252"))
    assert decoded.text == "Größe: 5 µm – „so“\n"
    assert "windows-1252" in decoded.notices[0]
    assert decode("Привет".encode("koi8-r"), "koi8-r").text == "Привет\n"
    assert decode("é".encode("latin-1"), "zlib_codec").text == "é\n"  # a codec, but none of text
    assert document_of("# coding: koi8-r\n# Привет\n".encode("koi8-r"), "a.py").text.endswith("# Привет\n")


def test_damaged_utf8_stays_utf8():
    decoded = decode("äöü".encode() * 30 + b"\xff!")
    assert decoded.text == "äöü" * 30 + "\ufffd!\n"
    assert decoded.notices == ("1 places that are no UTF-8 were replaced",)


def test_zero_characters_and_surrogates_are_replaced():
    assert decode(b"words and\0 words" * 30).text.count("\ufffd") == 30
    lone = decode(codecs.BOM_UTF16_LE + b"a\x00\x00\xd8b\x00")
    lone.text.encode()
    assert "\ufffd" in lone.text


@pytest.mark.parametrize(
    "encoding", ["punycode", "idna", "unicode_escape", "utf-7", "zlib", "nonsense", "a\0b"]
)
def test_only_encodings_of_text_are_believed(encoding: str):
    """A text of 100,000 letters in punycode takes minutes: the time grows with the square of its length."""
    assert text_codec(encoding) is None
    data = b"\xe9" + b"a" * 300_000 + b"-" + b"9" * 300_000
    started = time.monotonic()
    assert decode(data, encoding).text.startswith("éa")
    assert time.monotonic() - started < 5


def test_encodings_of_text_have_names():
    names = "latin-1 windows-1252 ISO-8859-15 KOI8-R macintosh big5 gbk Shift_JIS euc-kr iso-2022-jp us-ascii UTF-16LE"
    assert None not in {text_codec(name) for name in names.split()}
    assert text_codec("windows-1251") == "cp1251"
