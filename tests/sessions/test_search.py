"""Searching: words, odd input, and an index that follows every change."""

import pytest

from ockit.sessions.search import expression
from stored_chats import answer, chat, check_sound


def texts(store, query, **options):
    return [hit.snippet for hit in store.search(query, **options)]


def test_words_and_beginnings(store):
    session, asked, reply = chat(store, "How long is the Rhine river?", "The Rhine is 1,233 km long.")
    hits = store.search("rhine LONG")
    assert {hit.message_id for hit in hits} == {asked, reply}
    assert {hit.session_id for hit in hits} == {session}
    assert {hit.title for hit in hits} == {"How long is the Rhine river?"}
    assert texts(store, "riv") == ["How long is the Rhine [river]?"]
    assert texts(store, "riv long") == []  # only the last word may be a beginning
    assert store.search("rhine danube") == ()
    assert len(store.search("rhine", limit=1)) == 1


def test_diacritics_and_case(store):
    chat(store, "Où est le CAFÉ de Göteborg?", "e\u0301te\u0301")
    assert texts(store, "cafe goteborg") == ["Où est le [CAFÉ] de [Göteborg]?"]
    assert texts(store, "été") == ["[e\u0301te\u0301]"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("AND", True),
        ("AND OR NEAR *", True),
        ("NOT this", True),
        ('"quoted', True),
        ('say "quoted"', True),
        ("text:this", False),
        ("this-AND-or", False),
        ("^this", True),
        ("NEAR(this, 3)", False),
        ("{this}", True),
        ("C++", True),
        ("' OR 1=1 --", False),
        ("this\0and", True),
        ("\0", False),
        ("", False),
        (" \n\t ", False),
        ('"', True),
        ('""', False),
        ("*", True),
        ("(", False),
        ("\N{GRINNING FACE}", True),
        ("\N{GRINNING FACE} this", True),
        ("\N{GRINNING FACE}\N{GHOST}", False),
        ("你好", True),
        ("好", True),
        ("%", False),
        ("_", False),
        ("\udcff", False),
        ("this " * 5000, True),
        ("x" * 100_000, False),
        ("\\", False),
    ],
)
def test_any_query_is_text(store, query, found):
    chat(store, 'Not this AND that OR near: say "quoted" * text C++ \N{GRINNING FACE} 你好 3', "this\0and")
    assert bool(store.search(query)) is found, expression(query)
    check_sound(store.path)


def test_signs_are_found_as_they_stand(store):
    chat(store, "a" * 100 + " \N{GHOST}=>\N{GHOST} " + "b" * 100, "none")
    (snippet,) = texts(store, "\N{GHOST}=>")
    assert "[\N{GHOST}=>]" in snippet
    assert snippet[0] == snippet[-1] == "…"


def test_the_index_follows_every_change(store):
    session, asked, reply = chat(store, "alpha", "beta")
    assert store.search("beta")
    store.save_so_far(reply, text="gamma", token_ids=[])
    assert not store.search("beta")
    assert store.search("gamma")
    store.save_so_far(reply, text="gamma delta", token_ids=[])
    second = answer(store, session, asked, "gamma epsilon")
    assert {hit.message_id for hit in store.search("gamma")} == {reply, second}
    store.rate(reply, 1)
    other, _, _ = chat(store, "alpha zeta", "eta")
    store.remove(session)
    assert [hit.session_id for hit in store.search("alpha")] == [other]
    assert not store.search("gamma")
    check_sound(store.path)
