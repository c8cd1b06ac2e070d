"""What the store saves and gives back."""

import math
import os
import sqlite3
import stat
import threading
from dataclasses import asdict, replace

import pytest

from ockit.errors import NotFound, StoreError, UsageError
from ockit.events import Moderated
from ockit.messages import Conversation, Message, Sampling, Timings, Usage
from ockit.sessions.records import Moderation
from ockit.sessions.store import Store
from stored_chats import PASSAGE, VERDICT, answer, chat, check_sound


def test_a_read_makes_no_file(store):
    assert store.list() == ()
    assert store.search("x") == ()
    assert store.messages("x") == ()
    assert store.children("x") == ()
    with pytest.raises(NotFound):
        store.get("last")
    with pytest.raises(NotFound):
        store.path_to("x")
    with pytest.raises(NotFound):
        store.conversation("x")
    assert not store.path.parent.exists()


def test_a_chat_without_a_message_is_not_saved(store):
    session = store.start(model="tiny", system="Be brief.")
    assert not store.path.exists()
    store.set_system(session, "Be long.")
    assert store.conversation(session) == Conversation((Message("system", "Be long."),))
    store.add_user(session, "Hello", parent=None)
    assert [found.id for found in store.list()] == [session]
    assert store.get(session).system == "Be long."


def test_an_answer_begins_with_its_sources(store):
    session = store.start(model="tiny")
    asked = store.add_user(session, "Which river?", parent=None)
    reply = store.begin_answer(session, asked, model="tiny", sampling={}, sources=[PASSAGE])
    [_, saved] = store.messages(session)
    assert (saved.id, saved.state, saved.sources) == (reply, "partial", (PASSAGE,))
    store.finish(reply, text="The Rhine.", token_ids=None, state="complete", finish_reason="stop")
    assert store.path_to(reply)[-1].sources == (PASSAGE,)


def test_files_belong_to_their_owner_alone(store):
    chat(store)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_everything_of_a_turn_comes_back(store):
    session, asked, reply = chat(store)
    store.add_sources(
        reply, [PASSAGE, replace(PASSAGE, page=2, start_line=None, end_line=None, score=math.nan)]
    )
    store.add_verdict(reply, "assistant", VERDICT)
    store.rate(reply, 1)
    question, found = store.messages(session)
    assert (question.id, question.role, question.text, question.state) == (
        asked,
        "user",
        "Which river is long?",
        "complete",
    )
    assert question.token_ids is question.usage is question.timings is question.sampling is None
    assert (found.id, found.parent_id, found.session_id, found.role) == (reply, asked, session, "assistant")
    assert (found.text, found.state, found.finish_reason, found.model) == (
        "The Rhine.",
        "complete",
        "stop",
        "tiny",
    )
    assert found.token_ids == (1, 2**32 - 1, 0)
    assert found.usage == Usage(10, 4, 3)
    assert found.timings == Timings(0.1, 0.2, 0.3, 0.4)
    assert found.sampling == {**asdict(Sampling(seed=7)), "stop": [], "logit_bias": []}
    assert (found.seed, found.rating) == (7, 1)
    assert found.sources[0] == PASSAGE
    assert (PASSAGE.file, PASSAGE.index) == ("/rivers/notes.md", "rivers")
    assert math.isnan(found.sources[1].score)
    assert found.verdicts == (Moderated(VERDICT, "assistant"),)
    store.rate(reply, 0)
    assert store.messages(session)[1].rating is None
    with pytest.raises(UsageError, match="rating is 5"):
        store.rate(reply, 5)


def test_a_session_comes_back(store):
    session = store.start(
        model="tiny", template="chatml", title="Mine", metadata={"via": "ask", "n": [1, "\ud800"]}
    )
    store.add_user(session, "Hello", parent=None, metadata={"files": ["a"]})
    found = Store(store.path).get(session)
    assert (found.title, found.model, found.template, found.system, found.n_messages) == (
        "Mine",
        "tiny",
        "chatml",
        None,
        1,
    )
    assert found.metadata == {"via": "ask", "n": [1, "\ud800"]}
    assert store.messages(session)[0].metadata == {"files": ["a"]}


def test_branches(store):
    session, asked, first = chat(store)
    second = answer(store, session, asked, "The Elbe.")
    more = store.add_user(session, "Longer?", parent=first)
    other = store.add_user(session, "A new beginning", parent=None)
    assert [message.id for message in store.children(asked)] == [first, second]
    assert [message.id for message in store.path_to(more)] == [asked, first, more]
    assert [message.id for message in store.messages(session)] == [asked, first, second, more, other]
    assert store.get(session).head == other
    store.set_head(session, second)
    assert [m.text for m in store.conversation(session).turns] == ["Which river is long?", "The Elbe."]
    assert [m.text for m in store.conversation(session, more).turns][-1] == "Longer?"
    store.set_head(session, None)
    assert store.conversation(session) == Conversation((Message("system", "Be brief."),))


