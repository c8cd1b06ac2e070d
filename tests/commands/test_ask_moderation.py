"""``ockit ask`` under moderation: exit 5, nothing on stdout, what JSON says, the way to say yes."""

from __future__ import annotations

import json
from typing import Any

from asking import QUICK, error_of, json_of, saved
from ockit.moderation.policy.texts import Texts
from ruled_homes import CONFIRM, ruled

ENV = {**QUICK, "OCKIT_MAX_TOKENS": "8"}
TEXTS = Texts()


def test_a_refused_question_ends_with_5_and_nothing_on_stdout(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    done = run_ockit("ask", "Something grave", env=ENV)
    said = error_of(done, 5)
    assert TEXTS.refuse in " ".join(said.split())
    assert done.stdout == ""
    [[asked]] = saved(run_ockit.home)
    assert [each.verdict.action for each in asked.verdicts] == ["refuse"]
    assert run_ockit("ask", "Something grave", "--no-moderation", env=ENV).code == 0
    shown = json_of(run_ockit("sessions", "show", "last", "--json"))
    assert shown["session"]["metadata"]["moderation"][0]["on"] is False


def test_json_has_every_verdict(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    found = json_of(run_ockit("ask", "Name a colour", "--json", env=ENV))
    assert [(each["role"], each["verdict"]["action"]) for each in found["moderation"]] == [
        ("user", "allow"),
        ("assistant", "allow"),
    ]
    assert "refusal" not in found
    refused = json_of(run_ockit("ask", "Something grave", "--json", env=ENV), 5)
    assert (refused["text"], refused["finish_reason"]) == ("", "refused")
    assert refused["refusal"] == TEXTS.refuse
    assert refused["moderation"][0]["verdict"]["level"] == 4
    assert refused["message_id"] is None
    exported = json_of(run_ockit("sessions", "export", "last", "--format", "json"))
    assert exported["messages"][0]["verdicts"][0]["verdict"]["action"] == "refuse"


def test_jsonl_has_the_refusal_as_a_notice(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    done = run_ockit("ask", "Something grave", "--jsonl", env=ENV)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.code == 5
    assert [line["event"] for line in lines] == ["start", "moderated", "notice", "end"]
    assert (lines[2]["kind"], lines[2]["text"]) == ("refused", TEXTS.refuse)
    assert lines[3]["finish_reason"] == "refused"


def test_what_moderation_asks_about_is_answered_with_yes(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    done = run_ockit("ask", "Something touchy", env=ENV)
    said = error_of(done, 5)
    assert TEXTS.confirm in said
    assert "--yes" in said
    assert done.stdout == ""
    agreed = run_ockit("ask", "Something touchy", "--yes", env=ENV)
    assert agreed.code == 0
    assert agreed.stdout.strip()
    assert error_of(run_ockit("ask", "Something grave", "--yes", env=ENV), 5)


def test_a_policy_that_cannot_be_read_is_told_with_its_line(run_ockit: Any) -> None:
    ruled(run_ockit.home, '[input]\nlevels = "alow"\n')
    said = error_of(run_ockit("ask", "Name a colour", env=ENV), 2)
    assert "moderation.toml:2" in said
    assert run_ockit("ask", "Name a colour", "--no-moderation", env=ENV).code == 0


def test_a_check_that_cannot_run_answers_nothing(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    (run_ockit.home / "config" / "rules.toml").unlink()
    done = run_ockit("ask", "Name a colour", env=ENV)
    assert done.code == 5
    assert done.stdout == ""
    assert TEXTS.unavailable in " ".join(done.stderr.split())
    assert "rules.toml" in done.stderr


def test_an_answer_that_is_cut_ends_with_5(run_ockit: Any) -> None:
    ruled(run_ockit.home, '[output]\nlevels = ["refuse", "refuse", "refuse", "refuse", "refuse"]\n')
    done = run_ockit("ask", "Name a colour", env=ENV)
    assert TEXTS.refuse_output in " ".join(error_of(done, 5).split())
    assert done.stdout == ""


def test_the_setting_and_the_flag(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    assert run_ockit("config", "set", "moderation", "off").code == 0
    assert run_ockit("ask", "Something grave", env=ENV).code == 0
    assert run_ockit("ask", "Something grave", "--moderation", env=ENV).code == 5
