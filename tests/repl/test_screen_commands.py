"""Every command inside the drawn chat, typed on a pseudo-terminal."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, saved
from drawn_chat import bar, enter, leave, rests, started
from ockit.environment import Directories
from ockit.repl.slash_table import TABLE
from ockit.sessions.store import Store
from terminal import Terminal, terminal

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "6", "NO_COLOR": "1"}
TEXT = "The first paragraph.\n\n- one\n- two\n\n```python\nprint('hello')\n```\n"


def flat(text: str) -> str:
    return " ".join(text.split())


def chats(home: Path) -> Store:
    return Store.of(Directories.of({"OCKIT_HOME": str(home)}))


def keep(home: Path, *turns: str) -> str:
    """A saved chat of questions and answers; gives its id."""
    with chats(home) as store:
        session, parent = store.start(model="smollm2-135m-instruct"), None
        for number, text in enumerate(turns):
            if number % 2 == 0:
                parent = store.add_user(session, text, parent=parent)
            else:
                assert parent is not None
                parent = store.begin_answer(session, parent, model="smollm2-135m-instruct", sampling={})
                store.finish(parent, text=text, token_ids=(), state="complete", finish_reason="stop")
    return session


@pytest.fixture
def screen(run_ockit: Any) -> Any:
    with terminal(run_ockit, "chat", env=ENV, size=(60, 100)) as opened:
        started(opened)
        yield opened


def test_help_lists_every_command(screen: Terminal) -> None:
    shown = enter(screen, "/help")
    for command in TABLE:
        assert re.search(rf"^/{command.name}\b.*{re.escape(command.summary[:20])}", shown, re.M), command.name
    leave(screen)


def test_an_unknown_command_is_never_sent(screen: Terminal, ockit_home: Path) -> None:
    assert "there is no command /sytem" in enter(screen, "/sytem You are terse.")
    assert "try: /system" in screen.screen
    assert "there is no command /etc/passwd" in enter(screen, "/etc/passwd is a file")
    enter(screen, "//etc/passwd is a file")
    leave(screen)
    assert [m.text for s in saved(ockit_home) for m in s if m.role == "user"] == ["/etc/passwd is a file"]


def test_model_and_models(screen: Terminal, run_ockit: Any, embedded_model: Path) -> None:
    copy = run_ockit.cwd / "other.gguf"
    shutil.copy(embedded_model, copy)
    assert "smollm2-135m-instruct" in enter(screen, "/model")
    enter(screen, "Name a colour.")
    assert re.search(r"\*\s+smollm2-135m-instruct", enter(screen, "/models"))
    shown = flat(enter(screen, f"/model {copy}"))
    assert "answers from now on; the conversation so far goes along" in shown
    screen.until(lambda s: " other " in bar(s), "the other model's name")
    assert "there is no model 'nope'" in flat(enter(screen, "/model nope"))
    enter(screen, "Another.")
    leave(screen)


def test_system_raw_and_template(screen: Terminal) -> None:
    assert "none: the template's own" in enter(screen, "/system")
    assert "no prompt was sent yet" in enter(screen, "/raw")
    assert "the system text is set" in enter(screen, "/system You are terse.")
    enter(screen, "Name a colour.")
    shown = enter(screen, "/raw")
    assert "⟦<|im_start|>⟧system\nYou are terse.⟦<|im_end|>⟧" in shown
    assert "⟦<|im_start|>⟧user\nName a colour.⟦<|im_end|>⟧" in shown
    assert "\nchatml" in enter(screen, "/template") or "smollm" in screen.screen
    assert "laid out as alpaca" in enter(screen, "/template alpaca")
    enter(screen, "Another.")
    assert "### Instruction:" in enter(screen, "/raw")
    assert "error: there is no chat template 'nope'" in flat(enter(screen, "/template nope"))
    assert "the system text is gone" in enter(screen, "/system none")
    leave(screen)


def test_condition(screen: Terminal) -> None:
    assert "has no conditions" in flat(enter(screen, "/condition"))
    enter(screen, "/template openchat")
    assert "* GPT4 Correct" in enter(screen, "/condition")
    assert "the condition is Code" in enter(screen, "/condition Code")
    enter(screen, "Sort a list.")
    assert "Code User: Sort a list." in enter(screen, "/raw")
    assert "has no condition 'Nope'" in flat(enter(screen, "/condition Nope"))
    leave(screen)


def test_set_and_params(screen: Terminal, ockit_home: Path) -> None:
    assert "temperature is 0.2" in enter(screen, "/set temperature 0.2")
    assert '/set temperature is "9999", but must be' in flat(enter(screen, "/set temperature 9999"))
    assert "error:" in screen.screen
    shown = enter(screen, "/params")
    assert re.search(r"temperature\s+0\.2\s+set in this chat", shown)
    assert re.search(r"max_tokens\s+6\s+OCKIT_MAX_TOKENS", shown)
    assert re.search(r"top_k\s+40\s+default", shown)
    assert "there is no parameter 'tempratur'" in flat(enter(screen, "/set tempratur 1"))
    enter(screen, "/set seed=7")
    enter(screen, "/set ctx_size 512")
    enter(screen, "Name a colour.")
    assert "/512 tokens" in bar(screen)
    leave(screen)
    ((_, answer),) = saved(ockit_home)
    assert answer.sampling is not None
    assert answer.sampling["temperature"] == 0.2
    assert answer.seed == 7


def test_context_pin_and_file(screen: Terminal, run_ockit: Any, ockit_home: Path) -> None:
    (run_ockit.cwd / "notes.md").write_text("The secret word is heron.")
    enter(screen, "Name a colour.")
    assert "question 1 and its answer stay" in enter(screen, "/pin")
    shown = enter(screen, "/context")
    assert re.search(r"question 1\s+\d+\s+pinned", shown)
    assert re.search(r"free\s+\d+\s+of 1024", shown)
    assert "no longer pinned: 1" in enter(screen, "/pin off 1")
    assert "notes.md (25 characters)" in enter(screen, "/file notes.md")
    assert "notes.md" in enter(screen, "/file")
    enter(screen, "What is the word?")
    assert "nothing is attached" in enter(screen, "/file")
    assert "no such file" in flat(enter(screen, "/file nope.md"))
    enter(screen, "Again: @notes.md what is it?")
    leave(screen)
    texts = [m.text for s in saved(ockit_home) for m in s if m.role == "user"]
    assert texts[1] == "notes.md:\n\nThe secret word is heron.\n\nWhat is the word?"
    assert texts[2].startswith("notes.md:\n\nThe secret word is heron.\n\nAgain: ")


def test_sessions_resume_and_new(screen: Terminal, ockit_home: Path) -> None:
    keep(ockit_home, "What is a heron?", TEXT)
    enter(screen, "Name a colour.")
    shown = enter(screen, "/sessions")
    assert "Name a colour." in shown
    assert "What is a heron?" in shown
    shown = enter(screen, "/resume 2")
    assert "> What is a heron?" in shown
    assert "The first paragraph." in shown
    enter(screen, "And a stork?")
    enter(screen, "/new")
    enter(screen, "Name a fruit.")
    assert "there is no session 'nope'" in flat(enter(screen, "/resume nope"))
    leave(screen)
    asked = sorted([m.text for m in s if m.role == "user"] for s in saved(ockit_home))
    assert asked == [["Name a colour."], ["Name a fruit."], ["What is a heron?", "And a stork?"]]


def test_find_opens_at_the_hit(screen: Terminal, ockit_home: Path) -> None:
    keep(ockit_home, "Of herons", "They wade.", "Of storks", "They clap.")
    keep(ockit_home, "Of herons again", "They fly.")
    assert "no saved chat holds 'zebra'" in enter(screen, "/find zebra")
    shown = enter(screen, "/find herons")
    assert re.search(r"1\s+user\s+Of herons", shown)
    assert re.search(r"2\s+user\s+Of herons", shown)
    enter(screen, "/clear")
    shown = enter(screen, "/find wade")
    assert "They wade." in shown
    assert "They clap." not in shown
    assert "goes to its end" in flat(shown)
    enter(screen, "Go on from there.")
    leave(screen)
    with chats(ockit_home) as store:
        found = [m for s in store.list(None) for m in store.messages(s.id)]
    (asked,) = (m for m in found if m.text == "Go on from there.")
    assert next(m.text for m in found if m.id == asked.parent_id) == "They wade."


def test_regen_keeps_the_old_answer_beside_the_new(screen: Terminal, ockit_home: Path) -> None:
    enter(screen, "/set temperature 1.5")
    enter(screen, "/set seed 3")
    enter(screen, "Tell me a story.")
    assert "answer 2 of 2" in enter(screen, "/regen")
    enter(screen, "/regen 1")
    leave(screen)
    ((asked, *answers),) = saved(ockit_home)
    assert len(answers) == 2
    assert {answer.parent_id for answer in answers} == {asked.id}
    assert answers[0].text != answers[1].text
    with chats(ockit_home) as store:
        assert store.get("last").head == answers[0].id


def test_edit_branches_and_undo_rewinds(screen: Terminal, ockit_home: Path) -> None:
    enter(screen, "Name a colour.")
    enter(screen, "Name a fruit.")
    enter(screen, "/edit")
    screen.until(lambda s: s.rows[s.cursor[0]] == "> Name a fruit.", "the question in the input line")
    screen.send("\x7f!\r")
    screen.until(lambda s: rests(s) and "> Name a fruit!" in s.screen)
    enter(screen, "/edit 1")
    screen.until(lambda s: s.rows[s.cursor[0]] == "> Name a colour.")
    screen.interrupt()
    screen.until(lambda s: s.rows[s.cursor[0]] == ">")
    screen.interrupt()
    assert "the edit is taken back; the question is again: Name a fruit." in flat(enter(screen, "/undo"))
    assert "taken back: Name a fruit." in enter(screen, "/undo")
    enter(screen, "Name a bird.")
    leave(screen)
    with chats(ockit_home) as store:
        session = store.get("last")
        path = [m.text for m in store.path_to(session.head or "") if m.role == "user"]
        every = [m.text for m in store.messages(session.id) if m.role == "user"]
    assert path == ["Name a colour.", "Name a bird."]
    assert every == ["Name a colour.", "Name a fruit.", "Name a fruit!", "Name a bird."]


def test_continue_goes_on_with_a_cut_answer(screen: Terminal, ockit_home: Path) -> None:
    assert "cut after 6 tokens; /continue goes on" in enter(screen, "Tell me a long story.")
    enter(screen, "/continue")
    leave(screen)
    ((_, answer),) = saved(ockit_home)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 12


def test_save_and_export(screen: Terminal, run_ockit: Any, ockit_home: Path) -> None:
    assert "nothing to save yet" in enter(screen, "/save")
    enter(screen, "Name a colour.")
    assert "saved as Colours of mine" in enter(screen, "/save Colours of mine")
    screen.until(lambda s: "Colours of mine" in bar(s))
    assert "2 messages written to out.md" in enter(screen, "/export out.md")
    enter(screen, "/export out.json")
    assert "exists already" in flat(enter(screen, "/export out.md"))
    leave(screen)
    assert "# Colours of mine" in (run_ockit.cwd / "out.md").read_text()
    assert len(json.loads((run_ockit.cwd / "out.json").read_text())["messages"]) == 2


def test_a_chat_begun_with_no_log_can_be_saved(run_ockit: Any, ockit_home: Path) -> None:
    with terminal(run_ockit, "chat", "--no-log", env=ENV) as screen:
        started(screen)
        enter(screen, "Name a colour.")
        assert saved(ockit_home) == []
        enter(screen, "/save")
        assert "saved as Name a colour." in screen.screen
        enter(screen, "Another.")
        leave(screen)
    assert [m.text for m in saved(ockit_home)[0] if m.role == "user"] == ["Name a colour.", "Another."]
    assert not (ockit_home / "state" / "history").exists()


def test_stats_copy_and_clear(screen: Terminal, ockit_home: Path) -> None:
    assert "no answer was given yet" in enter(screen, "/stats")
    assert "no answer to copy yet" in flat(enter(screen, "/copy"))
    enter(screen, "Name a colour.")
    shown = enter(screen, "/stats")
    assert re.search(r"answer\s+\d+ tokens", shown)
    assert re.search(r"writing\s+\d+ tokens in .* a second", shown)
    enter(screen, "/copy")
    found = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)(?:\x07|\x1b\\)", screen.raw)
    assert found is not None
    assert base64.b64decode(found[1]).decode() == saved(ockit_home)[0][1].text
    assert "holds no code block" in flat(enter(screen, "/copy code"))
    shown = enter(screen, "/clear")
    assert "> Name a colour." not in shown
    enter(screen, "Another.")
    assert len(saved(ockit_home)) == 1
    leave(screen)


@pytest.mark.parametrize("word", ["/exit", "/quit", "/bye"])
def test_the_ways_out(word: str, screen: Terminal) -> None:
    screen.send(word + "\r")
    assert screen.end() == 0


def test_continue_and_session_at_the_start(run_ockit: Any, ockit_home: Path) -> None:
    old = keep(ockit_home, "What is a heron?", "A bird.")
    keep(ockit_home, "What is a stork?", "Another bird.")
    with terminal(run_ockit, "chat", "--continue", env=ENV) as screen:
        started(screen)
        screen.until(lambda s: "Another bird." in s.screen)
        enter(screen, "And its legs?")
        leave(screen)
    with terminal(run_ockit, "chat", "--session", old, env=ENV) as screen:
        started(screen)
        screen.until(lambda s: "A bird." in s.screen)
        leave(screen)
    with terminal(run_ockit, "chat", "--session", "nope", env=ENV) as screen:
        assert screen.end() == 3
        assert "there is no session 'nope'" in screen.screen
    asked = [[m.text for m in s if m.role == "user"] for s in saved(ockit_home)]
    assert ["What is a stork?", "And its legs?"] in asked


def test_a_file_at_the_start(run_ockit: Any, ockit_home: Path) -> None:
    (run_ockit.cwd / "notes.md").write_text("The secret word is heron.")
    with terminal(run_ockit, "chat", "-f", "notes.md", env=ENV) as screen:
        started(screen)
        enter(screen, "What is the word?")
        leave(screen)
    assert saved(ockit_home)[0][0].text.startswith("notes.md:\n\nThe secret word is heron.")
    with terminal(run_ockit, "chat", "-f", "nope.md", env=ENV) as screen:
        assert screen.end() == 3
