"""``ockit chat`` with no terminal: lines in, answers out, and the first error ends it."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, error_of, saved

ENV = {**QUICK, "OCKIT_TEMPERATURE": "0", "OCKIT_MAX_TOKENS": "8"}


@pytest.fixture
def chat(run_ockit: Any) -> Any:
    def run(text: str | bytes, *args: str, **options: Any) -> Any:
        data = text.encode() if isinstance(text, str) else text
        return run_ockit("chat", *args, input=data, **{"env": ENV, **options})

    return run


def test_every_line_is_answered_on_stdout(chat: Any, ockit_home: Path) -> None:
    done = chat("Name a colour.\n\nAnother?\r\nAnd one more")
    assert done.code == 0
    ((*messages,),) = saved(ockit_home)
    answers = [message.text for message in messages if message.role == "assistant"]
    assert [message.text for message in messages if message.role == "user"] == [
        "Name a colour.",
        "Another?",
        "And one more",
    ]
    assert done.stdout == "".join(answer + "\n" for answer in answers)
    assert "> " not in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_commands_work_there_too(chat: Any, ockit_home: Path) -> None:
    done = chat("/system You are terse.\n/system\nHi\n/new\nHello\n/exit\nnever said\n")
    assert done.code == 0
    assert done.stdout.startswith("You are terse.\n")
    assert [session[0].text for session in saved(ockit_home)] == ["Hi", "Hello"]


def test_no_input_no_session(chat: Any, ockit_home: Path) -> None:
    assert chat("").code == 0
    assert chat("\n  \n").code == 0
    assert saved(ockit_home) == []


def test_no_log(chat: Any, ockit_home: Path) -> None:
    assert chat("A secret.\n", "--no-log").code == 0
    assert saved(ockit_home) == []


def test_the_first_error_ends_it(chat: Any, ockit_home: Path) -> None:
    assert "there is no command /nonsense" in error_of(chat("/nonsense\nHi\n"), 2)
    assert "not UTF-8" in error_of(chat(b"caf\xe9\nHi\n"), 2)
    assert "tokens" in error_of(chat("word " * 2000 + "\nHi\n"), 4)
    assert all(session[0].text != "Hi" for session in saved(ockit_home))


def test_a_line_without_end(chat: Any) -> None:
    error_of(chat(b"x" * (60 << 20)), 4)


def test_a_nul_byte(chat: Any) -> None:
    done = chat(b"a\0b\n")
    assert done.code in (0, 2)
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


def test_a_block_that_never_ends_is_not_lost(chat: Any, ockit_home: Path) -> None:
    done = chat('"""\none\ntwo\n')
    assert done.code == 0, done
    assert saved(ockit_home)[0][0].text == "one\ntwo"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(number: int, run_ockit: Any, ockit_home: Path) -> None:
    process = subprocess.Popen(
        [*run_ockit.command(), "chat", "--max-tokens", "900"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=run_ockit.variables(ENV | {"OCKIT_MAX_TOKENS": "900"}),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"Tell me a very long story.\nAnd another one.\n")
    process.stdin.flush()
    assert process.stdout.read(10)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == (130 if number == signal.SIGINT else 143)
    assert b"Traceback" not in err
    ((_, answer, *rest),) = saved(ockit_home)
    assert rest == []
    assert answer.state == "interrupted"
    assert answer.text
