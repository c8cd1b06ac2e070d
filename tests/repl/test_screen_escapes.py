"""What steers or hides comes with a saved chat, a file's name, a paste; the drawn chat's terminal gets none of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from asking import QUICK
from drawn_chat import enter, leave, started
from escapes import ALL, ESC, FORBIDDEN
from ockit.environment import Directories
from ockit.sessions.store import Store
from terminal import terminal

ENV = {**QUICK, "OCKIT_MAX_TOKENS": "2"}
# what prompt_toolkit and the renderer send: colours, moves, erasing, modes, the cursor saved and restored
OURS = re.compile(r"\x1b\[[?\d;]*[mABCDHJKhl]|\x1b[78]")
# of these, none with such a parameter is ours
THEIRS = f"{ESC}[97;41;5m"


def leaked(raw: bytes) -> set[str]:
    """What got through."""
    text = raw.decode("utf-8", "surrogateescape")
    found = {THEIRS} if THEIRS in text else set()
    return found | (FORBIDDEN - {"\r"}) & set(OURS.sub("", text))


def test_the_check_sees_what_leaks() -> None:
    assert leaked(b"\x1b[0;36m> \x1b[?25h\r\n") == set()
    assert leaked(f"{ESC}]0;title".encode()) == {ESC}
    assert leaked("\u202e".encode()) == {"\u202e"}
    assert leaked(THEIRS.encode()) == {THEIRS}


def test_a_hostile_chat(run_ockit: Any, ockit_home: Path) -> None:
    hostile = THEIRS + "".join(ALL)
    with Store.of(Directories.of({"OCKIT_HOME": str(ockit_home)})) as store:
        session = store.start(model="smollm2-135m-instruct", title=hostile, system=hostile)
        asked = store.add_user(session, f"question {hostile}", parent=None)
        answer = store.begin_answer(session, asked, model=hostile, sampling={})
        text = "# %\n\n- %\n\n`%`\n\n```%\n%\n```\n\n|a|b|\n|-|-|\n|%|x|\n".replace("%", hostile)
        store.finish(answer, text=text, token_ids=(), state="complete", finish_reason="stop")
    (run_ockit.cwd / f"file{ESC}]0;x.md").write_text("x")
    with terminal(run_ockit, "chat", "--continue", env=ENV) as screen:
        started(screen)
        for text in (
            "/sessions",
            "/find question",
            "/system",
            "/context",
            "/params",
            "/stats",
            "/copy nothing",
        ):
            enter(screen, text)
        enter(screen, "/edit")
        screen.look(0.5)
        screen.interrupt()
        screen.send("look at @fi")
        screen.look(0.7)
        screen.interrupt()
        screen.send(b"\x1b[200~" + hostile.encode("utf-8", "replace") + b"\x1b[201~")
        screen.look(0.5)
        screen.interrupt()
        screen.look(0.2)
        enter(screen, "/raw")
        enter(screen, f"/export {'x'}.txt")
        leave(screen)
        assert leaked(screen.raw) == set()
        assert b"<U+202E>" in screen.raw
