"""Sequences that steer a terminal come from a model, a file name, a model's name and an error; none gets there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from asking import QUICK, saved
from escapes import ALL, ESC, FORBIDDEN, escaped
from terminal import Terminal, terminal
from tiny_models import write_model

ENV = {**QUICK, "NO_COLOR": "1"}


@pytest.fixture
def shown(run_ockit: Any) -> Callable[..., bytes]:
    """``shown(*args, code=0)``: every byte that a command sent to its terminal."""

    def run(*args: str, code: int = 0) -> bytes:
        with terminal(run_ockit, *args, env=ENV) as screen:
            assert screen.end() == code, screen.screen
            return screen.raw

    return run


def literal(text: str) -> str:
    """A GBNF string of exactly this text."""
    return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'


def test_there_are_a_hundred_and_each_has_something_to_hide() -> None:
    assert len(set(ALL)) == 100
    assert all(set(text) & FORBIDDEN for text in ALL)
    assert escaped(f"fine\r\n{ESC}[31m".encode()) == {ESC}


def test_what_a_model_says(shown: Callable[..., bytes], tmp_path: Path, ockit_home: Path) -> None:
    """A grammar makes a model, one with a token for every byte, say all of them: its answer holds them, the terminal
    gets none."""
    model = write_model(tmp_path / "bytes.gguf", weights="F16", n_ctx=4096)
    whole = "".join(f"<{number}>{text}" for number, text in enumerate(ALL))
    (tmp_path / "say.gbnf").write_text(f"root ::= {literal(whole)}")
    args = ("-m", str(model), "--ctx-size", "4096", "--max-tokens", "4000")
    raw = shown("ask", *args, "--grammar", str(tmp_path / "say.gbnf"), "Speak.")
    assert saved(ockit_home)[0][1].text == whole
    assert escaped(raw) == set()
    text = "".join(raw.decode().split())
    places = [text.index(f"<{number}>") for number in range(100)]
    assert all(end - start > len(f"<{number}>") for number, (start, end) in enumerate(pairwise(places)))
    assert "<U+001B>]52;c;ZWNobyBoaQ==<U+0007>" in text
    assert "<U+202E>gpj.exe" in text

    for args in (["show", "last"], ["list"], ["search", "gpj"], ["export", "last", "--format", "md"]):
        assert escaped(shown("sessions", *args)) == set()
    piped = subprocess.run(
        [str(Path(os.sys.executable).with_name("ockit")), "sessions", "show", "last", "--json"],
        env={**os.environ, "OCKIT_HOME": str(ockit_home)},
        capture_output=True,
        check=True,
    )
    assert escaped(piped.stdout) == set()


def test_what_a_person_pastes(shown: Callable[..., bytes]) -> None:
    """A question, a system text, a title in a list: all of them the person's, from wherever they were copied."""
    shown("ask", "--max-tokens", "2", "--system", "".join(ALL[:50]), "".join(ALL[50:]))
    for args in (["list"], ["show", "last"]):
        assert escaped(shown("sessions", *args)) == set()


def test_a_file_name(shown: Callable[..., bytes], tmp_path: Path, ockit_home: Path) -> None:
    """Files of all these names are attached: the names stand in the question, and in what is said of files."""
    names = [f"{number}{text.replace('/', '_')}.txt" for number, text in enumerate(ALL)]
    for name in names:
        (tmp_path / name).write_text("x")
    attached = [word for name in names for word in ("-f", str(tmp_path / name))]
    assert escaped(shown("ask", "--ctx-size", "256", *attached, "x", code=4)) == set()
    question = saved(ockit_home)[0][0].text
    assert all(name in question for name in names)
    assert escaped(shown("sessions", "show", "last")) == set()
    for name in names[::25]:
        assert escaped(shown("ask", "-f", name, "x", code=3)) == set()
        (tmp_path / name).write_bytes(b"caf\xe9")
        assert escaped(shown("ask", "-f", str(tmp_path / name), "x", code=2)) == set()


def chat_on(run_ockit: Any, path: Path) -> bytes:
    with terminal(
        run_ockit, "chat", "-m", str(path), "--max-tokens", "2", env={**ENV, "ACCESSIBLE": "1"}
    ) as screen:
        screen.wait_for("> ")
        screen.line("hi")
        screen.wait_for(r"hi\r\n.*?> \Z")
        screen.send("\x04")
        screen.end()
        return Terminal.without_readline(screen.raw)


def test_the_name_of_a_model(run_ockit: Any, shown: Callable[..., bytes], tmp_path: Path) -> None:
    """Its file's name and what the file says of itself, in every command that names a model."""
    whole = "".join(ALL)
    named = write_model(tmp_path / "named.gguf", weights="F16", name=whole)
    bad = write_model(tmp_path / f"{ESC}]0;x\x07\u202e\x9b31m\r.gguf", weights="F16", name=f"{ESC}[2J{whole}")
    broken = tmp_path / f"{ESC}[31m\u202ebroken.gguf"
    broken.write_bytes(b"GGUF" + whole.encode())
    for path in (named, bad):
        assert escaped(shown("inspect", str(path))) == set()
        assert escaped(shown("ask", "-m", str(path), "--max-tokens", "2", "x")) == set()
        assert escaped(shown("models", "add", str(path))) == set()
        assert escaped(chat_on(run_ockit, path)) == set()
    for args in (["list"], ["list", "--json"]):
        assert escaped(shown("models", *args)) == set()
    for args in (["ask", "-m", str(broken), "x"], ["inspect", str(broken)], ["models", "add", str(broken)]):
        assert escaped(shown(*args, code=1)) == set()


def test_a_template_and_a_tokenizer_that_hide_something(shown: Callable[..., bytes], tmp_path: Path) -> None:
    template = "{# " + "".join(ALL) + " #}{{ messages[0]['content'] }}"
    path = write_model(tmp_path / "template.gguf", weights="F16", chat_template=template)
    assert escaped(shown("inspect", str(path))) == set()
    assert escaped(shown("ask", "-m", str(path), "--max-tokens", "2", "x")) == set()


@pytest.mark.parametrize("number", range(0, 100, 10))
def test_an_error(number: int, shown: Callable[..., bytes]) -> None:
    """A value that is wrong is shown in the message that says so."""
    text = ALL[number]
    assert escaped(shown("ask", "-m", text, "x", code=3)) == set()
    assert escaped(shown("ask", "--option", text, "x", code=2)) == set()
    assert escaped(shown(f"as{text}k", "x", code=2)) == set()


@pytest.mark.sweep
@pytest.mark.parametrize("number", range(100))
def test_every_error(number: int, shown: Callable[..., bytes], tmp_path: Path) -> None:
    text = ALL[number]
    for args, code in (
        (["ask", "-m", text, "x"], 3),
        (["ask", "--option", text, "x"], 2),
        (["ask", "--template", text, "x"], 3),
        (["ask", "-f", text, "x"], 3),
        (["ask", "--schema", text, "x"], 3),
        ([f"as{text}k", "x"], 2),
        (["sessions", "show", text], 3),
        (["sessions", "search", f"word {text}"], 0),
    ):
        assert escaped(shown(*args, code=code)) == set(), args
