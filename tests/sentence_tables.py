"""Tables of sentences as files, and what an index made of one holds."""

import gzip
import json
import random

from ockit.index.store.index_store import IndexStore

WORDS = "river stone light winter garden copper answer window letter morning silver forest".split()


def table(count: int, per_document: int = 7, seed: int = 1) -> list[dict]:
    chance = random.Random(seed)
    return [
        {
            "id": number,
            "title": f"Title {number // per_document}",
            "url": f"https://wiki.test/{number // per_document}",
            "text": f"{' '.join(chance.choices(WORDS, k=9))} {number}.",
        }
        for number in range(count)
    ]


def write(path, said) -> None:
    data = b"".join(json.dumps(row).encode() + b"\n" for row in said)
    path.write_bytes(gzip.compress(data, 1) if path.name.endswith(".gz") else data)


def write_parquet(path, said, group: int = 1000) -> None:
    from pyarrow import Table, parquet

    parquet.write_table(Table.from_pylist(said), path, row_group_size=group)


def with_vectors(count: int, dimension: int = 384) -> list[dict]:
    chance = random.Random(3)
    return [row | {"embedding": [chance.gauss() * 5 for _ in range(dimension)]} for row in table(count)]


def contents(place) -> dict[str, tuple[str, list[str]]]:
    with IndexStore.open(place) as store:
        return {
            path: (record.title, [c.chunk.text for c in store.span(record.id, 0, 9999)])
            for (_, path), record in store.files().items()
        }
