"""The clipboard: real programs that take the text, hang, fail or lie in the wrong place; else the terminal."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import time

import pytest

from ockit.errors import UsageError
from ockit.repl.clipboard import LARGEST_BASE64, copy, osc52
from ockit.repl.programs import found

TEXT = "größer 日本\n\x1b[31m 'quoted' $HOME\n"
TAKES = '#!/bin/sh\nprintf "%s\\n" "$0 $*" > "$RECORD.call"\ncat > "$RECORD"\n'


class Desktop:
    """A directory of programs, and what the terminal was sent."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "bin").mkdir()
        self.record = folder / "taken"
        self.sent = []
        self.variables = {
            "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
            "RECORD": str(self.record),
            "TERM": "xterm-256color",
            "DISPLAY": ":99",
            "WAYLAND_DISPLAY": "wayland-9",
        }

    def program(self, name, script=TAKES):
        path = self.folder / "bin" / name
        path.write_text(script)
        path.chmod(0o755)
        return path

    def copy(self, text=TEXT):
        return copy(text, self.variables, self.sent.append)

    def call(self):
        return self.record.with_name("taken.call").read_text().split()


@pytest.fixture
def desktop(tmp_path):
    return Desktop(tmp_path)


def test_the_sequence_carries_the_text():
    sequence = osc52(TEXT)
    assert sequence.startswith("\x1b]52;c;")
    assert sequence.endswith("\x07")
    assert base64.b64decode(sequence[7:-1]).decode() == TEXT
    assert osc52("") == "\x1b]52;c;\x07"


def test_the_sequence_has_a_limit():
    largest = LARGEST_BASE64 // 4 * 3
    assert len(osc52("x" * largest)) == LARGEST_BASE64 + 8
    with pytest.raises(UsageError, match="55,501 bytes, and terminals take 55,500") as caught:
        osc52("x" * (largest + 1))
    assert "/export" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("wl-copy", []), ("xclip", ["-selection", "clipboard"]), ("xsel", ["--clipboard", "--input"])],
)
def test_a_program_takes_the_text(desktop, name, arguments):
    path = desktop.program(name)
    assert desktop.copy() == f"copied {len(TEXT)} characters with {name}"
    assert desktop.record.read_bytes() == TEXT.encode()
    assert desktop.call() == [str(path), *arguments]
    assert desktop.sent == []


def test_large_texts_and_bytes_that_are_no_text(desktop):
    desktop.program("wl-copy")
    assert "1,000,001 characters" in desktop.copy("x" * 1_000_000 + "\udcc3")
    assert desktop.record.read_bytes() == b"x" * 1_000_000 + b"?"


@pytest.mark.parametrize("missing", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_program_without_its_display_is_not_asked(desktop, missing):
    for name in ("wl-copy", "xclip", "xsel"):
        desktop.program(name)
    del desktop.variables[missing]
    assert desktop.copy().endswith("xclip" if missing == "WAYLAND_DISPLAY" else "wl-copy")


def test_the_next_one_is_asked_where_one_fails(desktop):
    desktop.program("wl-copy", "#!/bin/sh\nexit 3\n")
    desktop.program("xclip", "#!/nowhere/at/all\n")
    desktop.program("xsel")
    assert desktop.copy("a") == "copied 1 character with xsel"


def test_the_terminal_is_asked_where_all_fail(desktop):
    desktop.program("xsel", "#!/bin/sh\ncat > /dev/null\nexit 1\n")
    said = desktop.copy()
    assert desktop.sent == [osc52(TEXT)]
    assert said.startswith(
        f"sent {len(TEXT)} characters to the terminal's clipboard (xsel ended with code 1)"
    )
    assert "tmux" not in said
    desktop.variables["TMUX"] = "/run/tmux,1,0"
    assert desktop.copy().endswith("in tmux this needs: set -g set-clipboard on")


def test_a_program_that_hangs_is_ended(desktop):
    desktop.program(
        "wl-copy", f'#!/bin/sh\necho $$ > "$RECORD"\nexec {sys.executable} -c "input()" < /dev/zero\n'
    )
    started = time.monotonic()
    assert "wl-copy did not answer within 2 s" in desktop.copy()
    assert time.monotonic() - started < 8
    with pytest.raises(ProcessLookupError):
        os.kill(int(desktop.record.read_text()), 0)


def test_a_child_that_stays_behind_is_not_waited_for(desktop):
    """As wl-copy and xclip do, to serve the clipboard."""
    desktop.program("wl-copy", '#!/bin/sh\ncat > "$RECORD"\nsleep 30 &\necho $! > "$RECORD.child"\n')
    started = time.monotonic()
    assert desktop.copy() == f"copied {len(TEXT)} characters with wl-copy"
    assert time.monotonic() - started < 20
    os.kill(int(desktop.record.with_name("taken.child").read_text()), 9)


@pytest.mark.parametrize("terminal", ["dumb", "linux", ""])
def test_no_way_at_all(desktop, terminal):
    desktop.variables["TERM"] = terminal
    desktop.program("xclip", "#!/bin/sh\nexit 1\n")
    with pytest.raises(UsageError, match="no way to the clipboard here") as caught:
        desktop.copy()
    assert "xclip ended with code 1" in caught.value.what
    assert desktop.sent == []


@pytest.mark.parametrize("path", ["", ".", ":", "bin", "./bin:bin:", "\0"])
def test_nothing_is_run_from_the_current_directory(desktop, monkeypatch, path):
    desktop.program("xclip")
    (desktop.folder / "xclip").write_text(TAKES)
    (desktop.folder / "xclip").chmod(0o755)
    monkeypatch.chdir(desktop.folder)
    desktop.variables["PATH"] = path
    assert desktop.copy().startswith("sent")
    assert not desktop.record.exists()


def test_programs_are_files_that_can_be_run(desktop):
    (desktop.folder / "bin" / "folder").mkdir()
    (desktop.folder / "bin" / "text").write_text("x")
    assert found("folder", desktop.variables) is None
    assert found("text", desktop.variables) is None
    assert found("../bin/sh", desktop.variables) is None
    assert found("", desktop.variables) is None
    assert found("sh", desktop.variables).name == "sh"


@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux")
def test_a_real_terminal_takes_the_sequence(tmp_path):
    """tmux is a terminal to what runs in it, and its paste buffer can be asked for."""
    (tmp_path / "sequence").write_text(osc52(TEXT * 1000))
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    run = f"cat {tmp_path / 'sequence'}; sleep 60"
    subprocess.run([*tmux, "new-session", "-d", "sleep 60"], check=True, timeout=30)
    try:
        subprocess.run([*tmux, "set", "-s", "set-clipboard", "on"], check=True, timeout=30)
        subprocess.run([*tmux, "new-window", "-d", run], check=True, timeout=30)
        deadline, taken = time.monotonic() + 30, b""
        while not taken and time.monotonic() < deadline:
            time.sleep(0.05)
            taken = subprocess.run(
                [*tmux, "show-buffer"], capture_output=True, check=False, timeout=30
            ).stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=True, timeout=30)
    assert taken == (TEXT * 1000).encode()
