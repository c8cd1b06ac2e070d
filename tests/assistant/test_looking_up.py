"""Turns that look into documents, on a real model: what is found, sent and saved, and what happens when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ockit.assistant.grounding import Grounding
from ockit.assistant.turn import Assistant
from ockit.errors import InterruptedByUser, NotFound
from ockit.events import Notice, Prefill, Sources, Token
from ockit.messages import Passage
from small_retriever import FolderRetriever, folder_of

Begin = Callable[..., Any]
GRAMMAR = 'root ::= "It is 1233 km long [1]."'


class Documents:
    """A folder, and the retriever that looks into it."""

    def __init__(self, place: Path, *, k: int = 4) -> None:
        self.folder = folder_of(place / "rivers")
        self.opened: list[FolderRetriever] = []
        self.missing = False
        self.grounding = Grounding(self._open, ["rivers"], k=k)

    @property
    def retriever(self) -> FolderRetriever:
        return self.opened[-1]

    def _open(self, name: str) -> FolderRetriever:
        if self.missing:
            raise NotFound(f"there is no index {name!r}", hint="make it")
        self.opened.append(FolderRetriever(self.folder))
        return self.opened[-1]


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(tmp_path)


@pytest.fixture
def chat(talk: Begin, documents: Documents) -> Any:
    found = talk()
    found.assistant.grounding = documents.grounding
    return found


def sources(reply: Any) -> tuple[Passage, ...]:
    """Those of the one event that there is."""
    events = [event for event in reply.events if isinstance(event, Sources)]
    assert len(events) == 1
    passages: tuple[Passage, ...] = events[0].passages
    return passages


def prompt(talk: Any) -> str:
    return "".join(getattr(segment, "text", "") for segment in talk.assistant.last_prompt)


def kinds(reply: Any) -> list[str]:
    return [notice.kind for notice in reply.notices]


def test_an_answer_comes_from_the_passages(chat: Any) -> None:
    reply = chat.say("How long is the river Rhine in kilometres?")
    assert "1233" in reply.text
    assert sources(reply)[0].path == "rhine.md"
    sent = prompt(chat)
    assert "[1] rhine.md:1\n```\nThe river Rhine is 1233" in sent
    assert sent.index("[1] rhine.md") < sent.index("Question: How long is")


def test_sources_come_before_the_answer_and_are_saved_with_it(chat: Any) -> None:
    reply = chat.say("How long is the river Rhine?")
    order = [type(event) for event in reply.events]
    assert order.index(Sources) < order.index(Prefill) < order.index(Token)
    question, answer = chat.saved()
    assert (question.text, question.sources) == ("How long is the river Rhine?", ())
    assert answer.sources == sources(reply)
    assert chat.assistant.sources == answer.sources


def test_nothing_found_is_said_before_the_answer_and_the_model_is_asked_all_the_same(chat: Any) -> None:
    reply = chat.say("Name a colour.")
    assert kinds(reply) == ["nothing_found"]
    assert "rivers" in reply.notices[0].text
    places = [type(event) for event in reply.events]
    assert places.index(Notice) < places.index(Token)
    assert Sources not in places
    assert "Question:" not in prompt(chat)
    assert chat.saved()[1].sources == ()


def test_a_follow_up_is_searched_for_with_the_question_before_it(chat: Any, documents: Documents) -> None:
    chat.say("How long is the river Rhine?", max_tokens=4)
    chat.say("And where does it end?", max_tokens=4)
    chat.say("Tell me about small terrier dogs.", max_tokens=4)
    assert documents.retriever.queries == [
        "How long is the river Rhine?",
        "How long is the river Rhine?\nAnd where does it end?",
        "Tell me about small terrier dogs.",
    ]


def test_an_earlier_question_does_not_leave_this_machine(chat: Any, documents: Documents) -> None:
    """It may have been asked while no service was in use."""
    chat.say("How long is the river Rhine?", max_tokens=4)
    documents.retriever.remote = True
    chat.say("And where does it end?", max_tokens=4)
    assert documents.retriever.queries == ["How long is the river Rhine?", "And where does it end?"]


def test_what_is_attached_is_not_searched_for(chat: Any, documents: Documents) -> None:
    events = chat.assistant.reply(
        "notes.md:\n\nVienna\n\nWhich river is it?", chat.greedy, sought="Which river is it?"
    )
    list(events)
    assert documents.retriever.queries == ["Which river is it?"]


def test_passages_stand_with_the_last_question_only_and_what_is_before_them_is_reused(chat: Any) -> None:
    one = chat.say("How long is the river Rhine?", max_tokens=8)
    two = chat.say("What is a small terrier?", max_tokens=8)
    assert sources(two)[0].path == "dogs/terrier.md"
    assert "1233" not in prompt(chat).split("What is a small")[0].split("assistant\n")[0]
    assert 0 < two.end.usage.cached_tokens < one.end.usage.prompt_tokens


def test_another_answer_is_given_the_same_passages(chat: Any, documents: Documents) -> None:
    first = sources(chat.say("How long is the river Rhine?", max_tokens=6))
    folder_of(documents.folder, {"rhine.md": "The river Rhine is quite another river now."})
    events = list(chat.assistant.again(chat.greedy))
    assert [event.passages for event in events if isinstance(event, Sources)] == [first]
    assert len(documents.retriever.queries) == 1
    assert [message.sources for message in chat.saved()[1:]] == [first, first]


def test_an_edited_question_is_searched_for_anew(chat: Any, documents: Documents) -> None:
    chat.say("How long is the river Rhine?", max_tokens=4)
    chat.assistant.branch(1)
    reply = chat.say("Through which cities does the Danube flow?", max_tokens=4)
    assert sources(reply)[0].path == "danube.md"
    assert documents.retriever.queries[-1] == "Through which cities does the Danube flow?"
    assert chat.assistant.undo() == "Through which cities does the Danube flow?"
    assert chat.assistant.sources == ()


def test_an_answer_that_goes_on_keeps_what_it_was_given(chat: Any) -> None:
    first = sources(chat.say("How long is the river Rhine?", max_tokens=3))
    more = list(chat.assistant.go_on(chat.greedy))
    assert not [event for event in more if isinstance(event, Sources)]
    assert "1233 kilometres" in prompt(chat)
    assert chat.saved()[1].sources == chat.assistant.sources == first


def test_sources_come_back_with_a_saved_chat(chat: Any, talk: Begin, documents: Documents) -> None:
    first = sources(chat.say("How long is the river Rhine?", max_tokens=4))
    other = talk()
    other.assistant.resume(chat.assistant.session_id)
    assert other.assistant.sources == first
    again = list(other.assistant.again(other.greedy))  # no index in use: what the question was given is known
    assert [event.passages for event in again if isinstance(event, Sources)] == [first]


def test_a_retriever_that_fails_is_one_notice_and_is_opened_anew(chat: Any, documents: Documents) -> None:
    chat.say("How long is the river Rhine?", max_tokens=4)
    broken = documents.retriever
    broken.broken = "the index is damaged"
    reply = chat.say("Which river flows through Vienna?", max_tokens=4)
    assert kinds(reply) == ["index_failed"]
    assert "rivers was not searched: the index is damaged" in reply.notices[0].text
    assert broken.closed
    assert sources(chat.say("Does the Danube flow through Budapest?", max_tokens=4))[0].path == "danube.md"
    assert len(documents.opened) == 2


def test_one_that_cannot_be_opened_is_one_notice_at_each_turn(talk: Begin, documents: Documents) -> None:
    chat = talk()
    documents.missing = True
    chat.assistant.grounding = documents.grounding
    documents.grounding.warm()
    for _ in range(2):
        assert kinds(chat.say("How long is the river Rhine?", max_tokens=4)) == ["index_failed"]
    documents.missing = False
    assert sources(chat.say("How long is the river Rhine?", max_tokens=4))


def test_a_stop_while_documents_are_searched_ends_the_turn_at_once(chat: Any, documents: Documents) -> None:
    documents.grounding.warm()
    chat.say("Name a colour.", max_tokens=4)
    hold = documents.retriever.hold = threading.Event()
    stopper = threading.Timer(0.2, chat.assistant.stop)
    stopper.start()
    try:
        with pytest.raises(InterruptedByUser):
            chat.say("How long is the river Rhine?")
        assert not hold.is_set()
    finally:
        hold.set()
    assert chat.assistant.unanswered == "How long is the river Rhine?"
    assert [text for _, _, text in chat.path()][-1] == "How long is the river Rhine?"
    events = list(chat.assistant.again(chat.greedy))
    assert [event for event in events if isinstance(event, Sources)]


def test_all_of_a_retriever_happens_in_one_thread(chat: Any, documents: Documents) -> None:
    chat.say("How long is the river Rhine?", max_tokens=4)
    assert chat.assistant.search("river Danube Vienna").passages[0].path == "danube.md"
    chat.assistant.close()
    retriever = documents.retriever
    assert retriever.closed
    assert len(documents.opened) == 1
    assert len(retriever.threads) == 1
    assert threading.main_thread() not in retriever.threads


def test_off_uses_neither_an_index_nor_what_was_found(chat: Any, documents: Documents) -> None:
    chat.say("How long is the river Rhine?", max_tokens=4)
    documents.grounding.use(())
    events = list(chat.assistant.again(chat.greedy))
    assert not [event for event in events if isinstance(event, Sources)]
    assert "1233 kilometres" not in prompt(chat)
    documents.grounding.use(["rivers"])
    assert [event for event in chat.assistant.again(chat.greedy) if isinstance(event, Sources)]


def test_passages_that_do_not_fit_are_left_out_whole_and_said(talk: Begin, tmp_path: Path) -> None:
    chat = talk(settings={"ctx_size": "512"})
    long = {
        f"{name}.md": f"river {name} " + "water and stones " * 25 for name in ("one", "two", "three", "four")
    }
    folder_of(tmp_path / "rivers", long)
    chat.assistant.grounding = Grounding(lambda _: FolderRetriever(tmp_path / "rivers"), ["rivers"], k=6)
    reply = chat.say("What about the river water and the stones?", max_tokens=8)
    assert kinds(reply) == ["dropped_passages"]
    kept = sources(reply)
    assert 0 < len(kept) < 4
    assert all(passage.text.strip() in prompt(chat) for passage in kept)
    assert f"[{len(kept) + 1}]" not in prompt(chat)
    assert chat.saved()[1].sources == kept


def test_what_an_answer_is_given_is_saved_where_the_store_had_failed(
    talk: Begin, documents: Documents
) -> None:
    chat = talk(unsaved_ok=True)
    chat.assistant.grounding = documents.grounding
    chat.say("Name a colour.", max_tokens=2)
    folder = chat.store.path.parent
    aside = folder.with_name("gone")
    folder.rename(aside)
    folder.write_text("in the way")
    reply = chat.say("How long is the river Rhine?", max_tokens=4)
    assert chat.assistant.unsaved
    folder.unlink()
    aside.rename(folder)
    chat.say("Name a fruit.", max_tokens=2)
    assert not chat.assistant.unsaved
    assert chat.saved()[3].sources == sources(reply)


def test_a_grammar_makes_it_cite(chat: Any) -> None:
    from ockit.assistant.citations import listed

    reply = chat.say("How long is the river Rhine?", grammar=GRAMMAR)
    assert listed(sources(reply), reply.text)[:2] == ["Sources (* cited)", "* [1] rhine.md:1"]


def test_an_assistant_without_documents_looks_into_none(talk: Begin) -> None:
    chat = talk()
    assert isinstance(chat.assistant, Assistant)
    reply = chat.say("Name a colour.", max_tokens=4)
    assert (kinds(reply), chat.assistant.search("colour").passages) == ([], ())
