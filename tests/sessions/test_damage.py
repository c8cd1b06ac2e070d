"""Damaged files: kept byte for byte beside, read back as far as can be, reported once; never a traceback."""

import random
import shutil
import sqlite3
import stat
from contextlib import closing, suppress

import pytest

from ockit.errors import NotFound, OckitError, StoreError
from ockit.sessions.store import Store
from stored_chats import PASSAGE, VERDICT, answer, chat, check_sound, hurry

PAGE = 4096
N_SESSIONS, N_TURNS = 12, 6


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A store of twelve chats of twelve messages each."""
    path = tmp_path_factory.mktemp("sound") / "ockit.db"
    with Store(path) as store:
        for number in range(N_SESSIONS):
            session, parent = store.start(model="tiny", system="Be brief."), None
            if number == 1:
                hurry(store)
            for turn in range(N_TURNS):
                asked = store.add_user(
                    session, f"question {number} {turn} {'lorem ipsum ' * 20}", parent=parent
                )
                parent = answer(store, session, asked, f"answer {number} {turn} {'dolor sit amet ' * 60}")
            store.add_sources(parent, [PASSAGE])
            store.add_verdict(parent, "assistant", VERDICT)
    return path


def aside_of(path):
    return sorted(path.parent.glob("ockit.db.corrupt-*"))


def read_all(store):
    """Every message that can be read. Only errors that ockit explains may come."""
    found = set()
    for query in ("lorem", "nothing at all"):
        with suppress(StoreError):
            store.search(query)
    with suppress(StoreError, NotFound):  # the head of a session may be lost
        for session in store.list(None):
            found |= {message.text for message in store.messages(session.id)}
            store.conversation(session.id)
    return found


def damage(path, chance):
    """Write noise over one to three places, or cut the file."""
    data = bytearray(path.read_bytes())
    if chance.random() < 0.15:
        del data[chance.randrange(1, len(data)) :]
    else:
        for _ in range(chance.randint(1, 3)):
            length = chance.choice([1, 16, 200, PAGE, 3 * PAGE])
            start = chance.randrange(0, len(data))
            if length >= PAGE:
                start -= start % PAGE
            noise = bytes(length) if chance.random() < 0.3 else chance.randbytes(length)
            data[start : start + length] = noise[: len(data) - start]
    path.write_bytes(data)
    return bytes(data)


def damaged_stores(sound, tmp_path, seeds):
    """How many of the stores were mended, and how many messages these still have."""
    mended = kept = 0
    for seed in seeds:
        path = tmp_path / str(seed) / "ockit.db"
        path.parent.mkdir()
        shutil.copy(sound, path)
        before = damage(path, random.Random(seed))
        with Store(path) as store:
            read_all(store)
            if store.notices:  # reading alone changes nothing: what is kept is what was there
                assert aside_of(path)[0].read_bytes() == before
            with suppress(StoreError):
                chat(store)
            aside = aside_of(path)
            assert [str(path) in notice.text for notice in store.notices] == [True] * len(aside)
        if aside:
            mended += 1
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            check_sound(path)
            with Store(path) as again:
                kept += len(read_all(again))
                hurry(again)
                chat(again)
                assert again.notices == []
        shutil.rmtree(path.parent)
    return mended, kept


def test_random_damage(sound, tmp_path):
    mended, kept = damaged_stores(sound, tmp_path, range(30))
    assert mended >= 10
    assert kept > 0.6 * mended * N_SESSIONS * N_TURNS * 2


@pytest.mark.sweep
def test_random_damage_300(sound, tmp_path):
    mended, _ = damaged_stores(sound, tmp_path, range(300))
    assert mended >= 100


def roots(path):
    """The root page of each table and index."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, rootpage FROM sqlite_schema").fetchall())


def overwrite(path, page, data=b"\xa5" * PAGE):
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(data)
    return path.read_bytes()


@pytest.fixture
def copy(sound, tmp_path):
    shutil.copy(sound, tmp_path / "ockit.db")
    return tmp_path / "ockit.db"


