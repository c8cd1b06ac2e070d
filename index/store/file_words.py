"""The words of chunks as the full-text index holds them.

They are made anew to be deleted: the index keeps no copy. So they depend on nothing but the chunk, the path and the
version of `index_words`, which the facts of an index hold.
"""

from __future__ import annotations

import sqlite3

from ockit.index.store.rows import cooked


def row_words(connection: sqlite3.Connection, file_id: int, path: str) -> list[tuple[int, str, str, str]]:
    """For each chunk of a file its id and the words of its text, of its heading with what it defines, of the path."""
    from ockit.index.search.words import index_words

    def words(text: str) -> str:
        return index_words(text).encode("utf-8", "replace").decode("utf-8")  # SQLite takes no lone surrogates

    found = connection.execute(
        "SELECT id, text, heading, defines FROM chunks WHERE file_id = ? ORDER BY id", (file_id,)
    )
    of_path = words(path)
    return [
        (number, words(cooked(text)), words(f"{cooked(heading)} {cooked(defines)}"), of_path)
        for number, text, heading, defines in found.fetchall()
    ]
