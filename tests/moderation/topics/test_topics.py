"""Topics: what lies near a person's examples, and what becomes of the files they are kept in."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ockit.engines.embedder_names import EMBEDDED
from ockit.engines.embedders import open_embedder
from ockit.engines.hosted_embedder import HostedEmbedder
from ockit.environment import Environment
from ockit.errors import NotFound, StoreError, UsageError, WorkerError
from ockit.messages import Message
from ockit.moderation.topics.elsewhere import QUESTIONS
from ockit.moderation.topics.moderator import TopicModerator
from ockit.moderation.topics.small_talk import is_small_talk
from ockit.moderation.topics.store import (
    made_topic,
    read_examples,
    remove_topic,
    save_topic,
    topic_named,
    topic_names,
)
from ockit.moderation.topics.topic import Topic, left_out, nearness, threshold_between

COOKING = """\
how long do I boil potatoes
what can I cook with leftover rice
how do I keep basil fresh
which oil is best for frying
can I freeze bread dough
how do I thicken a sauce
what goes well with roasted pumpkin
how hot should the oven be for a pizza
how do I peel garlic quickly
what is a good substitute for eggs in a cake
how do I make a vegetable stock
why did my cheesecake crack
how long does cooked chicken keep in the fridge
what herbs go into a ratatouille
how do I sharpen a kitchen knife
how do I make pasta from scratch
when is a steak medium rare
how much salt goes into pasta water
how do I whip cream without a mixer
what spices are in a curry
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment.of_process()
    environment.variables = {**environment.variables, "OCKIT_HOME": str(tmp_path_factory.mktemp("home"))}
    return environment


@pytest.fixture(scope="module")
def embedder(environment: Environment) -> Iterator[HostedEmbedder]:
    opened = open_embedder(None, environment)
    assert isinstance(opened, HostedEmbedder)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def cooking(embedder: HostedEmbedder) -> Topic:
    return made_topic("cooking", COOKING.splitlines(), embedder, EMBEDDED, "I only cook.")


@pytest.fixture
def moderator(cooking: Topic, embedder: HostedEmbedder) -> TopicModerator:
    return TopicModerator("topics", [cooking], embedder)


def test_what_is_on_topic_and_what_is_off(moderator: TopicModerator) -> None:
    on = ["how do I cook an omelette", "HOW LONG DO I ROAST A CHICKEN??", "what can I bake with apples"]
    off = ["who won the election", "write a python function that sorts a list", "how do I file for divorce"]
    assert [moderator.check(text, "user").topic for text in on] == [None] * 3
    verdicts = [moderator.check(text, "user") for text in off]
    assert [verdict.topic for verdict in verdicts] == ["cooking"] * 3
    assert {(verdict.level, verdict.action, verdict.status) for verdict in verdicts} == {(0, "allow", "ok")}
    assert verdicts[0].reason.startswith("off the topic cooking (by -")


def test_a_short_question_is_read_with_the_one_before(moderator: TopicModerator) -> None:
    before = (Message("user", "how do I bake a potato"), Message("assistant", "In the oven."))
    assert moderator.check("and for how long?", "user").topic == "cooking"
    assert moderator.check("and for how long?", "user", before).topic is None
    long = "tell me everything about the history of the british parliament"
    assert moderator.check(long, "user", before).topic == "cooking"


def test_small_talk_is_off_no_topic(moderator: TopicModerator) -> None:
    for text in (
        "hi",
        "Hello there!",
        "thanks",
        "OK, thank you very much :-)",
        "What can you do?",
        "¡Hola!",
        "👍",
    ):
        verdict = moderator.check(text, "user")
        assert (verdict.topic, verdict.reason) == (None, "small talk, which is off no topic"), text
    for text in ("hi, who won the election?", "thanks. now write a python function", "ok ok ok taxes"):
        assert moderator.check(text, "user").topic == "cooking", text
    assert moderator.check("You're welcome!", "assistant").topic is None


@pytest.mark.parametrize(
    ("text", "talk"),
    [
        ("", True),
        ("HI!!!", True),
        ("good  morning,\nbot", True),
        ("What’s your name?", True),
        ("WHAT'S UP", True),
        ("Grüß Gott!", True),
        ("Gru\u0308ß Gott", True),
        ("ｔｈａｎｋｓ", True),
        ("こんにちは。", True),
        ("你好！谢谢", True),
        ("Большое спасибо!", True),
        (":-)", True),
        ("!" * 17, False),
        ("3", False),
        ("hi 3", False),
        ("thanks a", False),
        ("good", True),
        ("good election", False),
        ("hi " * 24, True),
        ("hi " * 25, False),
        ("what is your name and address", False),
        ("help me hide", False),
    ],
)
def test_what_is_small_talk(text: str, talk: bool) -> None:
    assert is_small_talk(text) is talk


def test_none_of_the_questions_about_everything_is_small_talk() -> None:
    assert [question for question in (*QUESTIONS, *COOKING.splitlines()) if is_small_talk(question)] == [
        "hello there"
    ]


def test_odd_texts(moderator: TopicModerator) -> None:
    for text in ("", "  \n", "\0"):
        assert moderator.check(text, "user").status == "ok"
    assert moderator.check("", "user").topic is None
    assert moderator.check("politics and taxes " * 60_000, "user").topic == "cooking"