def test_the_original_is_kept_byte_for_byte(copy):
    before = overwrite(copy, roots(copy)["sessions_updated"])
    with Store(copy) as store:
        assert len(store.list(None)) == N_SESSIONS
        assert len(store.notices) == 1
        assert "144 messages of 12 sessions were read" in store.notices[0].text
        last = store.messages(store.get("last").id)
        assert len(last) == 2 * N_TURNS
        assert last[-1].sources == (PASSAGE,)
        assert last[-1].verdicts[0].verdict == VERDICT
        assert last[-1].token_ids == (1, 2**32 - 1, 0)
        assert len(store.search("lorem", limit=1000)) == N_SESSIONS * N_TURNS
    (aside,) = aside_of(copy)
    assert aside.read_bytes() == before
    assert copy.read_bytes() != before
    check_sound(copy)


def test_a_leaf_of_messages(copy):
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("CREATE VIRTUAL TABLE temp.pages USING dbstat(main)")
        leaves = [
            page
            for (page,) in connection.execute(
                "SELECT pageno FROM pages WHERE name = 'messages' AND pagetype = 'leaf' ORDER BY path"
            )
        ]
    before = overwrite(copy, leaves[len(leaves) // 2])
    with Store(copy) as store:
        texts = [message.text for session in store.list(None) for message in store.messages(session.id)]
        sessions = store.list(None)
        assert N_SESSIONS * N_TURNS * 2 - 12 <= len(texts) < N_SESSIONS * N_TURNS * 2
        for session in sessions:  # what follows a lost message hangs on the one before it
            assert len(store.path_to(session.head)) == session.n_messages
        assert len(store.notices) == 1
    assert aside_of(copy)[0].read_bytes() == before
    check_sound(copy)


def test_lost_sessions_get_a_substitute(copy):
    before = overwrite(copy, roots(copy)["sessions"])
    with Store(copy) as store:
        store.search("lorem ipsum nowhere")
        sessions = store.list(None)
        assert len(sessions) == N_SESSIONS
        assert {session.title for session in sessions} == {"(recovered)"}
        assert sum(session.n_messages for session in sessions) == N_SESSIONS * N_TURNS * 2
        assert len(store.conversation(sessions[0].id).turns) == 2 * N_TURNS
    assert aside_of(copy)[0].read_bytes() == before


def test_the_full_text_index(copy):
    overwrite(copy, roots(copy)["messages_text_data"])
    with Store(copy) as store:
        assert len(store.search("lorem", limit=1000)) == N_SESSIONS * N_TURNS
        assert len(store.notices) == 1
    check_sound(copy)


@pytest.mark.parametrize(
    "content", [b"my notes\n" * 500, b"\0" * 20_000, b"x", b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_not_a_database(tmp_path, content):
    path = tmp_path / "ockit.db"
    path.write_bytes(content)
    with Store(path) as store:
        assert store.list() == ()
        chat(store)
        assert len(store.list()) == 1
        assert [notice.kind for notice in store.notices] == ["store_mended"]
        assert "nothing could be read" in store.notices[0].text
    (aside,) = aside_of(path)
    assert aside.read_bytes() == content


def test_damage_that_shows_while_writing(copy):
    with Store(copy) as store:
        session = store.get("last")
        store.close()
        overwrite(copy, roots(copy)["messages_parent"])
        added = store.add_user(session.id, "After the damage", parent=session.head)
        assert store.path_to(added)[-2].id == session.head
        assert len(store.notices) == 1
    check_sound(copy)


def test_a_value_that_ockit_never_wrote(copy):
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("UPDATE messages SET sampling = '{broken' WHERE key = 4")
        connection.commit()
    with Store(copy) as store:
        texts = {message.text for session in store.list(None) for message in store.messages(session.id)}
        assert len(texts) == N_SESSIONS * N_TURNS * 2 - 1
        assert len(store.notices) == 1


def test_a_table_that_is_gone(copy):
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("DROP TABLE verdicts")
    with Store(copy) as store:
        assert len(store.messages(store.get("last").id)) == 2 * N_TURNS
        assert len(store.notices) == 1


def test_two_stores_mend_once(copy):
    overwrite(copy, roots(copy)["messages_session"])
    with Store(copy) as first, Store(copy) as second:
        session = first.list(1)[0].id
        assert len(first.messages(session)) == len(second.messages(session)) == 2 * N_TURNS
        assert len(first.notices) + len(second.notices) == 1
    assert len(aside_of(copy)) == 1


def test_a_damaged_file_in_a_place_that_cannot_be_written(copy, monkeypatch):
    before = overwrite(copy, roots(copy)["sessions"])
    copy.with_name("ockit.db.mending").mkdir()
    with Store(copy) as store, pytest.raises(OckitError):
        store.list()
    assert copy.read_bytes() == before
    assert aside_of(copy) == []
