"""Indexing: chunks a second against the embedder alone, and a second run over 10,000 files that have not changed.

Claims: a run that reads, cuts, embeds and stores brings in as many chunks a second as 0.9 of the embedder alone, given
the same texts at once in the same run; `ockit index` over 10,000 unchanged files takes no more than 2 s from the
command to its end.

The 10,000 files have 50 different texts, so that making the index takes a minute and not half an hour; a run in which
nothing has changed opens none of them.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ratios import Ratio, finish, in_turn, parser, verdict

from ockit.engines.embedders import open_embedder
from ockit.environment import Environment
from ockit.index.indexing.plan import IndexPlan
from ockit.index.indexing.run import index_folders
from ockit.index.places import IndexPlace, place_of
from ockit.index.store.index_store import IndexStore
from ockit.protocols import Embedder

SPEED = 0.9
SECONDS = 2.0
FILES = 10_000
ROOT = Path(__file__).resolve().parent.parent


def texts_of(place: IndexPlace) -> list[str]:
    """What had to be embedded for an index, each text once."""
    with IndexStore.open(place) as store:
        chunks = [one.chunk for file in store.files().values() for one in store.span(file.id, 0, 1 << 30)]
    return list({chunk.key: chunk.embedded for chunk in chunks}.values())


def speed(environment: Environment, embedder: Embedder, folder: Path, rounds: int, patience: float) -> bool:
    """Chunks a second of whole runs, each into a new index, against the embedder alone."""
    place = place_of(environment.directories, "speed")
    plan = IndexPlan((folder,))
    index_folders(plan, place, environment, embedder)
    texts = texts_of(place)
    files = sum(path.is_file() for path in folder.rglob("*"))
    print(f"{len(texts)} texts of {files} files")

    def ours() -> float:
        shutil.rmtree(place.directory)
        report = index_folders(plan, place, environment, embedder)
        assert report.embedded == len(texts)
        return report.embedded / report.seconds

    def alone() -> float:
        begun = time.perf_counter()
        embedder.embed(texts, "passage")
        return len(texts) / (time.perf_counter() - begun)

    pairs = in_turn(ours, alone, rounds, patience_s=patience)
    ratio = Ratio(pairs.ours, pairs.reference)
    print(pairs.noise())
    print(
        f"chunks a second: indexing {statistics.median(pairs.ours):.1f}, "
        f"the embedder alone {statistics.median(pairs.reference):.1f}; ratio {ratio}"
    )
    return verdict("chunks a second, of the embedder's alone", ratio.median, SPEED, at_least=True)


def unchanged(environment: Environment, embedder: Embedder, folder: Path, rounds: int) -> bool:
    """Seconds of the whole command where nothing has changed."""
    for number in range(FILES):
        place = folder / f"package{number // 1000}" / f"part{number // 100 % 10}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"module{number}.md").write_text(f"# Text {number % 50}\n\nIt says {number % 50}.\n")
    (folder / ".gitignore").write_text("*.log\nbuild/\n*.py[co]\n/out\n!keep.log\n**/cache/**\n")
    begun = time.perf_counter()
    report = index_folders(
        IndexPlan((folder,)), place_of(environment.directories, "many"), environment, embedder
    )
    assert report.indexed == FILES
    print(f"{FILES} files of {report.embedded} texts indexed in {time.perf_counter() - begun:.1f} s")
    command = [sys.executable, "-P", "-m", "ockit", "index", "--name", "many"]
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        done = subprocess.run(
            command, env=dict(environment.variables), capture_output=True, text=True, check=True, cwd=folder
        )
        taken.append(time.perf_counter() - begun)
        assert f"unchanged {FILES}" in done.stdout
    print(f"seconds of each run: {', '.join(f'{one:.2f}' for one in taken)}")
    return verdict(f"seconds over {FILES} unchanged files", statistics.median(taken), SECONDS)


def main() -> None:
    """Measure, print, and end with 1 where a claim is missed."""
    given = parser(__doc__).parse_args()
    rounds = given.rounds or (1 if given.quick else 7)
    with tempfile.TemporaryDirectory() as home:
        process = Environment.of_process()
        variables = {**process.variables, "OCKIT_HOME": f"{home}/ockit"}
        environment = Environment(process.stdin, process.stdout, process.stderr, variables, process.cwd)
        embedder = open_embedder(None, environment)
        embedder.load()
        folder = Path(home, "documents")
        shutil.copytree(ROOT / "docs", folder / "docs")
        if not given.quick:
            shutil.copytree(ROOT / "ockit_cli" / "engines", folder / "engines")
        held = [
            speed(environment, embedder, folder, rounds, 0.0 if given.quick else given.patience),
            unchanged(environment, embedder, Path(home, "many"), max(3, rounds)),
        ]
        embedder.close()
    finish(*held)


if __name__ == "__main__":
    main()
