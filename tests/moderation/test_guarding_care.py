"""What the guard owes to somebody at risk, to texts that were not read to their end, and to the reader of a reason."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faulty_backends import PLAIN, Crashes, Told
from ockit.errors import WorkerError
from ockit.messages import Finding, Verdict
from ockit.moderation.asking import Asked
from ockit.moderation.audit import AuditLog
from ockit.moderation.guarding import UNAVAILABLE, Guard
from ockit.moderation.policy.deciding import AT_RISK
from ockit.moderation.policy.policy import BackendSpec
from ockit.moderation.policy.reading import parse_policy

Make = Callable[..., Guard]
DISTRESS = (Finding("distress", 0, 1),)
UNREAD = (Finding("not_scanned", 1, 5), Finding("not_scanned", 6, 7))
TEXT = "a long text"


@pytest.fixture
def guard_of() -> Iterator[Make]:
    """``guard_of((backend, SPEC), ..., policy=TEXT)``: a guard of back ends with fields of their specs."""
    made: list[Guard] = []

    def make(*backends: tuple[Any, dict[str, Any]], policy: str = "", **more: Any) -> Guard:
        pairs = []
        for number, (backend, fields) in enumerate(backends):
            spec = BackendSpec(**{"name": f"b{number}", "kind": "embedded", **fields})
            pairs.append((spec, Asked(lambda backend=backend: backend, spec.name, 5.0)))
        made.append(Guard(parse_policy(policy, "m.toml"), pairs, **more))
        return made[-1]

    yield make
    for guard in made:
        guard.close()


@pytest.mark.parametrize(
    "fields", [{}, {"enforce": False}, {"max_level": 0}], ids=["counts", "advises", "capped"]
)
@pytest.mark.parametrize(
    "seen",
    [
        {"hits": DISTRESS},
        {"level": 2, "categories": {"self_harm": 0.9}},
        {"hits": (*DISTRESS, *UNREAD), "status": "not_scanned"},
    ],
    ids=["distress", "self-harm", "partly read"],
)
@pytest.mark.parametrize(
    "refusing",
    [Told(level=4), Told(topic="cooking"), Crashes(WorkerError("it died"))],
    ids=["level 4", "off topic", "a fault"],
)
def test_whoever_may_be_at_risk_is_supported(
    guard_of: Make, refusing: Any, seen: dict[str, Any], fields: dict[str, Any]
) -> None:
    guard = guard_of(
        (refusing, {"kind": "rules"}), (Told(**seen), fields), policy='[input]\ndistress = "note"'
    )
    verdict = guard.check(TEXT, "user")
    assert (verdict.action, verdict.backend) == ("support", "told")
    assert verdict.reason.startswith(AT_RISK)
    assert guard.answer_text(verdict) == guard.policy.texts.support


def test_what_was_read_of_a_passage_decides_whether_it_stays(guard_of: Make) -> None:
    orders = Told(injection=0.9, hits=UNREAD, status="not_scanned")
    guard = guard_of((orders, {}), (Told(hits=DISTRESS), {}))
    verdict = guard.check(TEXT, "retrieved")
    assert verdict.action == "refuse"
    assert verdict.reason == "it gives orders to the assistant; 5 characters of it were not looked at"


def test_what_was_not_read_is_told_each_time(guard_of: Make) -> None:
    guard = guard_of((Told(status="not_scanned", hits=UNREAD, level=1), {}))
    for _ in range(2):
        verdict = guard.check(TEXT, "user")
        assert (verdict.action, verdict.status, verdict.level) == ("caution", "not_scanned", 1)
        assert verdict.reason == "5 characters of it were not looked at"
        assert guard.take_banners() == ("b0 did not look at 5 characters of the question",)
    guard.check_many([TEXT, TEXT], "retrieved")
    assert guard.take_banners() == ("b0 did not look at 10 characters of what was found",)


def test_what_was_not_read_is_not_hidden_by_one_that_read_all(guard_of: Make) -> None:
    partly = (Told(status="not_scanned", hits=UNREAD), {})
    careful = guard_of((Told(level=3), {}), partly).check(TEXT, "user")
    assert (careful.action, careful.status, careful.level) == ("caution", "not_scanned", 3)
    assert careful.reason == "needs caution; 5 characters of it were not looked at"
    refused = guard_of((Told(level=4), {}), partly).check(TEXT, "user")
    assert (refused.action, refused.status) == ("refuse", "ok")
    assert refused.reason.endswith("5 characters of it were not looked at")


def test_what_was_not_read_is_no_fault(guard_of: Make) -> None:
    guard = guard_of((Told(status="not_scanned", reason="too large"), {}))
    verdict = guard.check(TEXT, "user")
    assert (verdict.action, verdict.reason) == ("caution", "too large")
    assert verdict.judged
    assert guard.take_banners() == ("b0 did not look at the question: too large",)
    both = guard_of((Told(status="not_scanned", hits=UNREAD), {}), (Crashes(WorkerError("it died")), {}))
    closed = both.check(TEXT, "user")
    assert (closed.action, closed.status, closed.judged) == ("refuse", "error", False)
    assert closed.reason.startswith(UNAVAILABLE)
    nobody = guard_of((Told(), {"roles": ("user",)})).check(TEXT, "assistant")
    assert (nobody.status, nobody.judged) == ("not_scanned", False)


def test_a_policy_that_stops_what_was_not_read(guard_of: Make) -> None:
    guard = guard_of(
        (Told(status="not_scanned", hits=UNREAD), {}),
        policy='[input]\nunread = "refuse"\n[texts]\nunread = "Shorter!"',
    )
    verdict = guard.check(TEXT, "user")
    assert (verdict.action, verdict.status) == ("refuse", "not_scanned")
    assert guard.answer_text(verdict) == "Shorter!"


def test_a_reason_has_the_words_of_a_back_end_that_knows_more(guard_of: Make) -> None:
    rule = Told(level=4, reason="found by the rule falcon")
    assert guard_of((rule, {"kind": "rules"})).check(TEXT, "user").reason == (
        "needs intervention (found by the rule falcon)"
    )
    advised = guard_of((rule, {"kind": "rules", "enforce": False})).check(TEXT, "user")
    assert advised.reason == "needs intervention (found by the rule falcon)"
    quiet = Told(reason="no rule holds")
    assert guard_of((quiet, {"kind": "rules"})).check(TEXT, "user").reason == "casual"


def test_of_several_texts_the_strictest_is_kept_to_be_explained(guard_of: Make) -> None:
    class Reads(Told):
        def check(self, text: str, role: Any, context: Any = ()) -> Verdict:
            return replace(PLAIN, level=int(text))

    guard = guard_of((Reads(), {}))
    found = guard.check_many(["1", "4", "0"], "user")
    assert [verdict.action for verdict in found] == ["note", "refuse", "allow"]
    assert guard.last is not None
    assert guard.last.verdict == found[1]


def test_no_more_is_done_than_the_caller_allows(guard_of: Make, tmp_path: Path) -> None:
    guard = guard_of((Told(injection=0.9), {}), audit=AuditLog(tmp_path))
    [verdict] = guard.check_many([TEXT], "retrieved", at_most="caution")
    assert (verdict.action, verdict.reason) == ("caution", "it gives orders to the assistant")
    assert guard.last is not None
    assert guard.last.verdict == verdict
    assert json.loads((tmp_path / "audit.jsonl").read_text())["action"] == "caution"
    mild = guard_of((Told(), {})).check_many([TEXT], "retrieved", at_most="caution")
    assert [each.action for each in mild] == ["allow"]


def test_every_judged_text_is_in_the_record(guard_of: Make, tmp_path: Path) -> None:
    guard = guard_of((Told(), {}), audit=AuditLog(tmp_path))
    guard.check_many([TEXT, TEXT], "retrieved")
    guard.check(TEXT, "assistant")
    guard.check(TEXT, "user")
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [(line["role"], line["action"]) for line in lines] == [
        ("retrieved", "allow"),
        ("retrieved", "allow"),
        ("assistant", "allow"),
        ("user", "allow"),
    ]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_a_back_end_that_wants_to_end_everything_is_opened_anew(error: BaseException) -> None:
    made: list[Told] = []

    def make() -> Told:
        made.append(Told(level=1) if made else Crashes(error))
        return made[-1]

    guard = Guard(parse_policy("", "m"), [(BackendSpec("b", "rules"), Asked(make, "b", 5.0))])
    first = guard.check("one", "user")
    assert (first.action, first.status) == ("refuse", "error")
    assert type(error).__name__ in first.reason
    assert guard.check("two", "user").action == "note"
    assert (len(made), made[0].closed.is_set()) == (2, True)
    guard.close()


class Closes(Told):
    """Cannot be closed without an exception."""

    def check(self, *_: Any) -> Any:
        self.closed.wait()
        raise WorkerError("it was closed")

    def close(self) -> None:
        self.closed.set()
        raise SystemExit(4)


def test_one_that_cannot_even_be_closed_ends_no_thread() -> None:
    made: list[Told] = []

    def make() -> Told:
        made.append(Told(level=1) if made else Closes())
        return made[-1]

    asked = Asked(make, "b", 0.2)
    assert asked.finish(asked.begin(("x",), "user"), 1).verdicts[0].status == "timeout"
    again = asked.finish(asked.begin(("x",), "user"), 1).verdicts[0]
    while again.status != "ok" and "earlier check" in again.reason:
        again = asked.finish(asked.begin(("x",), "user"), 1).verdicts[0]
    assert (again.status, again.level, len(made)) == ("ok", 1, 2)
    asked.close()


class LateNews(threading.Event):
    """Is set right after somebody has given up waiting for it: the gap between a wait and what follows it."""

    def wait(self, timeout: float | None = None) -> bool:
        super().wait(timeout)
        return False


def test_an_answer_in_the_last_moment_counts_and_its_back_end_stays() -> None:
    made: list[Told] = []

    def make() -> Told:
        made.append(Told(level=1))
        return made[-1]

    slow = threading.Event()
    asked = Asked(lambda: (slow.wait(5), make())[1], "b", 5.0)
    call = asked.begin(("x",), "user")
    assert call is not None
    call.done = LateNews()
    slow.set()
    (verdict,) = asked.finish(call, 1).verdicts
    assert (verdict.status, verdict.level, call.abandoned) == ("ok", 1, False)
    assert asked.finish(asked.begin(("y",), "user"), 1).verdicts[0].status == "ok"
    assert (len(made), made[0].asked, made[0].closed.is_set()) == (1, ["x", "y"], False)
    asked.close()
