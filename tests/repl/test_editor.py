"""A text goes to a real editor and comes back; whatever the editor does, nothing that was written is lost."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import threading
import time

import pexpect
import pytest

from ockit.errors import NotFound, StoreError, UsageError
from ockit.repl.editor import Editor, edit_text


class Desk:
    """Scripts as editors, and the directory the file lies in."""

    def __init__(self, folder):
        self.folder = folder
        self.state = folder / "home" / "state"
        self.variables = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "FOLDER": str(folder)}

    def editor(self, script, name="editor"):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        self.variables["EDITOR"] = str(path)
        return path

    def edit(self, text="as typed", editor=None):
        return edit_text(text, self.variables, self.state, editor)

    def left(self):
        return sorted(self.state.iterdir())


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.mark.parametrize("text", ["", "a", "a\n", "\n", "a\n\n", "größer 日本\n\tb", " ", "no\u2028line"])
def test_what_is_not_changed_comes_back_as_it_was(desk, text):
    desk.editor("exit 0")
    assert desk.edit(text) == text
    assert desk.left() == []


@pytest.mark.parametrize(
    ("written", "back"),
    [
        ("new", "new"),
        ("new\\n", "new"),
        ("new\\n\\n", "new\n"),
        ("a\\r\\nb\\r\\n", "a\nb"),
        ("", ""),
        ("\\357\\273\\277marked", "marked"),
        ("nul\\000 esc\\033[1m", "nul esc[1m"),
    ],
)
def test_what_is_written_comes_back(desk, written, back):
    desk.editor(f"printf '{written}' > \"$1\"")
    assert desk.edit() == back
    assert desk.left() == []


def test_the_file_is_private_and_markdown(desk):
    desk.editor(
        'stat -c "%a %n" "$1" > "$FOLDER/mode"; stat -c %a "$(dirname "$1")" >> "$FOLDER/mode"; '
        'cat "$1" > "$FOLDER/seen"'
    )
    before = os.umask(0)
    try:
        desk.edit("line 1\nline 2")
    finally:
        os.umask(before)
    mode, name, directory = (desk.folder / "mode").read_text().split()
    assert (mode, directory) == ("600", "700")
    assert name.startswith(str(desk.state))
    assert name.endswith(".md")
    assert (desk.folder / "seen").read_text() == "line 1\nline 2\n"


def test_editors_that_replace_the_file(desk):
    desk.editor('echo replaced > "$1.new"; mv "$1.new" "$1"')
    assert desk.edit() == "replaced"
    assert desk.left() == []


def test_arguments_of_the_editor_and_spaces_in_its_path(desk):
    path = desk.editor('printf "%s|" "$@" > "$FOLDER/arguments"', "my editor")
    desk.variables["EDITOR"] = f"'{path}' --wait -c 'set tw=72'"
    desk.edit()
    assert (desk.folder / "arguments").read_text().startswith(f"--wait|-c|set tw=72|{desk.state}/")


def test_visual_comes_before_editor_and_empty_ones_do_not_count(desk):
    path = desk.editor('echo visual > "$1"')
    desk.variables |= {"VISUAL": str(path), "EDITOR": "/nowhere"}
    assert desk.edit() == "visual"
    desk.variables |= {"VISUAL": " ", "EDITOR": str(path)}
    assert desk.edit() == "visual"


def test_the_default_is_nano_then_vi(desk):
    for name in ("vi", "nano"):
        desk.editor(f'echo {name} > "$1"', name)
        del desk.variables["EDITOR"]
        assert edit_text("", desk.variables | {"PATH": f"{desk.folder}:/bin"}, desk.state) == name


@pytest.mark.parametrize(
    ("variables", "error", "what"),
    [
        (
            {"EDITOR": "no-such-editor -w"},
            NotFound,
            "EDITOR is 'no-such-editor -w', and there is no such program",
        ),
        ({"VISUAL": "/nowhere/vim"}, NotFound, "VISUAL is '/nowhere/vim'"),
        ({"EDITOR": "/etc/passwd"}, NotFound, "no such program"),
        ({"EDITOR": "~nosuchuser/vim"}, UsageError, "depends on the directory"),
        ({"EDITOR": "'unclosed"}, UsageError, "no closing quotation"),
        ({"EDITOR": "''"}, NotFound, "no such program"),
        ({"EDITOR": "./editor"}, UsageError, "depends on the directory"),
        ({"EDITOR": "editor", "PATH": ":.:"}, NotFound, "no such program"),
        ({"PATH": ""}, NotFound, "there is no editor"),
    ],
)
def test_an_editor_that_is_missing_or_lies_in_the_current_directory(
    desk, monkeypatch, variables, error, what
):
    for name in ("editor", "nano", "vi"):
        desk.editor('touch "$FOLDER/was-run"', name)
    del desk.variables["EDITOR"]
    monkeypatch.chdir(desk.folder)
    desk.variables |= variables
    with pytest.raises(error) as caught:
        desk.edit()
    assert what in caught.value.what
    assert "EDITOR=" in caught.value.hint
    assert not (desk.folder / "was-run").exists()
    assert not desk.state.exists()


@pytest.mark.parametrize(
    ("script", "error", "what"),
    [
        ("exit 7", UsageError, "ended with code 7"),
        ("kill -9 $$", UsageError, "SIGKILL (signal 9)"),
        ("kill -40 $$", UsageError, "signal 40"),
        ('rm "$1"', NotFound, "removed the file"),
        ('rm "$1"; mkdir "$1"', UsageError, "something else than a file"),
        ('rm "$1"; mkfifo "$1"', UsageError, "something else than a file"),
        ('rm "$1"; ln -s /dev/zero "$1"', UsageError, "something else than a file"),
        (': > "$1"; exit 1', UsageError, "ended with code 1"),
    ],
)
def test_a_failure_with_nothing_written(desk, script, error, what):
    desk.editor(script)
    with pytest.raises(error) as caught:
        desk.edit()
    assert what in caught.value.what
    assert caught.value.hint == "the input is as it was"
    assert [path for path in desk.left() if path.is_file()] == []


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ('echo precious > "$1"; exit 1', "ended with code 1"),
        ('echo precious > "$1"; kill -TERM $$', "SIGTERM"),
        ('printf "a\\nprecious \\377" > "$1"', "line 2 is not UTF-8"),
        ('printf precious > "$1"; head -c 17000000 /dev/zero >> "$1"', "larger than the 16.0 MiB"),
    ],
)
def test_a_failure_with_something_written_keeps_it(desk, script, what):
    desk.editor(script)
    with pytest.raises(UsageError) as caught:
        desk.edit()
    assert what in caught.value.what
    (path,) = desk.left()
    assert caught.value.where == str(path)
    assert str(path) in caught.value.hint
    assert b"precious" in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_program_the_system_cannot_run(desk):
    path = desk.editor("")
    path.write_text("#!/nowhere/at/all\n")
    with pytest.raises(UsageError, match="cannot be run: no such file or directory"):
        desk.edit()
    assert desk.left() == []


def test_a_state_directory_that_cannot_be_made(desk):
    desk.editor("exit 0")
    (desk.folder / "home").write_text("")
    with pytest.raises(StoreError, match="cannot make the directory"):
        desk.edit()


def test_from_another_thread(desk):
    desk.editor('echo there > "$1"')
    found = []
    thread = threading.Thread(target=lambda: found.append(desk.edit()))
    thread.start()
    thread.join(30)
    assert found == ["there"]


def test_an_interrupt_is_the_editors(desk):
    """Ctrl-C goes to both; the editor does with it what it does, the chat goes on and has its own handler again."""
    handler = signal.getsignal(signal.SIGINT)
    desk.editor(f'trap "echo caught >> \\"$1\\"; exit 0" INT; kill -INT {os.getpid()} $$; sleep 5')
    assert desk.edit() == "as typed\ncaught"
    assert signal.getsignal(signal.SIGINT) is handler


def ended(desk, script):
    """What a thread gets whose editor is ended once it runs, and the seconds from then on."""
    desk.editor(f'{script}\n: > "$FOLDER/runs"\nwhile :; do sleep 0.02; done')
    editor, found = Editor(), []

    def edit():
        try:
            found.append(desk.edit(editor=editor))
        except UsageError as error:
            found.append(error)

    thread = threading.Thread(target=edit)
    thread.start()
    deadline = time.monotonic() + 30
    while not (desk.folder / "runs").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    started = time.monotonic()
    editor.end()
    asked = time.monotonic() - started
    thread.join(30)
    assert asked < 1  # nobody waits for it
    return found[0], time.monotonic() - started


def test_an_editor_that_is_ended_leaves_the_text_as_it_was(desk):
    found, seconds = ended(desk, "")
    assert found == "as typed"
    assert seconds < 2
    assert desk.left() == []


def test_an_editor_that_does_not_listen_is_killed(desk):
    found, seconds = ended(desk, "trap : TERM")
    assert found == "as typed"
    assert seconds > 1.5
    assert desk.left() == []


def test_what_was_written_when_it_is_ended_is_kept(desk):
    found, _ = ended(desk, 'echo precious > "$1"')
    (path,) = desk.left()
    assert "SIGTERM" in found.what
    assert found.where == str(path)
    assert path.read_text() == "precious\n"


def test_an_editor_that_saves_when_it_is_ended_has_its_way(desk):
    found, _ = ended(desk, "trap 'echo saved > \"$1\"; exit 0' TERM")
    assert found == "saved"


def test_an_editor_is_not_started_once_it_is_to_end(desk):
    desk.editor('touch "$FOLDER/was-run"')
    editor = Editor()
    editor.end()
    assert desk.edit(editor=editor) == "as typed"
    assert not (desk.folder / "was-run").exists()
    assert desk.left() == []


def test_what_killed_chats_left_is_swept_and_what_was_kept_is_not(desk):
    desk.editor('echo precious > "$1"; exit 1')
    with pytest.raises(UsageError):
        desk.edit()
    (kept,) = desk.left()
    for name in ("question-old.md", "question-new.md", "other.md", "question-link.md"):
        (desk.state / name).write_text("left") if "link" not in name else (desk.state / name).symlink_to("x")
    (desk.state / "question-directory.md").mkdir()
    yesterday = time.time() - 25 * 3600
    for path in desk.left():
        if "new" not in path.name:
            os.utime(path, (yesterday, yesterday), follow_symlinks=False)
    desk.editor("exit 0")
    assert desk.edit() == "as typed"
    names = ["other.md", "question-directory.md", "question-link.md", "question-new.md", kept.name]
    assert [path.name for path in desk.left()] == names


IN_TERMINAL = """
import os, signal, sys
from pathlib import Path
from ockit.repl.editor import Editor, edit_text
editor = Editor()
signal.signal(signal.SIGTERM, lambda *_: editor.end())
print("back:", edit_text("hello", dict(os.environ), Path(sys.argv[1]), editor))
"""


@pytest.mark.skipif(shutil.which("vi") is None, reason="there is no vi")
def test_vi_on_a_real_terminal(desk):
    child = pexpect.spawn(
        sys.executable,
        ["-c", IN_TERMINAL, str(desk.state)],
        env=desk.variables | {"EDITOR": "vi", "HOME": str(desk.folder)},
        encoding="utf-8",
        timeout=30,
    )
    child.expect("hello")
    child.send("A world\x1b")
    child.send(":wq\r")
    child.expect("back: hello world")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert desk.left() == []


@pytest.mark.skipif(shutil.which("vi") is None, reason="there is no vi")
def test_vi_is_ended_and_gives_the_terminal_back(desk):
    child = pexpect.spawn(
        sys.executable,
        ["-c", IN_TERMINAL, str(desk.state)],
        env=desk.variables | {"EDITOR": "vi", "HOME": str(desk.folder)},
        encoding="utf-8",
        timeout=30,
    )
    child.expect("hello")
    child.kill(signal.SIGTERM)
    child.expect("back: hello")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert [path.suffix for path in desk.left() if not path.name.startswith(".")] == []
