"""``kill -9`` of ``ockit index`` at any moment: each file is as it was or as it is, and the next run brings the rest.

A folder is indexed, then much of it changes: files are edited, removed, renamed, moved, added, exchanged. It is known
what the index holds of each file before and after that second run; whatever is found after a kill must be one of both.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from indexed_folder import TEXTS, dumped, new_embedder, write
from ockit.environment import Directories
from ockit.index.places import IndexPlace, place_of
from ockit.index.store.index_store import IndexStore
from stored_indexes import check_sound
from terminal import gone


def text_of(number: int, word: str) -> str:
    parts = (f"## Part {n}\n\n" + f"File {number} says {word} in part {n}. " * 8 for n in range(2))
    return f"# Number {number}\n\n" + "\n\n".join(parts) + "\n"


def change(folder: Path) -> None:
    """From what was indexed to what is to be."""
    for number in range(0, 12, 2):
        write(folder, {f"many/{number}.md": text_of(number, "another word")})
    for number in range(12, 15):
        (folder / f"many/{number}.md").unlink()
    (folder / "code").rename(folder / "source")
    (folder / "whales.md").rename(folder / "sea.md")
    write(folder, {f"new/{number}.md": text_of(100 + number, "something new") for number in range(8)})
    one, other = folder / "many/15.md", folder / "many/17.md"
    texts = one.read_text(), other.read_text()
    one.write_text(texts[1])
    other.write_text(texts[0])


def place_in(home: Path) -> IndexPlace:
    return place_of(Directories.of({"OCKIT_HOME": str(home)}), "folder")


def vectors_of(place: IndexPlace) -> dict[bytes, Any]:
    """The vector of each chunk's text. Each is used: nothing else is kept."""
    with IndexStore.open(place) as store:
        chunks = [one for file in store.files().values() for one in store.span(file.id, 0, 1 << 30)]
        ids, rows = store.vectors([one.vector_id for one in chunks])
        assert store.counts().vectors == len(ids)
        row = dict(zip(ids, rows.astype(np.float32), strict=True))
        return {one.chunk.key: row[one.vector_id] for one in chunks}


class Trial:
    """A folder, an index of how it was, and what runs over it make of that."""

    def __init__(self, run_ockit: Any, tmp_path: Path, rebuild: bool = False) -> None:
        self.run_ockit, self.tmp = run_ockit, tmp_path
        self.words = ["index", str(tmp_path / "folder"), *(["--rebuild"] if rebuild else [])]
        new_embedder(tmp_path / "first").load()
        folder = tmp_path / "folder"
        write(folder, TEXTS | {f"many/{n}.md": text_of(n, "one word") for n in range(18)})
        assert self.run(tmp_path / "first").returncode == 0
        self.before = dumped(place_in(tmp_path / "first"))
        change(folder)
        shutil.copytree(tmp_path / "first", tmp_path / "whole")
        begun = time.monotonic()
        assert self.run(tmp_path / "whole").returncode == 0
        self.longest = time.monotonic() - begun
        self.after = dumped(place_in(tmp_path / "whole"))
        self.vectors = vectors_of(place_in(tmp_path / "whole"))
        assert self.before != self.after

    def run(self, home: Path, kill: float | None = None) -> subprocess.CompletedProcess[bytes]:
        """One run, ended after `kill` seconds."""
        command = [*self.run_ockit.command(), *self.words]
        variables = self.run_ockit.variables({"OCKIT_HOME": str(home)})
        process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=120 if kill is None else kill)
        except subprocess.TimeoutExpired:
            children = psutil.Process(process.pid).children()
            process.kill()
            out, err = process.communicate()
            assert [child.pid for child in children if not gone(child.pid)] == []
        assert b"Traceback" not in err
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def kill_often(self, count: int, seed: int) -> Counter[str]:
        """Kill `count` runs, some of them twice; what was found."""
        chance, seen = random.Random(seed), Counter[str]()
        for number in range(count):
            home = self.tmp / f"home-{number}"
            shutil.copytree(self.tmp / "first", home)
            for _ in range(chance.choice((1, 1, 2))):
                done = self.run(home, kill=self.longest * chance.random() ** 1.5)
                seen[self.checked(home)] += 1
                seen["killed" if done.returncode == -9 else "ended"] += 1
            assert self.run(home).returncode == 0
            assert dumped(place_in(home)) == self.after, number
            self.same_vectors(home)
            assert not list(place_in(home).directory.glob("*.part"))
            shutil.rmtree(home)
        return seen

    def checked(self, home: Path) -> str:
        """Whether each file is as before or as after; which of both there is."""
        place = place_in(home)
        found = dumped(place)  # plays back what the killed run had begun
        check_sound(place.database)
        old = new = 0
        for key in {*self.before, *self.after, *found}:
            state, before, after = found.get(key), self.before.get(key), self.after.get(key)
            assert state in (before, after), key
            old += state == before != after
            new += state == after != before
        return "some of both" if old and new else "all old" if old else "all new"

    def same_vectors(self, home: Path) -> None:
        """Batches are of other texts, so the last bits may differ."""
        found = vectors_of(place_in(home))
        assert found.keys() == self.vectors.keys()
        for key, vector in found.items():
            assert float(vector @ self.vectors[key]) > 0.999


@pytest.fixture
def trial(run_ockit: Any, tmp_path: Path) -> Callable[..., Trial]:
    return lambda **options: Trial(run_ockit, tmp_path, **options)


def test_a_tenth_of_the_kills(trial: Callable[..., Trial]) -> None:
    seen = trial().kill_often(10, seed=1)
    assert seen["killed"] >= 5, seen
    assert seen["some of both"] >= 1, seen


def test_kills_of_a_rebuild(trial: Callable[..., Trial]) -> None:
    seen = trial(rebuild=True).kill_often(3, seed=2)
    assert seen["some of both"] == 0  # it takes over as a whole
    assert seen["killed"] >= 1


@pytest.mark.sweep
@pytest.mark.timeout(3000)
def test_a_hundred_kills(trial: Callable[..., Trial]) -> None:
    seen = trial().kill_often(100, seed=3)
    assert seen["killed"] >= 60, seen
    assert {"some of both", "all old"} <= seen.keys()


@pytest.mark.sweep
@pytest.mark.timeout(3000)
def test_thirty_kills_of_a_rebuild(trial: Callable[..., Trial]) -> None:
    seen = trial(rebuild=True).kill_often(30, seed=4)
    assert seen["some of both"] == 0
    assert seen["killed"] >= 15
