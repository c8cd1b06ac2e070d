"""The guard: every back end asked, the strictest that counts wins, and no fault goes unsaid."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faulty_backends import (
    PLAIN,
    Advises,
    Babbles,
    CountsWrong,
    Crashes,
    CutsWrong,
    Hangs,
    HangsForGood,
    Told,
)
from ockit.errors import NotFound, WorkerError
from ockit.messages import Finding, Passage, Verdict
from ockit.moderation.asking import Asked
from ockit.moderation.audit import AuditLog
from ockit.moderation.guarding import UNAVAILABLE, Guard
from ockit.moderation.policy.policy import BackendSpec
from ockit.moderation.policy.reading import parse_policy

Make = Callable[..., Guard]


@pytest.fixture
def guard_of() -> Iterator[Make]:
    """``guard_of(backend, ..., policy=TEXT)``: a guard; a back end may come with its spec's fields."""
    made: list[Guard] = []

    def make(*backends: Any, policy: str = "", timeout: float = 5.0, **more: Any) -> Guard:
        pairs = []
        for number, backend in enumerate(backends):
            one, fields = backend if isinstance(backend, tuple) else (backend, {})
            spec = BackendSpec(**{"name": f"b{number}", "kind": "embedded", "timeout": timeout, **fields})
            pairs.append((spec, Asked(lambda one=one: one, spec.name, timeout)))
        made.append(Guard(parse_policy(policy, "m.toml"), pairs, **more))
        return made[-1]

    yield make
    for guard in made:
        guard.close()


def test_one_back_end(guard_of: Make) -> None:
    guard = guard_of(Told(level=2, reason="x"))
    verdict = guard.check("hello", "user")
    assert (verdict.level, verdict.action, verdict.status) == (2, "caution", "ok")
    assert verdict.reason == "probably needs caution"
    assert guard.caution_text(verdict) == guard.policy.texts.caution
    assert guard.check("hello", "assistant").action == "note"
    assert guard.take_banners() == ()


def test_the_strictest_that_counts_wins(guard_of: Make) -> None:
    low, high = Told(level=1), Told(level=4, hits=(Finding("why", 0, 2),))
    guard = guard_of(low, high)
    verdict = guard.check("hello", "user")
    assert (verdict.action, verdict.level, verdict.hits) == ("refuse", 4, (Finding("why", 0, 2),))
    assert guard.answer_text(verdict) == guard.policy.texts.refuse
    assert (low.asked, high.asked) == (["hello"], ["hello"])
    assert guard.last is not None
    assert [part.decision.action for part in guard.last.parts] == ["note", "refuse"]


def test_an_adviser_is_noted_and_not_followed(guard_of: Make) -> None:
    guard = guard_of(Told(), (Told(level=4), {"enforce": False}))
    assert guard.check("hello", "user").action == "note"
    alone = guard_of((Told(level=4), {"enforce": False}))
    verdict = alone.check("hello", "user")
    assert (verdict.action, verdict.level) == ("note", 4)


def test_one_that_may_not_enforce_says_so_once(guard_of: Make) -> None:
    guard = guard_of(Told(), Advises(level=4))
    assert [guard.check("hello", "user").action for _ in range(3)] == ["note"] * 3
    (banner,) = guard.take_banners()
    assert "b1 only advises: its self-test came out at chance" in banner
    assert guard.take_banners() == ()


def test_a_policy_that_nothing_enforces_says_so(guard_of: Make) -> None:
    guard = Guard(parse_policy("[backend.embedded]\nenforce = false\n", "m"), [])
    assert "[input] could stop texts, but no back end that judges them enforces" in guard.take_banners()
    assert guard.check("hello", "user").status == "not_scanned"


def test_what_takes_long_is_told(guard_of: Make) -> None:
    slow = Told()
    slow.doing = "testing whether m can judge: line 3 of 40"
    guard = guard_of(Told(), slow)
    assert guard.busy() == ""  # nothing is open yet
    guard.check("hello", "user")
    assert guard.busy() == "testing whether m can judge: line 3 of 40"
    slow.doing = ""
    assert guard.busy() == ""


def test_a_role_that_a_back_end_does_not_judge(guard_of: Make) -> None:
    guard = guard_of((Told(level=4), {"roles": ("user",)}))
    assert guard.check("hello", "user").action == "refuse"
    other = guard.check("hello", "assistant")
    assert (other.action, other.status) == ("allow", "not_scanned")


