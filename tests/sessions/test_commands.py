"""`ockit sessions`, the whole command line with real files."""

import io
import json
import sqlite3
from contextlib import closing

import pytest

from ockit.app import run
from ockit.environment import Environment
from ockit.sessions.store import Store
from stored_chats import PASSAGE, answer, chat


class Keys(io.BytesIO):
    """What a person types."""

    def isatty(self):
        return True


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True


class Home:
    """A home directory and the commands run in it."""

    def __init__(self, path):
        self.path = path
        self.variables = {"OCKIT_HOME": str(path / "home"), "COLUMNS": "200", "NO_COLOR": "1"}
        self.store = Store.of(self.environment().directories)

    def environment(self, typed=None):
        terminal = typed is not None
        out, err = (Screen(), Screen()) if terminal else (io.StringIO(), io.StringIO())
        return Environment(
            Keys(typed or b"") if terminal else io.BytesIO(), out, err, self.variables, self.path
        )

    def run(self, *args, typed=None, code=0):
        """stdout and stderr of a command that must end with `code`."""
        environment = self.environment(typed)
        found = run(["sessions", *args], environment)
        said = environment.stderr.getvalue()
        assert found == code, said
        assert "Traceback" not in said
        return environment.stdout.getvalue(), said

    def json(self, *args):
        out, err = self.run(*args, "--json")
        assert err == ""
        found = json.loads(out)
        assert found["schema_version"] == 1
        return found


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path)
    yield found
    found.store.close()


def test_nothing_yet(home):
    assert home.json("list") == {"schema_version": 1, "sessions": []}
    assert home.json("search", "x")["hits"] == []
    assert home.run("list")[0] == "ID\tUSED\tMESSAGES\tMODEL\tTITLE\n"
    for verb in (["show"], ["export"], ["rm", "--yes"]):
        _, err = home.run(*verb, "last", code=3)
        assert "there is no session 'last'" in err
        assert "ockit sessions list" in err
    assert not (home.path / "home").exists()


def test_list(home):
    ids = [chat(home.store, question=f"Question {number}")[0] for number in range(3)]
    assert [session["id"] for session in home.json("list")["sessions"]] == ids[::-1]
    assert [session["title"] for session in home.json("list", "-n", "1")["sessions"]] == ["Question 2"]
    lines = home.run("list")[0].splitlines()
    assert [line.split("\t")[0] for line in lines] == ["ID", *ids[::-1]]
    assert "Question 1" in home.run("list", typed=b"")[0]
    home.run("list", "-n", "0", code=2)


def test_show(home):
    session, asked, reply = chat(home.store)
    home.store.add_sources(reply, [PASSAGE])
    out, _ = home.run("show", session)
    assert out.splitlines()[0] == "Which river is long?"
    for line in ("System", "Be brief.", "You", "Assistant (tiny)", "The Rhine.", "[1] notes.md:3-5 › Rivers"):
        assert line in out.splitlines()
    assert home.run("show", session[:14])[0] == home.run("show", "last")[0] == out
    answer(home.store, session, asked, "The El", state="interrupted", finish_reason="interrupted")
    out, _ = home.run("show", "last")
    assert "Assistant (tiny) [interrupted]" in out
    assert "messages on other branches, not shown: 1" in out
    found = home.json("show", "last")
    assert [message["state"] for message in found["messages"]] == ["complete", "complete", "interrupted"]
    failed = answer(home.store, session, asked, "", state="failed", error="the worker died")
    assert failed in json.dumps(home.json("show", session))
    assert "(the worker died)" in home.run("show", session)[0]


def test_an_unknown_id_names_the_nearest(home):
    session, _, _ = chat(home.store)
    _, err = home.run("show", f"{session[:-1]}u", code=3)
    assert session in err


def test_what_is_shown_is_sanitized(home):
    evil = "\x1b]0;owned\x07\x1b[31m\u202e\x9b2J"
    chat(home.store, question=evil, reply=evil, system=evil, model=evil, title=evil)
    for args in (["list"], ["show", "last"], ["export", "last"], ["search", "owned"]):
        for typed in (None, b""):
            out, err = home.run(*args, typed=typed)
            assert "owned" in out
            assert not set("\x1b\x07\u202e\x9b") & set(out + err)


def test_search(home):
    session, asked, _ = chat(home.store)
    chat(home.store, question="Something else", reply="Nothing")
    (hit,) = home.json("search", "RIVER", "lo")["hits"]
    assert (hit["session_id"], hit["message_id"]) == (session, asked)
    assert hit["snippet"] == "Which [river] is [long]?"
    assert "Which [river] is [long]?" in home.run("search", "river", "lo")[0]
    for odd in ("AND OR NEAR *", '"', "'", "NEAR(", "\N{GHOST}", "text:"):
        assert home.json("search", odd)["hits"] == []
    home.run("search", " ", code=2)


@pytest.mark.parametrize("form", ["md", "json", "jsonl"])
def test_export(home, form):
    session, _, _ = chat(home.store, reply="The Rh\u00f6ne.")
    printed, _ = home.run("export", session, "--format", form)
    out, err = home.run("export", session, "--format", form, "-o", f"out/chat.{form}")
    written = (home.path / "out" / f"chat.{form}").read_text(encoding="utf-8")
    assert out == ""
    assert "messages written" in err
    assert written == printed
    if form == "md":
        assert "The Rh\u00f6ne.\n" in written
    else:
        assert json.loads(written.splitlines()[0] if form == "jsonl" else written)["schema_version"] == 1


def test_export_that_cannot_be(home):
    chat(home.store)
    _, err = home.run("export", "last", "--format", "pdf", code=2)
    assert "md, json, jsonl" in err
    (home.path / "file").write_text("mine")
    home.run("export", "last", "-o", "file/below", code=1)
    home.run("export", "last", "-o", ".", code=2)


def test_rm(home):
    session, _, _ = chat(home.store)
    _, err = home.run("rm", session, code=2)
    assert "--yes" in err
    _, err = home.run("rm", session, typed=b"n\n", code=1)
    assert "Which river is long?" in err
    assert "nothing was removed" in err
    home.run("rm", session, typed=b"", code=1)
    assert home.store.get(session).id == session
    _, err = home.run("rm", session[:14], typed=b"y\n")
    assert f"removed {session}" in err
    other, _, _ = chat(home.store)
    home.run("rm", "last", "--yes")
    assert home.store.list() == ()
    home.run("rm", other, "--yes", code=3)


def test_a_damaged_store_is_reported_once(home):
    chat(home.store)
    home.store.close()
    path = home.store.path
    path.write_bytes(b"garbage" * 1000)
    out, err = home.run("list", "--json")
    assert json.loads(out)["sessions"] == []
    assert "was damaged" in err
    assert "ockit.db.corrupt-" in err
    assert next(path.parent.glob("ockit.db.corrupt-*")).read_bytes() == b"garbage" * 1000
    assert home.run("list")[1] == ""


def test_a_store_that_cannot_be_used(home):
    chat(home.store)
    home.store.close()
    with closing(sqlite3.connect(home.store.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    for args in (["list"], ["show", "last"], ["search", "x"], ["export", "last"], ["rm", "last", "--yes"]):
        _, err = home.run(*args, code=1)
        assert "newer ockit" in err
        assert "pip install --upgrade ockit" in err
    home.store.path.unlink()
    home.store.path.mkdir()
    _, err = home.run("list", code=1)
    assert "a directory stands in its place" in err
