"""Short ways to run ``ockit ask`` and to judge how it ended, for the tests of several modules."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from ockit.environment import Directories
from ockit.sessions.records import StoredMessage
from ockit.sessions.store import Store

# One thread each: nothing is measured first, and machines with other work to do are not slowed by spinning threads.
QUICK = {
    "OCKIT_THREADS": "1",
    "OCKIT_THREADS_PREFILL": "1",
    "OCKIT_CTX_SIZE": "1024",
    "OCKIT_GPU_LAYERS": "0",
}
TERMINAL = {**QUICK, "TERM": "xterm-256color", "NO_COLOR": "1"}


def error_of(finished: Any, code: int) -> str:
    """The one message of a run that failed as documented; nothing else may be on stderr, least of all a traceback."""
    assert finished.code == code, finished
    lines = [line for line in finished.stderr.splitlines() if line]
    assert sum(line.startswith("error: ") for line in lines) == 1, finished.stderr
    start = next(i for i, line in enumerate(lines) if line.startswith("error: "))
    assert any(line.startswith("  try: ") for line in lines[start:]), finished.stderr
    assert "Traceback" not in finished.stderr
    assert 'File "' not in finished.stderr
    assert "internal error" not in finished.stderr
    return "\n".join(lines[start:])


def json_of(finished: Any, code: int = 0) -> dict[str, Any]:
    """The one object that ``--json`` printed."""
    assert finished.code == code, finished
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def saved(home: Path) -> list[list[StoredMessage]]:
    """The messages of every session in the store of a home, the oldest session first."""
    with Store.of(Directories.of({"OCKIT_HOME": str(home)})) as store:
        return [list(store.messages(session.id)) for session in reversed(store.list(None))]


def whole(home: Path) -> None:
    """SQLite itself finds nothing wrong, whatever journal was left behind."""
    path = home / "data" / "ockit.db"
    if not path.exists():
        return
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()