def test_support_wins_over_a_refusal_by_another(guard_of: Make) -> None:
    distress = Told(hits=(Finding("distress", 0, 1),))
    guard = guard_of(Told(level=4), distress, policy='[input]\ndistress = "note"')
    verdict = guard.check("hello", "user")
    assert (verdict.action, verdict.reason) == ("support", "somebody may be in distress")
    assert guard.answer_text(verdict) == guard.policy.texts.support


NONSENSE: list[Any] = [
    None,
    "refuse",
    replace(PLAIN, level=5),
    replace(PLAIN, level=-1),
    replace(PLAIN, level="4"),  # type: ignore[arg-type]
    replace(PLAIN, status="fine"),  # type: ignore[arg-type]
    replace(PLAIN, p_level=(0.5, 0.5)),
    replace(PLAIN, p_level=(0.9, 0.9, 0.0, 0.0, 0.0)),
    replace(PLAIN, p_level=(float("nan"), 0.25, 0.25, 0.25, 0.25)),
    replace(PLAIN, p_level=("a", "b", "c", "d", "e")),  # type: ignore[arg-type]
    replace(PLAIN, categories={"hat": 0.5}),
    replace(PLAIN, categories={"hate": 7.0}),
    replace(PLAIN, categories=None),  # type: ignore[arg-type]
    replace(PLAIN, injection=float("inf")),
    replace(PLAIN, hits=(Finding("x", 3, 99),)),
    replace(PLAIN, hits=None),  # type: ignore[arg-type]
    replace(PLAIN, hits=(Finding(["x"]),)),  # type: ignore[arg-type]
    replace(PLAIN, topic=["x"]),  # type: ignore[arg-type]
    replace(PLAIN, reason=None),  # type: ignore[arg-type]
    replace(PLAIN, ms="1"),  # type: ignore[arg-type]
    replace(PLAIN, action="allow_all"),  # type: ignore[arg-type]
    replace(PLAIN, action="refuse"),
    replace(PLAIN, level=True),
    replace(PLAIN, p_level=None),  # type: ignore[arg-type]
    replace(PLAIN, p_level=0),  # type: ignore[arg-type]
    replace(PLAIN, unsure="x"),  # type: ignore[arg-type]
    replace(PLAIN, backend=None),  # type: ignore[arg-type]
    replace(PLAIN, status=["ok"]),  # type: ignore[arg-type]
    replace(PLAIN, injection=False),
    replace(PLAIN, ms=float("nan")),
    replace(PLAIN, hits=(Finding("x", "0", 1),)),  # type: ignore[arg-type]
    replace(PLAIN, hits=(Finding("x", 0, None),)),
]

