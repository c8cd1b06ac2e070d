"""Runs that say nothing are cut down, and every place leads back to the original."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ockit.moderation.classifier.batch import Batch
from ockit.moderation.classifier.collapsing import KEPT, MOST_SECTIONS, SHORTEST, collapsed, place, sections
from ockit.moderation.classifier.pieces import stretches

REQUEST = "How do I bake bread?"


@pytest.mark.parametrize("junk", ["====####", "0123456789", "7 ", "a", " ", "─", "1,2;\n", "日"])
def test_runs_that_say_nothing_become_their_ends(junk):
    run = (junk * SHORTEST)[: 2 * SHORTEST]
    short = collapsed(f"{run}\n{REQUEST}\n{run}")
    assert len(short.text) <= 4 * KEPT + len(REQUEST) + 4
    assert REQUEST in short.text
    assert short.text.startswith(run[:KEPT])


@pytest.mark.parametrize(
    "text", ["=" * (SHORTEST - 1), "All is well here. " * 500, "x=1;" * 900, "\U000e0061\U000e0062" * 2000]
)
def test_short_texts_words_and_signs_that_may_be_letters_stay(text):
    assert collapsed(text).text == text


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["=", "12", "word ", "é", "\n", "日"]), st.integers(1, 300)), max_size=12
    )
)
def test_every_place_leads_back(parts):
    text = "words " * 400 + "".join(sign * count for sign, count in parts)
    short = collapsed(text)
    origins = [place(short.breaks, at, at + 1) for at in range(len(short.text))]
    assert [text[start:end] for start, end in origins] == list(short.text)
    assert all(end == start + 1 for start, end in origins)
    assert place(short.breaks, 0, len(short.text)) == (0, len(text))


def test_what_stands_between_runs_is_a_section_but_not_the_rows_of_a_table():
    text = f"{'=' * 3000}{REQUEST}{'1' * 3000}And tea?"
    short = collapsed(text)
    found = [short.text[start:end] for start, end in sections(short.text)]
    assert found == [REQUEST, "And tea?"]
    table = collapsed(f"a row{'-' * 200}" * (MOST_SECTIONS + 1))
    assert sections(table.text) == []
    assert sections(REQUEST) == []


def test_pieces_have_their_places_in_the_original():
    text = f"{'=' * 40_000}\n{REQUEST}\n{'#' * 40_000}"
    short = collapsed(text)
    batch = Batch(lambda part: [1, *range(len(part.split())), 2], 200)
    coded = batch.add(stretches(short.text), len(short.text), False, short.breaks)
    assert coded.unread == []
    places = {text[piece.start : piece.end].strip("=#\n") for piece, _ in coded.pieces}
    assert places == {REQUEST}
    assert (min(p.start for p, _ in coded.pieces), max(p.end for p, _ in coded.pieces)) == (0, len(text))
