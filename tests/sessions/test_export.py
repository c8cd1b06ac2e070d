"""Chats as Markdown, JSON and JSON lines."""

import json
import math
from dataclasses import replace

import pytest

from ockit.sessions.export import exported, hits_json, list_json, moment
from stored_chats import PASSAGE, VERDICT, answer, chat


@pytest.fixture
def records(store):
    """A session with two branches: the record, all messages, the path to the head."""
    session, asked, reply = chat(store)
    store.add_sources(
        reply, [PASSAGE, replace(PASSAGE, page=2, start_line=None, end_line=None, heading="", score=math.nan)]
    )
    store.add_verdict(reply, "assistant", VERDICT)
    store.rate(reply, 1)
    answer(store, session, asked, "The El", state="interrupted", finish_reason="interrupted")
    store.add_user(session, "And the \x1b[31mDanube?\u202e", parent=reply)
    return store.get(session), store.messages(session), store.path_to(store.get(session).head)


def test_markdown(records):
    session, messages, path = records
    begun = moment(session.created_at)
    assert exported("md", session, messages, path) == (
        f"# Which river is long?\n\n- session: `{session.id}`\n- model: tiny\n- begun: {begun}\n"
        "- messages on other branches, not shown: 1\n\n## System\n\nBe brief.\n\n"
        "## You\n\nWhich river is long?\n\n"
        "## Assistant (tiny)\n\nThe Rhine.\n\nSources:\n\n- [1] notes.md:3-5 › Rivers\n- [2] notes.md, page 2\n\n"
        "## You\n\nAnd the \x1b[31mDanube?\u202e\n"
    )


def test_markdown_marks_what_is_not_whole(store, records):
    session, messages, _ = records
    text = exported("md", session, messages, store.path_to(messages[2].id))
    assert "## Assistant (tiny) [interrupted]\n\nThe El\n" in text


def test_markdown_says_what_moderation_stopped(store, records):
    session, messages, _ = records
    asked, reply = messages[3].id, messages[2].id
    store.add_verdict(asked, "user", replace(VERDICT, action="refuse", reason="It asks for a weapon."))
    store.add_verdict(reply, "assistant", replace(VERDICT, action="refuse", reason=""))
    assert "\n*refused by moderation: It asks for a weapon.*\n" in exported(
        "md", session, (), store.path_to(asked)
    )
    assert "The El\n\n*cut by moderation*\n" in exported("md", session, (), store.path_to(reply))
    store.add_verdict(asked, "user", VERDICT)  # looked at again
    assert "by moderation" not in exported("md", session, (), store.path_to(asked))


def test_json(records):
    session, messages, path = records
    text = exported("json", session, messages, path)
    assert "\x1b" not in text
    assert "\u202e" not in text
    found = json.loads(text, parse_constant=pytest.fail)
    assert found["schema_version"] == 1
    assert found["session"]["id"] == session.id
    assert found["session"]["head"] == messages[3].id
    assert found["session"]["created_at"].endswith("Z")
    assert [message["text"] for message in found["messages"]] == [message.text for message in messages]
    reply = found["messages"][1]
    assert reply["usage"] == {"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 3}
    assert reply["timings"] == {"load_s": 0.1, "prefill_s": 0.2, "decode_s": 0.3, "first_token_s": 0.4}
    assert reply["token_ids"] == [1, 2**32 - 1, 0]
    assert (reply["rating"], reply["state"], reply["parent_id"]) == (1, "complete", messages[0].id)
    assert [source["score"] for source in reply["sources"]] == [0.75, None]
    assert reply["verdicts"][0]["verdict"]["action"] == "caution"
    assert found["messages"][2]["state"] == "interrupted"


def test_json_lines(records):
    session, messages, path = records
    head, *rest = map(json.loads, exported("jsonl", session, messages, path).splitlines())
    assert (head["type"], head["schema_version"], head["id"]) == ("session", 1, session.id)
    assert [line["type"] for line in rest] == ["message"] * 4
    assert [line["id"] for line in rest] == [message.id for message in messages]


def test_numbers_that_json_has_not(records):
    session, _, _ = records
    odd = replace(session, metadata={"a": [math.inf, -math.inf, 1.5]}, updated_at=1e300)
    found = list_json([odd])["sessions"][0]
    assert found["metadata"] == {"a": [None, None, 1.5]}
    assert found["updated_at"] == "1e+300"
    assert moment(0) == "1970-01-01T00:00:00Z"


def test_hits(store, records):
    _session, messages, _ = records
    found = hits_json("danube", store.search("danube"))
    assert found["schema_version"] == 1
    assert [hit["message_id"] for hit in found["hits"]] == [messages[3].id]
    assert json.dumps(found)