def test_a_message_needs_its_session_and_parent(store):
    session, _asked, _reply = chat(store)
    elsewhere, _, foreign = chat(store)
    with pytest.raises(NotFound, match="no session 'nowhere'"):
        store.add_user("nowhere", "x", parent=None)
    for parent in ("nothing", foreign):
        with pytest.raises(NotFound, match="no message"):
            store.add_user(session, "x", parent=parent)
        with pytest.raises(NotFound, match="no message"):
            store.set_head(session, parent)
    with pytest.raises(NotFound):
        store.add_sources("nothing", [PASSAGE])
    with pytest.raises(NotFound):
        store.add_verdict("nothing", "user", VERDICT)
    with pytest.raises(NotFound):
        store.set_head("nowhere", None)
    with pytest.raises(NotFound):
        store.set_system("nowhere", None)
    assert len(store.messages(session)) == len(store.messages(elsewhere)) == 2


def test_conversation_gives_the_ids_of_one_model(store):
    session, _asked, _reply = chat(store)
    found = store.conversation(session)
    assert found.system == "Be brief."
    assert found.turns == (
        Message("user", "Which river is long?"),
        Message("assistant", "The Rhine.", (1, 2**32 - 1, 0)),
    )
    assert store.conversation(session, model="tiny") == found
    assert store.conversation(session, model="other").turns[1] == Message("assistant", "The Rhine.")


def test_conversation_leaves_out_answers_without_text(store):
    session, asked, _ = chat(store)
    empty = answer(store, session, asked, "", state="failed", finish_reason="error", error="the worker died")
    store.add_user(session, "Again?", parent=empty)
    assert [m.text for m in store.conversation(session).turns] == ["Which river is long?", "Again?"]
    assert store.messages(session)[2].error == "the worker died"


@pytest.mark.parametrize("ids", [None, (), []])
def test_ids_that_do_not_fit_the_text_are_left_out(store, ids):
    session, asked, _ = chat(store)
    reply = answer(store, session, asked, "Stopped early", token_ids=ids)
    assert store.messages(session)[-1].token_ids is None
    assert store.conversation(session, reply).turns[-1] == Message("assistant", "Stopped early")


def test_an_answer_is_saved_while_it_streams(store):
    session = store.start(model="tiny")
    asked = store.add_user(session, "Hello", parent=None)
    reply = store.begin_answer(session, asked, model="tiny", sampling={})
    seen = Store(store.path)
    for text in ("", "He", "Hello th"):
        store.save_so_far(reply, text=text, token_ids=range(len(text)))
        found = seen.messages(session)[1]
        assert (found.state, found.text) == ("partial", text)
        assert found.token_ids == (tuple(range(len(text))) or None)
        assert found.message == Message("assistant", text)  # whether the ids fit, its end will tell
    store.finish(reply, text="Hello there", token_ids=[1], state="interrupted", finish_reason="interrupted")
    assert (seen.messages(session)[1].state, seen.messages(session)[1].usage) == ("interrupted", None)


def test_a_session_removed_while_it_is_answered(store):
    session = store.start(model="tiny")
    asked = store.add_user(session, "Hello", parent=None)
    reply = store.begin_answer(session, asked, model="tiny", sampling={})
    Store(store.path).remove(session)
    with pytest.raises(StoreError, match="no longer in the chat store"):
        store.save_so_far(reply, text="x", token_ids=[])


def test_a_file_removed_or_replaced_while_it_is_open(store, tmp_path):
    session, _, _ = chat(store)
    os.rename(store.path, tmp_path / "moved.db")
    assert store.list() == ()
    with pytest.raises(NotFound):
        store.add_user(session, "Still there?", parent=None)
    again, _, _ = chat(store)
    assert [found.id for found in Store(store.path).list()] == [again]


def test_what_moderation_made_of_a_turn_is_saved_in_the_turns_own_steps(store):
    session = store.start(model="tiny")
    asked = store.add_user(session, "Which?", parent=None, metadata={"typed": "Which?"})
    found = Moderation(
        (Moderated(VERDICT, "user"), Moderated(VERDICT, "retrieved")), {"typed": "Which?", "caution": "Mind."}
    )
    reply = store.begin_answer(session, asked, model="tiny", sampling={}, asked=found)
    passed = replace(VERDICT, action="note")
    store.finish(
        reply,
        text="That.",
        token_ids=None,
        state="complete",
        finish_reason="stop",
        verdicts=[Moderated(passed, "assistant")],
    )
    question, answer_ = store.messages(session)
    assert question.verdicts == found.verdicts
    assert question.metadata == {"typed": "Which?", "caution": "Mind."}
    assert answer_.verdicts == (Moderated(passed, "assistant"),)
    again = store.add_user(session, "And?", parent=reply, verdicts=[Moderated(VERDICT, "user")])
    assert store.messages(session)[2].verdicts == (Moderated(VERDICT, "user"),)
    store.moderated(again, Moderation((Moderated(passed, "user"),)))
    assert [each.verdict.action for each in store.messages(session)[2].verdicts] == ["caution", "note"]
    check_sound(store.path)


