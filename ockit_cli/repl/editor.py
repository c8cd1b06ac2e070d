"""A text in the person's own editor: out into a private file, and back.

Knows the editor and the file. Runs in the foreground on the terminal as it is: whoever draws on it stops drawing
first, and keeps the text, which no failure here takes away.
"""

from __future__ import annotations

import os
import shlex
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ockit.errors import NotFound, OckitError, UsageError
from ockit.files import explained, private_dir, read_limited
from ockit.repl.pastes import clean
from ockit.repl.programs import found

LARGEST_BYTES = 16 << 20
_DEFAULTS = ("nano", "vi")
_PATIENCE_S = 2.0
_OURS, _KEPT = "question-", "unsent-"  # the one is swept, the other was named to the person
_LEFT_S = 24 * 3600.0
_CHOOSE = "export EDITOR=nano, or the full path of another editor"


class Editor:
    """The editor's process, for who may have to end it from another thread. For one `edit_text`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._end_asked = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether its end was asked for."""
        return self._end_asked.is_set()

    def end(self) -> None:
        """Ask the editor to end (SIGTERM), make it 2 s later, and wait for neither. One not yet open never opens."""
        self._end_asked.set()
        process = self._process
        if process is not None:
            process.terminate()
            killer = threading.Timer(_PATIENCE_S, process.kill)  # which does nothing where it has ended
            killer.daemon = True
            killer.start()

    def run(self, command: list[str], variables: Mapping[str, str]) -> int:
        """Start it and wait for its end; gives its code. Raises OSError."""
        if self._end_asked.is_set():
            return -signal.SIGTERM
        process = self._process = subprocess.Popen(command, env=dict(variables))
        if self._end_asked.is_set():  # while it was started
            self.end()
        try:
            return process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise


def edit_text(text: str, variables: Mapping[str, str], directory: Path, editor: Editor | None = None) -> str:
    """The text as it comes back from ``$VISUAL``, ``$EDITOR``, nano or vi; one newline at its end does not count.

    `directory` holds the file (0600, ``.md``) meanwhile; it is removed unless something written in it would be lost.
    Files that chats left there because they were killed are removed a day later. Control characters do not come back.
    Where `editor` was ended with nothing written, the text is as it was.

    Raises NotFound, UsageError or StoreError; then, where something was written, the error names the file that has it.
    """
    editor = editor or Editor()
    command = _command(variables)
    path = _written(text, directory)
    try:
        _run(editor, command, path, variables)
        back = _read(path)
    except OckitError as error:
        if _worth_keeping(path, text):
            kept = _kept(path)
            raise type(error)(error.what, where=str(kept), hint=f"what was written lies in {kept}") from error
        if not path.is_dir():
            path.unlink(missing_ok=True)
        if editor.ended:
            return text
        raise
    path.unlink(missing_ok=True)
    return back


def _command(variables: Mapping[str, str]) -> list[str]:
    """The editor as a program and its arguments. Raises UsageError, NotFound."""
    for name in ("VISUAL", "EDITOR"):
        value = variables.get(name, "").strip()
        if not value:
            continue
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise UsageError(f"{name} is {value!r}: {str(error).lower()}", hint=_CHOOSE) from error
        return [str(_program(name, value, words[0] if words else "", variables)), *words[1:]]
    for default in _DEFAULTS:
        program = found(default, variables)
        if program is not None:
            return [str(program)]
    raise NotFound(
        "there is no editor: neither VISUAL nor EDITOR is set, nor is there nano or vi", hint=_CHOOSE
    )


def _program(name: str, value: str, word: str, variables: Mapping[str, str]) -> Path:
    if "/" not in word:
        program = found(word, variables)
    else:
        path = Path(os.path.expanduser(word))  # a user that is not there is no error of its own
        if not path.is_absolute():
            raise UsageError(f"{name} is {value!r}, a path that depends on the directory", hint=_CHOOSE)
        program = path if os.path.isfile(path) and os.access(path, os.X_OK) else None
    if program is None:
        raise NotFound(f"{name} is {value!r}, and there is no such program", hint=_CHOOSE)
    return program


def _written(text: str, directory: Path) -> Path:
    private_dir(directory)
    try:
        _sweep(directory)
        descriptor, name = tempfile.mkstemp(prefix=_OURS, suffix=".md", dir=directory)  # 0600
    except OSError as error:
        raise explained(error, directory, "write the file for the editor") from error
    path = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(_encoded(text))
    except OSError as error:
        path.unlink(missing_ok=True)
        raise explained(error, path, "write the file for the editor") from error
    return path


def _sweep(directory: Path) -> None:
    """Remove what chats left that were killed."""
    for path in directory.glob(f"{_OURS}*.md"):
        try:
            found = path.lstat()
            if stat.S_ISREG(found.st_mode) and time.time() - found.st_mtime > _LEFT_S:
                path.unlink()
        except OSError:  # another chat was faster, or it is not ours to remove
            continue


def _kept(path: Path) -> Path:
    """The file under a name that is not swept."""
    kept = path.with_name(f"{_KEPT}{path.name.removeprefix(_OURS)}")
    try:
        return path.replace(kept)
    except OSError:  # what was written is there for a day, then
        return path


def _encoded(text: str) -> bytes:
    return f"{text}\n".encode("utf-8", "replace") if text else b""


def _run(editor: Editor, command: list[str], path: Path, variables: Mapping[str, str]) -> None:
    """Run the editor to its end. Raises UsageError where that is no good one."""
    name = Path(command[0]).name
    try:
        with _interrupts_are_the_editors():
            code = editor.run([*command, str(path)], variables)
    except OSError as error:
        raise UsageError(
            f"the editor {command[0]} cannot be run: {(error.strerror or str(error)).lower()}", hint=_CHOOSE
        ) from error
    if code < 0:
        raise UsageError(f"the editor {name} was ended by {_signal(-code)}", hint="the input is as it was")
    if code:
        raise UsageError(f"the editor {name} ended with code {code}", hint="the input is as it was")


@contextmanager
def _interrupts_are_the_editors() -> Iterator[None]:
    """Ctrl-C reaches everything on the terminal; meanwhile it is for the editor, whose own handling is untouched."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    # not SIG_IGN: the editor would inherit that
    before = signal.signal(signal.SIGINT, lambda signum, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _signal(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} (signal {number})"
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"


def _read(path: Path) -> str:
    """What the editor left. Raises NotFound, UsageError, StoreError."""
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError as error:
        raise NotFound(
            "the editor removed the file", where=str(path), hint="the input is as it was"
        ) from error
    if not regular:
        raise UsageError(
            "the editor left something else than a file", where=str(path), hint="the input is as it was"
        )
    data = read_limited(path, LARGEST_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"line {line} is not UTF-8", where=str(path), hint="save it as UTF-8") from error
    return clean(text)[0].removesuffix("\n")


def _worth_keeping(path: Path, text: str) -> bool:
    """Whether the file has anything that the input has not."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        left = file.read(len(_encoded(text)) + 1)
    return bool(left.strip()) and left != _encoded(text)
