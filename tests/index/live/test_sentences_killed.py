"""An import of sentences that is killed, or begun anew: nothing is lost, nothing is there twice."""

import os
import random
import signal
import subprocess
import sys

import pytest

from ockit.errors import UsageError
from sentence_tables import contents, table, with_vectors, write, write_parquet

CHILD = """
import sys
from pathlib import Path
from ockit.environment import Environment
from ockit.index.live.sentences_import import import_sentences
import_sentences(Path(sys.argv[1]), "wiki", Environment.of_process(), embeddings=True,
                 rebuild=sys.argv[2:] == ["rebuild"],
                 progress=lambda row, total, seconds: print(row, total, flush=True))
"""


def killed_after(imported, path, steps: int, *words: str) -> int:
    """Runs an import, kills it after so many slabs; the row it had got to."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, path, *words],
        env=dict(imported.environment.variables),
        stdout=subprocess.PIPE,
        text=True,
    )
    row = 0
    for _ in range(steps):
        row = int(child.stdout.readline().split()[0])
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    return row


def documents_of(said) -> dict[str, tuple[str, list[str]]]:
    """What a table should become, by a walk of its own: a new document wherever title or count breaks off."""
    found: dict[str, tuple[str, list[str]]] = {}
    last = None
    for row in said:
        if not row["text"]:
            continue
        if last is None or (row["title"], row["id"]) != (last["title"], last["id"] + 1):
            path = row["url"] if row["url"] not in found else f"{row['url']}#{row['id']}"
            found[path] = (row["title"], [])
        found[path][1].append(f"{row['text']}\n")
        last = row
    return found


@pytest.mark.parametrize("name", ["table.jsonl.gz", pytest.param("table.parquet", marks=pytest.mark.sweep)])
def test_ten_thousand_sentences_with_kills(imported, name):
    """Killed twice, the index is the one of an uninterrupted run; no row is lost and none is there twice."""
    chance = random.Random(5)
    said = [row | {"embedding": [chance.randrange(1, 9) for _ in range(384)]} for row in table(10_000)]
    said[4321]["text"] = ""
    path = imported.folder / name
    (write_parquet if name.endswith(".parquet") else write)(path, said)
    assert killed_after(imported, path, 1) < killed_after(imported, path, 2)
    with pytest.raises(UsageError, match="other vectors are to be used"):
        imported(name=name)
    done = imported(name=name, embeddings=True)
    assert 0 < done.resumed_at < 10_000
    assert (done.rows, done.chunks, done.bad) == (10_000, 9_999, 1)
    assert contents(imported.place) == documents_of(said)


def test_a_table_that_changed_is_not_gone_on_with(imported):
    said = with_vectors(4200)
    path = imported.folder / "table.jsonl"
    write(path, said)
    killed_after(imported, path, 1)
    os.utime(path, ns=(1, 1))
    with pytest.raises(UsageError, match="the table has changed") as caught:
        imported(embeddings=True)
    assert caught.value.hint.endswith("ockit indexes import-sentences table.jsonl --name wiki --rebuild")


def test_a_table_imported_anew_answers_as_it_was_until_it_is(imported):
    said = with_vectors(4200)
    path = imported.folder / "table.jsonl"
    write(path, said)
    assert imported(embeddings=True).chunks == 4200
    before = contents(imported.place)
    other = [row | {"text": f"Another: {row['text']}"} for row in said]
    write(path, other)
    killed_after(imported, path, 1, "rebuild")
    assert contents(imported.place) == before
    with pytest.raises(UsageError, match="already"):
        imported(embeddings=True)
    done = imported(embeddings=True, rebuild=True)
    assert (done.chunks, done.resumed_at) == (4200, 0)
    assert contents(imported.place) == documents_of(other)
    assert sorted(one.name for one in imported.place.directory.iterdir()) == [
        "facts.json",
        "index.db",
        "writer.lock",
    ]


def test_an_import_that_was_killed_can_begin_anew(imported):
    said = with_vectors(4200)
    path = imported.folder / "table.jsonl"
    write(path, said)
    killed_after(imported, path, 1)
    assert imported(embeddings=True, rebuild=True).chunks == 4200
    assert contents(imported.place) == documents_of(said)
    with pytest.raises(UsageError, match="already"):
        imported(embeddings=True)
