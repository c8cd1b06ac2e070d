"""What a test kills or fills the disk of: puts files into an index, prints each name once it is stored.

Usage: writer_child.py DIRECTORY forever|COUNT|until-full|hold [SEED]
"""

import os
import random
import resource
import sys
import time
from pathlib import Path

from ockit.errors import OckitError
from ockit.index.store.index_store import IndexStore
from ockit.index.vectors import building
from ockit.index.vectors.dense import DenseIndex
from stored_indexes import chunks_of, facts, place, put, record

FILE_LIMIT = 500_000  # bytes


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(directory, mode, seed="1"):
    where = place(Path(directory))
    building.SMALLEST = 60
    try:
        store = IndexStore.open(where, readonly=False) if where.exists else IndexStore.create(where, facts())
        if mode == "until-full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
        if mode == "hold":
            say("holding", os.getpid())
            time.sleep(60)
        for number in range(int(mode) if mode.isdecimal() else 10**9):
            chance = random.Random(number * 1000 + int(seed))
            name, tag = f"file{number % 12}.md", f"version{seed}x{number}"
            put(store, record(name, title=tag), chunks_of(chance, 6 if mode != "until-full" else 60, tag=tag))
            say(name, tag)
            if number % 5 == 4:
                store.remove([(0, f"file{(number + 1) % 12}.md")])
                store.sweep_vectors()
                DenseIndex(store).refresh()
    except OckitError as error:
        say("error", type(error).__name__, error.what.replace("\n", " "), "|", error.hint)


main(*sys.argv[1:])