FAULTY: dict[str, tuple[Callable[[], Any], str, str]] = {
    "hangs": (Hangs, "timeout", "longer than 0.2"),
    "hangs for good": (HangsForGood, "timeout", "longer than 0.2"),
    "died": (lambda: Crashes(WorkerError("the process died")), "error", "the process died"),
    "a bug": (lambda: Crashes(ZeroDivisionError("by zero")), "error", "ZeroDivisionError"),
    "not there": (lambda: Crashes(NotFound("no such model", hint="fetch it")), "error", "fetch it"),
    "out of memory": (lambda: Crashes(MemoryError()), "error", "MemoryError"),
    "gone": (lambda: Crashes(SystemExit(3)), "error", "SystemExit: 3"),
    **{
        f"cuts {cuts}": ((lambda cuts=cuts: CutsWrong(cuts)), "error", "cut-points are none")
        for cuts in (0.5, [0.5], {"hate": "0.5"}, {"hate": float("nan")}, {"hate": 2.0}, {3: 0.5})
    },
    **{
        f"nonsense {number}": ((lambda answer=answer: Babbles(answer)), "error", "nonsense")
        for number, answer in enumerate(NONSENSE)
    },
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_fault_of_one_that_counts_fails_closed(guard_of: Make, fault: str) -> None:
    make, status, reason = FAULTY[fault]
    guard = guard_of(Told(level=1), make(), timeout=0.2)
    verdict = guard.check("hello", "user")
    assert (verdict.action, verdict.status) == ("refuse", status)
    assert verdict.reason.startswith(UNAVAILABLE)
    assert reason in verdict.reason
    assert guard.answer_text(verdict) == guard.policy.texts.unavailable
    assert any("b1 did not check" in banner for banner in guard.take_banners())


@pytest.mark.parametrize("fault", FAULTY)
def test_a_fault_of_an_adviser_is_a_banner(guard_of: Make, fault: str) -> None:
    make, _, reason = FAULTY[fault]
    guard = guard_of(Told(level=1), (make(), {"enforce": False}), timeout=0.2)
    verdict = guard.check("hello", "user")
    assert (verdict.action, verdict.status, verdict.level) == ("note", "ok", 1)
    (banner,) = guard.take_banners()
    assert reason in banner


@pytest.mark.parametrize("fault", FAULTY)
def test_a_policy_that_fails_open_lets_pass_and_says_so(guard_of: Make, fault: str) -> None:
    make, status, reason = FAULTY[fault]
    guard = guard_of(make(), policy='[input]\nfail = "open"', timeout=0.2)
    verdict = guard.check("hello", "user")
    assert (verdict.action, verdict.status) == ("allow", status)
    (banner,) = guard.take_banners()
    assert reason in banner


def test_a_section_that_never_stops_a_text_stops_none_unread(guard_of: Make) -> None:
    guard = guard_of(Crashes(WorkerError("the process died")))
    verdict = guard.check("hello", "assistant")
    assert (verdict.action, verdict.status) == ("allow", "error")
    assert guard.take_banners()


def test_a_refusal_is_not_hidden_by_anothers_fault(guard_of: Make) -> None:
    guard = guard_of(Crashes(WorkerError("the process died")), Told(level=4))
    verdict = guard.check("hello", "user")
    assert (verdict.action, verdict.status, verdict.level) == ("refuse", "ok", 4)
    assert guard.answer_text(verdict) == guard.policy.texts.refuse


def test_nobody_waits_twice_for_one_that_hangs(guard_of: Make) -> None:
    guard = guard_of(HangsForGood(), timeout=0.2)
    guard.check("one", "user")
    began = time.perf_counter()
    again = guard.check("two", "user")
    assert time.perf_counter() - began < 0.6  # its time limit once more, in which it might have ended
    assert (again.action, again.status) == ("refuse", "timeout")
    assert "earlier check" in again.reason
    time.sleep(1.6)  # it has woken up
    assert guard.check("three", "user").status == "timeout"  # and hangs anew


def test_one_that_was_ended_is_made_anew() -> None:
    made: list[Told] = []

    def make() -> Told:
        made.append(Hangs() if not made else Told(level=1))
        return made[-1]

    spec = BackendSpec("b", "rules", timeout=0.2)
    guard = Guard(parse_policy("", "m"), [(spec, Asked(make, "b", 0.2))])
    assert guard.check("one", "user").status == "timeout"
    assert guard.check("two", "user").action == "note"  # at once, though the first is only being ended
    assert len(made) == 2
    guard.close()


def test_one_that_cannot_be_opened_is_tried_again() -> None:
    tries: list[int] = []

    def make() -> Told:
        tries.append(1)
        if len(tries) < 2:
            raise NotFound("there is no such file")
        return Told()

    guard = Guard(parse_policy("", "m"), [(BackendSpec("b", "rules"), Asked(make, "b", 5.0))])
    assert guard.check("one", "user").status == "error"
    assert guard.check("two", "user").action == "allow"
    guard.close()


def passage(text: str) -> Passage:
    return Passage("a.md", 3, 4, None, "", text, 0.5)


def test_passages(guard_of: Make) -> None:
    class Reads(Told):
        def check(self, text: str, role: Any, context: Any = ()) -> Verdict:
            return replace(PLAIN, injection=0.9 if "obey" in text else 0.1)

    guard = guard_of(Reads())
    good, bad = passage("oil the pump"), passage("obey me")
    checked = guard.check_passages([good, bad, good])
    assert (checked.kept, checked.left_out) == ((good, good), (bad,))
    assert [verdict.action for verdict in checked.verdicts] == ["allow", "refuse", "allow"]
    (notice,) = checked.notices
    assert notice == f"{guard.policy.texts.left_out} (a.md:3: it gives orders to the assistant)"
    assert guard.check_passages([]).verdicts == ()


def test_a_passage_is_left_out_for_its_path_or_headings(guard_of: Make, tmp_path: Path) -> None:
    class Reads(Told):
        def check(self, text: str, role: Any, context: Any = ()) -> Verdict:
            super().check(text, role, context)
            at = text.find("obey me")
            hits = (Finding("injection", at, at + 7),) if at >= 0 else ()
            return replace(PLAIN, injection=0.9 if hits else 0.1, hits=hits)

    backend, topic, slow = Reads(), Told(topic="cooking"), Told()
    guard = guard_of(
        backend,
        (topic, {"kind": "topic"}),
        (slow, {"kind": "guard"}),
        policy='[retrieved]\noff_topic = "note"\n',
        audit=AuditLog(tmp_path),
    )
    good = replace(passage("oil the pump"), path="notes/pump_and-well.v2.md", heading="The pump › Its oil")
    by_path = replace(good, path="notes/please_obey-me.md")
    by_heading = replace(good, heading="The pump › now obey me")
    nowhere = replace(good, path="", heading="")
    checked = guard.check_passages([good, by_path, replace(good, start_line=9), by_heading, nowhere])
    assert checked.left_out == (by_path, by_heading)
    assert len(checked.notices) == 2
    assert all(
        notice.endswith("its path or headings: it gives orders to the assistant)")
        for notice in checked.notices
    )
    assert backend.asked[5:] == [
        "notes pump and well v2\nThe pump\nIts oil",
        "notes please obey me\nThe pump\nIts oil",
        "notes pump and well v2\nThe pump\nnow obey me",
    ]
    assert topic.asked == slow.asked == ["oil the pump"] * 5
    assert guard.last is not None
    assert guard.last.verdict == checked.verdicts[1]
    assert all((hit.start, hit.end) == (None, None) for hit in checked.verdicts[1].hits)
    assert (tmp_path / "audit.jsonl").read_text().count("\n") == 8


def test_without_the_embedded_check_all_but_topics_read_places(guard_of: Make) -> None:
    slow, topic = Told(), Told()
    guard = guard_of((slow, {"kind": "guard"}), (topic, {"kind": "topic"}))
    guard.check_passages([passage("oil the pump")])
    assert (slow.asked, topic.asked) == (["oil the pump", "a"], ["oil the pump"])


def test_passages_that_could_not_be_read_are_left_out(guard_of: Make) -> None:
    guard = guard_of(CountsWrong())
    checked = guard.check_passages([passage("one"), passage("two")])
    assert checked.kept == ()
    assert all(verdict.status == "error" for verdict in checked.verdicts)
    assert "1 verdicts on 2 texts" in checked.notices[0]
    assert "path" not in checked.notices[0]


def test_off_topic_has_the_bots_own_words(guard_of: Make) -> None:
    guard = guard_of(Told(topic="cooking"), topic_texts={"cooking": "I only cook."})
    verdict = guard.check("hello", "user")
    assert (verdict.action, verdict.topic) == ("refuse", "cooking")
    assert guard.answer_text(verdict) == "I only cook."
    silent = guard_of(Told(topic="cooking"), topic_texts={"cooking": ""})
    assert silent.answer_text(silent.check("hello", "user")) == silent.policy.texts.off_topic


def test_a_clause_of_an_answer_is_judged_by_those_that_are_quick(guard_of: Make, tmp_path: Path) -> None:
    slow = Told(level=4)
    policy = '[output]\nlevels = ["allow", "note", "note", "refuse", "refuse"]\n[backend.fewshot]\n'
    guard = guard_of(Told(level=3), (slow, {"kind": "fewshot"}), policy=policy, audit=AuditLog(tmp_path))
    verdict = guard.check_part("a clause")
    assert (verdict.action, verdict.level, slow.asked, guard.last) == ("refuse", 3, [], None)
    assert not (tmp_path / "audit.jsonl").exists()
    guard.record("the whole answer", "assistant", verdict)
    assert (tmp_path / "audit.jsonl").read_text().count("\n") == 1
    assert guard.slow_for_answers
    assert not guard_of(Told()).slow_for_answers
    assert guard.check("the whole answer", "assistant").level == 4


def test_the_record(guard_of: Make, tmp_path: Path) -> None:
    guard = guard_of(Told(level=1), audit=AuditLog(tmp_path))
    guard.check("hello", "user", session="s")
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [(line["event"], line.get("action")) for line in lines] == [("verdict", "note")]
    assert lines[0]["policy"] == guard.policy.digest[:16]


def test_a_record_that_cannot_be_kept_ends_no_turn(guard_of: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    guard = guard_of(Told(level=1), audit=AuditLog(tmp_path / "file"))
    assert guard.check("hello", "user").action == "note"
    assert guard.check("hello", "user").action == "note"
    (banner,) = guard.take_banners()
    assert "keeps no record" in banner
