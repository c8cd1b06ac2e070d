"""The stop matcher, on any text, any stop strings and any division into pieces."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from ockit.engines.stops import StopMatcher

LETTERS = st.text(alphabet="ab<|é👍\n", max_size=30)
STOPS = st.lists(st.text(alphabet="ab<|é👍\n", min_size=1, max_size=5), max_size=4)
CUTS = st.lists(st.integers(0, 120), max_size=40)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[start:end] for start, end in pairwise(places)]


def upto_stop(text: str, stops: list[str]) -> tuple[str, bool]:
    found = [place for place in map(text.find, stops) if place >= 0]
    return (text[: min(found)], True) if found else (text, False)


@given(LETTERS, STOPS, CUTS)
@example("a<|im_end|>b", ["<|im_end|>"], list(range(12)))
@example("aab", ["aab", "ab"], [1, 2])
@example("abab", ["bab", "ab"], [1, 2, 3])
@example("👍👍", ["👍"], [1, 2, 3, 5])
def test_the_text_up_to_the_first_stop_string(text: str, stops: list[str], cuts: list[int]) -> None:
    """However the bytes come, also cut inside a character; and nothing that was given is taken back."""
    matcher = StopMatcher(stops)
    wanted, stopped = upto_stop(text, stops)
    given_out = ""
    for piece in pieces(text.encode(), cuts):
        given_out += matcher.feed(piece)
        assert wanted.startswith(given_out)
    given_out += matcher.flush()
    assert given_out == wanted
    assert matcher.stopped == stopped


@given(LETTERS, STOPS, CUTS)
def test_exactly_what_could_still_become_a_stop_string_waits(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    matcher = StopMatcher(stops)
    fed, given_out = b"", ""
    beginnings = {stop[:length] for stop in stops for length in range(1, len(stop))}
    for piece in pieces(text.encode(), cuts):
        fed += piece
        given_out += matcher.feed(piece)
        if matcher.stopped:
            break
        known = fed.decode("utf-8", "ignore")
        waiting = max((len(start) for start in beginnings if known.endswith(start)), default=0)
        assert given_out == known[: len(known) - waiting]


@given(LETTERS, CUTS)
def test_without_stop_strings_nothing_but_half_a_character_waits(text: str, cuts: list[int]) -> None:
    matcher = StopMatcher([])
    fed, given_out = b"", ""
    for piece in pieces(text.encode(), cuts):
        fed += piece
        given_out += matcher.feed(piece)
        assert given_out == fed.decode("utf-8", "ignore")
    assert given_out + matcher.flush() == text


@given(st.binary(max_size=40), CUTS)
def test_bytes_that_are_no_text_become_replacement_characters(data: bytes, cuts: list[int]) -> None:
    matcher = StopMatcher(["never there"])
    out = "".join(matcher.feed(piece) for piece in pieces(data, cuts)) + matcher.flush()
    assert out == data.decode("utf-8", "replace")


def test_what_follows_a_stop_string_is_dropped() -> None:
    matcher = StopMatcher(["END"])
    assert [matcher.feed(piece) for piece in (b"a E", b"N", b"D and more", b" of it")] == ["a ", "", "", ""]
    assert matcher.stopped
    assert matcher.flush() == ""


def test_what_only_looked_like_a_stop_string_is_given_at_the_end() -> None:
    matcher = StopMatcher(["END"])
    assert matcher.feed(b"the EN") == "the "
    assert matcher.flush() == "EN"
    assert not matcher.stopped


def test_half_a_character_at_the_end_is_replaced_and_can_be_the_stop() -> None:
    matcher = StopMatcher(["�"])
    assert matcher.feed("a👍".encode()[:3]) == "a"
    assert matcher.flush() == ""
    assert matcher.stopped


def test_an_emoji_split_over_pieces_comes_whole() -> None:
    matcher = StopMatcher(["stop"])
    data = "👩‍🚀".encode()
    shown = [matcher.feed(data[i : i + 1]) for i in range(len(data))]
    assert [text for text in shown if text] == ["👩", "\u200d", "🚀"]