def test_remove_takes_all_of_it_and_only_it(store):
    session, _asked, reply = chat(store, reply="zanzibar")
    store.add_sources(reply, [PASSAGE])
    store.add_verdict(reply, "assistant", VERDICT)
    kept, _, _ = chat(store, question="What is kept?")
    store.remove(session)
    assert [found.id for found in store.list()] == [kept]
    assert store.messages(session) == ()
    assert store.search("zanzibar") == ()
    store.close()
    assert b"zanzibar" not in store.path.read_bytes()
    check_sound(store.path)
    with pytest.raises(NotFound):
        store.remove(session)


def test_a_chat_longer_than_sqlites_trigger_depth_is_removed(store):
    session, parent = store.start(model="tiny"), None
    insert = "INSERT INTO messages(id, session_id, parent_id, role, text, state, created_at, updated_at)"
    parent = store.add_user(session, "first", parent=None)

    def work(connection):
        for number in range(1500):
            before = parent if number == 0 else f"m{number - 1}"
            connection.execute(
                f"{insert} VALUES (?, ?, ?, 'user', 'more', 'complete', 1, 1)",
                (f"m{number}", session, before),
            )

    store._database.write(work)
    assert len(store.path_to("m1499")) == 1501
    store.remove(session)
    check_sound(store.path)
    assert store.list() == ()


def test_ids_may_be_shortened(store, monkeypatch):
    first, _, _ = chat(store)
    second, _, _ = chat(store)
    length = next(n for n in range(17) if first[:n] != second[:n])
    assert (
        store.get(first).id
        == store.get(first[:length]).id
        == store.get(f" {first[:length].upper()} ").id
        == first
    )
    assert store.get("last").id == second
    store.set_head(first, None)
    assert store.get("LAST").id == first
    with pytest.raises(NotFound, match="several session ids") as several:
        store.get(first[: length - 1])
    assert first in several.value.what
    with pytest.raises(NotFound) as wrong:
        store.get(f"{first[:-2]}zz")
    assert first in wrong.value.hint
    for odd in ("", "%", "_", "'", "\0", "\ud800", "x" * 10_000, "*"):
        with pytest.raises(NotFound):
            store.get(odd)


def test_list_gives_the_latest_first(store):
    ids = [chat(store)[0] for _ in range(5)]
    assert [found.id for found in store.list()] == ids[::-1]
    assert [found.id for found in store.list(2)] == ids[:2:-1]
    assert len(store.list(None)) == 5
    assert sorted(ids) == ids


@pytest.mark.parametrize(
    "text", ["", "a\0b", "\ud83d\ude00 \udcff", "\u202e\x1b[31m", "e\u0301" * 5000, "\r\n\t"]
)
def test_any_text_is_saved(store, text):
    session, _asked, _reply = chat(store, question=text, reply=text, system=text, title=text, model=text)
    expected = text.replace("\ud83d\ude00", "\U0001f600").replace("\udcff", "\ufffd")
    assert [message.text for message in store.messages(session)] == [expected, expected]
    assert store.get(session).system == expected
    check_sound(store.path)


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Hello", "Hello"),
        ("\n  \n  What   is\tthis?  \nmore", "What is this?"),
        ("", None),
        (" \n\t", None),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("word " * 12 + "more", "word " * 11 + "word…"),
        ("a" * 50 + " " + "b" * 50, "a" * 50 + "…"),
        ("ä" * 58 + " bcd", "ä" * 58 + "…"),
    ],
)
def test_a_session_is_named_by_its_first_question(store, question, title):
    session, _, _ = chat(store, question=question)
    assert store.get(session).title == title
    assert title is None or len(title) <= 60


def test_a_later_question_does_not_rename(store):
    session, _, reply = chat(store)
    store.add_user(session, "Another thing", parent=reply)
    assert store.get(session).title == "Which river is long?"


def test_threads_share_a_store(store):
    session, asked, _ = chat(store)
    failed = []

    def write(number):
        try:
            for turn in range(10):
                store.add_user(session, f"{number} {turn}", parent=asked)
        except (StoreError, sqlite3.Error) as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(store.messages(session)) == 42
