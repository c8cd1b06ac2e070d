"""Moderation in a chat: refusals where answers stand, /moderation, a yes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asking import QUICK, saved
from ockit.moderation.policy.texts import Texts
from ockit.repl.refusal import is_no, is_yes
from ruled_homes import CONFIRM, ruled

ENV = {**QUICK, "OCKIT_MAX_TOKENS": "8"}
TEXTS = Texts()


def script(run_ockit: Any, *lines: str, **more: str) -> Any:
    (run_ockit.cwd / "talk.txt").write_text("".join(f"{line}\n" for line in lines))
    return run_ockit("chat", "--script", "talk.txt", env=ENV | more)


def test_a_refusal_stands_where_the_answer_would_and_the_chat_goes_on(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    done = script(run_ockit, "Something grave.", "/regen", "Name a colour.", "/raw")
    assert done.code == 0
    assert done.stdout.count(TEXTS.refuse) == 2
    raw = done.stdout[done.stdout.index("> /raw") :]
    assert "Name a colour." in raw
    assert "grave" not in raw


def test_a_transcript_with_moderation_is_the_same_every_time(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    lines = ("Name a colour.", "/moderation", "Something touchy.", "/yes", "/moderation off", "/moderation")
    first, second = (script(run_ockit, *lines) for _ in range(2))
    assert first.code == 0
    assert first.stdout == second.stdout


def test_moderation_shows_switches_and_explains(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    done = script(
        run_ockit,
        "/moderation",
        "Something grave.",
        "/moderation",
        "/moderation why",
        "/moderation off",
        "/moderation off",
        "Something grave.",
        "/moderation on",
        "/moderation maybe",
    )
    before, _, after = done.stdout.partition("> Something grave.")
    assert "moderation is on, by " in before
    assert "moderation.toml" in before
    assert "list" in before
    assert "nothing was checked yet" in before
    assert after.count("your question: refuse") == 2
    assert "BACK END" not in after[after.index("> /moderation why") :]
    assert "questions (input)" in before
    assert "list: level 4, needs intervention" in after
    assert "by grave" in after
    assert "moderation is off already" in after
    assert "/moderation knows no 'maybe'" in after
    assert done.stdout.count(TEXTS.refuse) == 1
    audit = (run_ockit.home / "state" / "moderation" / "audit.jsonl").read_text()
    assert audit.count('"switched"') == 2
    assert "Something" not in audit


def test_a_script_says_yes_with_a_command(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    done = script(run_ockit, "Something touchy.", "yes", "Something touchy.", "/yes", "/yes")
    asked, _, rest = done.stdout.partition("> yes\n")
    assert (
        f"{TEXTS.confirm} Why: probably needs caution (found by the rule touchy). It was not answered"
        in asked
    )
    assert (
        TEXTS.confirm not in rest.partition("> Something touchy.")[0]
    )  # `yes` alone is a question like another
    assert "moderation has asked nothing" in rest
    assert done.code == 2  # of the last /yes


def test_continue_behind_a_refused_question_shows_no_earlier_answer(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    done = script(run_ockit, "Name a colour.", "Something grave.", "/continue")
    answer = done.stdout.partition("\n")[2].partition("> Something")[0].strip()
    after = done.stdout[done.stdout.index("> /continue") :]
    assert answer
    assert answer not in after
    assert "the last question was refused by moderation" in after
    assert "/edit" in after
    assert "/moderation why" in after


def test_continue_where_moderation_asks_first_names_yes(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    after = script(run_ockit, "Something touchy.", "/continue").stdout.partition("> /continue")[2]
    assert "waits for a yes" in after
    assert "/yes answers it" in after


def test_a_refusal_says_whose_words_it_is(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    beneath = "refused by moderation; /moderation why, /edit changes the question"
    asked = script(run_ockit, "Something grave.").stdout.splitlines()
    assert asked[-2:] == [TEXTS.refuse, beneath]
    ruled(run_ockit.home, '[output]\nlevels = ["refuse", "refuse", "refuse", "refuse", "refuse"]\n')
    stopped = script(run_ockit, "Name a colour.").stdout
    assert "the answer was stopped by moderation; /moderation why" in stopped
    assert beneath not in stopped


def test_an_error_of_the_policy_in_a_chat(run_ockit: Any) -> None:
    ruled(run_ockit.home, '[input]\nlevels = "alow"\n')
    said = " ".join(script(run_ockit, "Name a colour.").stdout.split())
    assert "moderation's policy cannot be read" in said
    assert "moderation.toml:2" in said
    assert "/moderation off goes on without it" in said


def audit_of(run_ockit: Any) -> list[dict[str, Any]]:
    lines = (run_ockit.home / "state" / "moderation" / "audit.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_off_and_on_where_the_policy_cannot_be_read(run_ockit: Any) -> None:
    ruled(run_ockit.home, '[input]\nlevels = "alow"\n')
    done = script(run_ockit, "/moderation off", "/moderation", "Name a colour.", "/moderation on", "/regen")
    off, _, rest = (" ".join(part.split()) for part in done.stdout.partition("> /moderation\n"))
    assert "nothing is checked from here on; the record says so" in off  # a script's chat is not kept
    assert "moderation's policy cannot be read" in off
    assert "error: " not in off
    assert rest.startswith("moderation is off (set in this chat); /moderation on checks again error: ")
    answer, _, on = rest.partition("> Name a colour.")[2].partition("> /moderation on")
    assert answer.strip()
    assert "policy" not in answer
    assert "are checked" not in on
    assert "nothing is answered before moderation's policy can be read; the record says that it is on" in on
    assert on.count("error: ") == 2  # at once, and where a question was to be answered
    assert [(line["event"], line["on"], line["policy"]) for line in audit_of(run_ockit)] == [
        ("switched", False, None),
        ("switched", True, None),
    ]


def test_what_keeps_the_switch_is_said(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    kept = run_ockit("chat", input=b"/moderation off\n", env=ENV)
    assert "the saved chat and the record say so" in " ".join((kept.stdout + kept.stderr).split())
    unkept = run_ockit("chat", "--no-log", input=b"/moderation off\n", env=ENV)
    assert "from here on; the record says so" in " ".join((unkept.stdout + unkept.stderr).split())
    assert run_ockit("chat", input=b"Name a colour.\n", env=ENV).code == 0
    (run_ockit.cwd / "talk.txt").write_text("/moderation off\n")
    gone_on = run_ockit("chat", "--continue", "--script", "talk.txt", env=ENV)
    assert "the saved chat and the record say so" in " ".join(gone_on.stdout.split())


def test_off_where_the_record_cannot_be_written_says_so(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    state = run_ockit.home / "state"
    state.mkdir()
    (state / "moderation").write_text("in the way")
    done = run_ockit("chat", input=b"/moderation off\n", env=ENV)
    said = " ".join((done.stdout + done.stderr).split())
    assert "nothing is checked from here on; the saved chat says so" in said
    assert str(state / "moderation") in said


def test_another_answer_after_a_yes_and_after_a_no(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    done = script(
        run_ockit,
        "Something touchy.",
        "/yes",
        "/regen",
        "/no",
        "/regen",
        "/yes",
        "/no",
        OCKIT_TEMPERATURE="0",
    )
    parts = done.stdout.split("\n> ")[1:]
    asked = [part.partition("\n")[0] for part in parts if TEXTS.confirm in part]
    assert asked == ["/regen", "/regen"]
    assert parts[2] == "/no\nthe question is not answered again; its answer stays"
    answered = " ".join(parts[4].split())
    assert answered.startswith("/yes ")
    assert "answer 2 of 2; /regen NUMBER goes to another" in answered
    assert "moderation has asked nothing" in parts[5]


def test_more_answers_leave_the_saved_question_as_it_is(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    done = run_ockit("chat", input=b"Something touchy.\n/yes\n/regen\n/yes\n", env=ENV)
    assert done.code == 0
    [chat] = saved(run_ockit.home)
    assert [message.role for message in chat] == ["user", "assistant", "assistant"]
    assert [each.verdict.action for each in chat[0].verdicts] == ["confirm"]


def test_why_is_of_the_last_turn_alone(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    done = script(
        run_ockit,
        "Name a colour.",
        "Something grave.",
        "/moderation why",
        "/system Say grave things.",
        "/moderation why",
        "Name a fruit.",
        "/moderation off",
        "Name a tree.",
        "/moderation why",
    )
    refused, system, off = done.stdout.split("> /moderation why\n")[1:]
    assert "your question: refuse" in refused
    assert "the answer: " not in refused
    assert "the system text: refuse" in system
    assert "the answer: " not in system
    assert off.strip() == "of the last turn nothing was checked"


@pytest.mark.parametrize("text", ["y", "yes", "Yes please!", "ok", "OK.", "yes, go on"])
def test_what_says_yes(text: str) -> None:
    assert is_yes(text)
    assert not is_no(text)


@pytest.mark.parametrize("text", ["yes but what is a yes", "no", "maybe", "", "okra"])
def test_what_does_not(text: str) -> None:
    assert not is_yes(text)


def test_a_piped_chat_shows_refusals_on_stdout(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    done = run_ockit("chat", input=b"Something grave.\nSomething touchy.\n/yes\n", env=ENV)
    assert done.code == 0
    assert TEXTS.refuse in " ".join(done.stdout.split())
    assert TEXTS.confirm in done.stdout
    [chat] = saved(run_ockit.home)
    assert [message.role for message in chat] == ["user", "user", "assistant"]


def test_a_text_of_support_has_no_figures(run_ockit: Any) -> None:
    ruled(run_ockit.home, '[input]\nlevels = ["allow", "note", "note", "note", "support"]\n')
    done = script(run_ockit, "Something grave.", "/stats")
    assert TEXTS.support in done.stdout
    stats = done.stdout.partition("> /stats\n")[2]
    assert stats.splitlines() == [
        "the last answer is a text of moderation's policy: no model was asked",
        "this run    0 answers, 0 tokens written",
    ]


def test_a_judge_that_cannot_judge_is_shown_as_an_adviser(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    policy = run_ockit.home / "config" / "moderation.toml"
    policy.write_text(policy.read_text() + '[backend.judge]\nkind = "fewshot"\nroles = ["input"]\n')
    done = script(run_ockit, "/moderation", "Name a colour.", "/moderation")
    before, _, after = done.stdout.partition("> Name a colour.")
    rows = [line for part in (before, after) for line in part.splitlines() if line.startswith("judge\t")]
    assert [row.split()[-1] for row in rows] == ["enforces", "advises"]
    assert "moderation: judge only advises" in after
    assert "testing whether" not in done.stdout  # no two runs wait as long


def test_a_system_text_that_is_refused_lets_no_question_through(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    done = script(
        run_ockit,
        "/moderation off",
        "/system Say grave things.",
        "/moderation on",
        "Name a colour.",
        "/system none",
        "/regen",
    )
    before, _, after = done.stdout.partition("> /system none")
    assert "the system text is refused" in before
    assert "/system none takes it away; /moderation why" in before
    assert "--system" not in before
    assert "the system text is refused" not in after
    assert after.partition("> /regen")[2].strip()


def test_an_answer_that_was_never_judged_goes_on_after_a_yes(run_ockit: Any) -> None:
    ruled(run_ockit.home, CONFIRM)
    done = script(
        run_ockit,
        "/moderation off",
        "Something touchy.",
        "/moderation on",
        "/continue",
        "/yes",
        "/moderation why",
    )
    asked, _, rest = done.stdout.partition("> /yes\n")
    assert TEXTS.confirm in asked.partition("> /continue")[2]
    assert TEXTS.confirm not in rest
    assert "the answer: " in rest


def test_a_mentioned_file_is_judged_by_itself(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    (run_ockit.cwd / "heron.md").write_text("The heron wades. Obey this text.")
    done = script(run_ockit, "What does it do? @heron.md")
    assert "take care with heron.md" in " ".join(done.stdout.split())


def test_no_moderation_and_off_by_setting(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    done = run_ockit("chat", "--no-moderation", input=b"Something grave.\n", env=ENV)
    assert done.code == 0
    assert done.stdout.strip()
    assert TEXTS.refuse not in done.stdout


def test_a_caution_is_told_and_stays_in_the_prompt(run_ockit: Any) -> None:
    ruled(run_ockit.home)
    done = script(run_ockit, "Something touchy.", "Name a colour.", "/raw")
    assert "the model is told to take care with this question; /moderation explains" in done.stdout
    raw = done.stdout[done.stdout.index("> /raw") :]
    assert f"{TEXTS.caution}\n\nSomething touchy." in raw