def test_a_threshold_parts_what_can_be_parted(cooking: Topic) -> None:
    assert cooking.kept >= 0.9
    assert cooking.passed <= 0.2
    on, off = np.array([0.5, 0.6, 0.9], np.float32), np.array([0.1, 0.3], np.float32)
    threshold, kept, passed = threshold_between(on, off)
    assert (round(threshold, 6), kept, passed) == (0.4, 1.0, 0.0)
    threshold, kept, passed = threshold_between(off, on)  # nothing to part: everything is on topic
    assert (kept, passed) == (1.0, 1.0)


def test_leaving_one_out_leaves_it_out() -> None:
    vectors = np.eye(6, dtype=np.float32)
    assert left_out(vectors).tolist() == [0.0] * 6
    assert np.allclose(nearness(vectors[:1], vectors), 1 / 3)


def test_two_topics_make_a_wider_one(cooking: Topic, embedder: HostedEmbedder) -> None:
    flowers = ["how often do I water roses", "when are tulips planted", "how do I prune a hydrangea"]
    flowers += [
        "why are the leaves of my orchid yellow",
        "which flowers like shade",
        "how do I repot a cactus",
    ]
    both = [cooking, made_topic("flowers", flowers, embedder, EMBEDDED, "")]
    moderator = TopicModerator("topics", both, embedder)
    assert moderator.check("how do I water an orchid", "user").topic is None
    assert moderator.check("how do I fry an egg", "user").topic is None
    assert moderator.check("what is the capital of peru", "user").topic is not None


def test_a_topic_comes_back_as_it_was_kept(environment: Environment, cooking: Topic) -> None:
    path = save_topic(environment.directories, cooking)
    again = topic_named(environment.directories, "cooking")
    assert np.array_equal(again.vectors, cooking.vectors)
    assert (again.examples, again.threshold, again.message) == (
        cooking.examples,
        cooking.threshold,
        "I only cook.",
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert topic_names(environment.directories) == ["cooking"]
    remove_topic(environment.directories, "cooking")
    assert topic_names(environment.directories) == []
    with pytest.raises(NotFound, match="no topic 'cooking'"):
        remove_topic(environment.directories, "cooking")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"examples": "x"},
        {"examples": ["only one"]},
        {"vectors": "!!"},
        {"vectors": base64.b64encode(b"\0\0\xc0\x7f" * 20 * 384).decode()},
        {"threshold": "high"},
        {"threshold": float("nan")},
        {"created": None},
    ],
)
def test_a_damaged_topic(environment: Environment, cooking: Topic, change: dict[str, object]) -> None:
    path = save_topic(environment.directories, cooking)
    entry = json.loads(path.read_text())
    path.write_text(json.dumps({**entry, **change}))
    with pytest.raises(StoreError, match="the topic cooking is damaged"):
        topic_named(environment.directories, "cooking")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StoreError):
        topic_named(environment.directories, "cooking")
    remove_topic(environment.directories, "cooking")  # which it can be all the same


@pytest.mark.parametrize("name", ["../x", "", "a/b", ".hidden", "x" * 65, "ü"])
def test_a_name_that_is_none(environment: Environment, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a topic"):
        topic_named(environment.directories, name)


def test_another_embedders_topic_is_never_compared(cooking: Topic, embedder: HostedEmbedder) -> None:
    other = Topic(**{**cooking.__dict__, "identity": "another"})
    with pytest.raises(UsageError, match="made with another embedder"):
        TopicModerator("topics", [other], embedder).check("hello", "user")


def test_a_dead_embedder_is_started_again(cooking: Topic, environment: Environment) -> None:
    opened = open_embedder(None, environment)
    assert isinstance(opened, HostedEmbedder)
    moderator = TopicModerator("topics", [cooking], opened)
    moderator.warm_up()
    opened.worker.kill()
    try:
        verdict = moderator.check("how do I fry an egg", "user")
    except WorkerError:  # it was still dying
        verdict = moderator.check("how do I fry an egg", "user")
    assert verdict.topic is None
    moderator.close()


def test_examples_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "examples.txt"
    path.write_text("\ufeffone\n\n  two   words \r\nthree\nfour\nfive\none\n", encoding="utf-8")
    assert read_examples(path) == ("one", "two words", "three", "four", "five")
    faults: list[tuple[bytes, str, int | None]] = [
        (b"a\nb\n", "2 different examples", None),
        (b"same\n" * 50, "1 different examples", None),
        (b"", "0 different examples", None),
        (b"a\nb\nc\n\xff\n", "not UTF-8", 4),
        (b"a\nb\nc\nd\0d\n", "no text", 4),
        (b"a\n" + b"x" * 2001, "2001 characters", 2),
        (b"\n".join(b"%d" % n for n in range(5001)), "5001 different examples", None),
    ]
    for data, what, line in faults:
        path.write_bytes(data)
        with pytest.raises(UsageError, match=what) as caught:
            read_examples(path)
        assert caught.value.where == (f"{path}:{line}" if line else str(path))
    with pytest.raises(NotFound):
        read_examples(tmp_path / "none.txt")
