"""Which parts of a text are scored, and what is said of the rest."""

from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from ockit.moderation.classifier.batch import MOST_TOKENS, Batch
from ockit.moderation.classifier.pieces import MOST, WHOLE, sentences, stretches, windows

WORDY = st.text(st.sampled_from("ab .!?\n日。"), max_size=3000)


def tokens(text: str) -> list[int]:
    """A tokenizer of sixty words at most."""
    return [1, *[sum(map(ord, word)) for word in text.lower().replace("\u200b", "").split()][:58], 2]


def batch_of(text: str, by_sentence: bool = False):
    batch = Batch(tokens, 60)
    return batch, batch.add(stretches(text), len(text), by_sentence)


@settings(deadline=None)
@given(WORDY)
def test_windows_and_sentences_leave_nothing_out(text):
    for cut in (windows, sentences):
        spans = list(cut(text))
        covered = {at for start, end in spans for at in range(start, end)}
        assert all(at in covered for at, sign in enumerate(text) if sign.strip())
        assert all(start < end <= start + WHOLE for start, end in spans)


def test_a_short_text_is_one_piece():
    batch, coded = batch_of("how are you today, my friend?")
    assert [(piece.start, piece.end) for piece, _ in coded.pieces] == [(0, 29)]
    assert len(batch.coded) == 1
    assert not coded.unread


def test_a_text_that_means_another_is_scored_as_both():
    batch, coded = batch_of("how to b u i l d it")
    assert batch.texts == ["how to build it", "how to b u i l d it"]
    assert {(piece.start, piece.end) for piece, _ in coded.pieces} == {(0, 19)}


def test_what_the_encoder_does_not_see_makes_no_second_pass():
    batch, _ = batch_of("how\u200b are you")
    assert batch.texts == ["how are you"]


def test_how_a_text_ends_makes_no_difference():
    bare, _ = batch_of("How do I trap a mouse")
    for end in ("?", ".", "!!", " ?\n", "…"):
        marked, coded = batch_of(f"How do I trap a mouse{end}")
        assert marked.coded == bare.coded
        assert [piece.end for piece, _ in coded.pieces] == [21 + len(end)]
    marks, _ = batch_of("?!")
    assert marks.coded == [tokens("?!")]


def test_what_was_wrapped_is_scored_by_itself_too():
    inside = "how do i build a bird house"
    text = f"decode this and answer: {base64.b64encode(inside.encode()).decode()} thanks"
    batch, coded = batch_of(text)
    assert inside in batch.texts
    (piece,) = [piece for piece, _ in coded.pieces if piece.text == inside]
    assert base64.b64decode(text[piece.start : piece.end]).decode() == inside


def test_sentences_keep_their_places_in_the_original():
    text = "The first one is here. Now s p e l l e d comes the second! And a third, which ends it."
    _, coded = batch_of(text, by_sentence=True)
    found = {text[piece.start : piece.end].strip() for piece, _ in coded.pieces if piece.sentence}
    assert found == {
        "The first one is here.",
        "Now s p e l l e d comes the second!",
        "And a third, which ends it.",
    }


def test_equal_pieces_are_scored_once_even_of_two_texts():
    batch = Batch(tokens, 60)
    first = batch.add(stretches("hello there"), 11, False)
    assert batch.add(stretches("hello there"), 11, False) == first
    assert len(batch.coded) == 1


def test_a_piece_with_more_tokens_than_are_read_is_taken_in_parts():
    text = " ".join("a" * 150)  # 150 words in fewer characters than a window has
    batch, coded = batch_of(text)
    assert all(len(ids) < 60 for ids in batch.coded)
    covered = {at for piece, _ in coded.pieces for at in range(piece.start, piece.end)}
    assert all(at in covered for at, sign in enumerate(text) if sign.strip())


def test_of_a_very_long_text_what_is_left_out_is_known_to_the_character():
    text = "".join(f"word{number:06} " for number in range(100_000))
    batch, coded = batch_of(text)
    assert sum(len(part) for _, part in stretches(text)) <= MOST
    assert batch.tokens <= MOST_TOKENS + 60
    read = {at for piece, _ in coded.pieces for at in range(piece.start, piece.end)}
    unread = {at for start, end in coded.unread for at in range(start, end)}
    assert len(text) == len(read | unread)
    assert not read & unread
    assert {0, len(text) - 1} <= read


def test_a_text_of_blanks_has_no_pieces():
    for text in ("", " \n\t ", " " * 20_000):
        _, coded = batch_of(text)
        assert coded.pieces == []
        assert coded.unread == []


def test_work_has_a_bound_whatever_the_tokens():
    text = " ".join(f"{number % 977}" for number in range(9_000))
    batch, coded = batch_of(text)
    assert batch.tokens <= MOST_TOKENS + 600
    read = {at for piece, _ in coded.pieces for at in range(piece.start, piece.end)}
    unread = {at for start, end in coded.unread for at in range(start, end)}
    assert read | unread >= {at for at, sign in enumerate(text) if sign.strip()}
    assert not read & unread
    assert {0, len(text) - 1} <= read
    assert max(end - start for start, end in coded.unread) < len(text) / 8  # in between, here and there


def test_of_sentences_too_what_was_not_read_is_known():
    text = "".join(f"A sentence with the number {number}. " for number in range(800))[:MOST]
    batch, coded = batch_of(text, by_sentence=True)
    assert batch.tokens <= MOST_TOKENS + 60
    told = {at for start, end in coded.unread for at in range(start, end)}
    for kind in (False, True):
        parts = [piece for piece, _ in coded.pieces if piece.sentence == kind]
        assert told | {at for part in parts for at in range(part.start, part.end)} >= set(range(len(text)))
        assert min(part.start for part in parts) == 0
        assert max(part.end for part in parts) == len(text)


def test_what_stands_first_and_last_in_a_long_text_is_a_piece_of_its_own():
    batch, _ = batch_of(
        "How are you today, friend? " + "And a bird sings here. " * 60 + "And what is your name?"
    )
    assert {"How are you today, friend? ", "And what is your name?"} <= {*batch.texts}


def test_a_window_made_of_much_that_means_nothing_has_a_bound():
    batch, coded = batch_of("a\u200b \u3164 " * 4_000)
    assert batch.tokens <= MOST_TOKENS + 60
    assert all(len(piece.text) <= 2 * WHOLE for piece, _ in coded.pieces)
