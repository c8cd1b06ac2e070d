"""Chats for tests of the store, and children that write into one."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from ockit.messages import Finding, Passage, Sampling, Timings, Usage, Verdict

WRITER = Path(__file__).with_name("sessions") / "writer_child.py"
PASSAGE = Passage("notes.md", 3, 5, None, "Rivers", "The Rhine is long.", 0.75, "/rivers/notes.md", "rivers")
VERDICT = Verdict(
    1,
    (0.1, 0.9, 0.0, 0.0, 0.0),
    {"harassment": 0.2},
    (Finding("rule-7", 3, 9), Finding("level")),
    "caution",
    "mild",
    "rules",
    1.5,
    "ok",
    injection=0.25,
    unsure=True,
    topic="kitchen",
)


def answer(store, session_id, parent, text, **changes):
    """A finished answer; gives its id."""
    message_id = store.begin_answer(session_id, parent, model="tiny", sampling=asdict(Sampling(seed=7)))
    end = {"state": "complete", "finish_reason": "stop", "usage": Usage(10, 4, 3)}
    end |= {"timings": Timings(0.1, 0.2, 0.3, 0.4), "token_ids": (1, 2**32 - 1, 0)} | changes
    store.finish(message_id, text=text, **end)
    return message_id


def chat(store, question="Which river is long?", reply="The Rhine.", **start):
    """A session of one question and its answer; gives the three ids."""
    session_id = store.start(**({"model": "tiny", "template": "chatml", "system": "Be brief."} | start))
    asked = store.add_user(session_id, question, parent=None)
    return session_id, asked, answer(store, session_id, asked, reply)


def hurry(store):
    """Let a store that exists write without waiting for the disk: for tests that are about something else."""
    store.list(1)
    store._database._connection.execute("PRAGMA synchronous = OFF")


def start_writer(path, *args):
    """A child process that writes into the store and prints the id of each message once it is saved."""
    command = [sys.executable, "-P", str(WRITER), str(path), *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def check_sound(path):
    """SQLite, its foreign keys and the full-text index find no fault."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO messages_text(messages_text, rank) VALUES ('integrity-check', 1)")
