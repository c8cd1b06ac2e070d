"""What a search finds: recall of words, of vectors and of both, on the two sets of questions in the test data.

Claims: `code`, recall@5 >= 0.90 with at most 125 lines shown, recall@20 >= 0.96 with at most 500; `passages`,
recall@5 of characters >= 0.86; on either, words and vectors together find no less than the words alone, which are the
reference.

    python benchmarks/retrieval.py [--set code|passages] [--floor] [--home FOLDER]

It is the product that is measured, with its defaults: files are unpacked into a folder, indexed by ``ockit index``,
asked through the same `LocalRetriever` that ``ockit search`` uses. `code`: a gold span counts as found when half of
its lines lie in the first k passages; of all questions the largest number of lines shown is printed beside it.
`passages`: the share of the gold characters that the first k passages show (each at most 800 characters).

``--floor`` asks each set's questions of the other set's documents as well, and questions that neither answers: how
many that have an answer are refused, and how many of the others are not.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import ratios

from ockit.environment import Environment
from ockit.index.opening import LocalRetriever, open_retriever
from ockit.index.search.options import MODES, SearchOptions

DATA = (
    Path(os.environ.get("OCKIT_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    / "retrieval"
)
KS = (5, 20)
LINES_A_PASSAGE, CHARACTERS = 25, 800
CLAIMS = {"code": {5: 0.90, 20: 0.96}, "passages": {5: 0.86}}
UNANSWERED = (
    "What is the best recipe for sourdough bread?", "How do I reset my router password?", "asdf qwer zxcv",
    "What is the boiling point of ethanol?", "How do I knit a scarf?", "When was the Eiffel Tower built?",
    "How do I cancel my gym membership?", "Which visa do I need for Japan?", "How do I tune a guitar?",
    "Where is the Kubernetes deployment manifest?", "Which database migration adds the users table?",
    "How are invoices emailed to customers?", "Does the React component support dark mode?",
    "What does the drone's flight controller do when GPS is lost?", "Who painted the Sistine Chapel?",
    "How is the shopping cart total computed?",
)  # fmt: skip


def unpacked(name: str, folder: Path) -> list[dict[str, Any]]:
    """Write a set's documents into `folder`; gives its questions, each with its gold."""
    if name == "code":
        for line in (DATA / "code" / "documents.jsonl").read_text("utf-8").splitlines():
            document = json.loads(line)
            path = folder / document["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document["content"], "utf-8", newline="")
        return [
            json.loads(line) for line in (DATA / "code" / "questions.jsonl").read_text("utf-8").splitlines()
        ]
    for path in (DATA / "passages" / "corpora").glob("*.md"):
        (folder / path.name).write_bytes(path.read_bytes())
    with (DATA / "passages" / "questions.csv").open(encoding="utf-8", newline="") as file:
        return [
            {
                "query": row["question"],
                "gold": json.loads(row["references"]),
                "path": f"{row['corpus_id']}.md",
            }
            for row in csv.DictReader(file)
        ]


def lines_found(passages: Sequence[Any], gold: dict[str, Any]) -> bool:
    """Whether half of a span's lines lie in the passages."""
    wanted = set(range(gold["start_line"], gold["end_line"] + 1))
    shown: set[int] = set()
    for passage in passages:
        if passage.path == gold["path"]:
            shown |= wanted.intersection(range(passage.start_line, passage.end_line + 1))
    return 2 * len(shown) >= len(wanted)


def measure_code(
    questions: list[dict[str, Any]], search: Callable[[str], Sequence[Any]]
) -> tuple[str, dict[int, float]]:
    """Recall over all spans, its mean over questions, per project, and the most lines shown; the first also as numbers.
    A limit of lines that is passed makes the recall at it 0."""
    spans: dict[int, list[bool]] = defaultdict(list)
    per_question: dict[int, list[float]] = defaultdict(list)
    projects: dict[str, dict[int, list[bool]]] = defaultdict(lambda: defaultdict(list))
    lines = dict.fromkeys(KS, 0)
    for question in questions:
        passages = search(question["query"])
        for k in KS:
            found = [lines_found(passages[:k], gold) for gold in question["gold"]]
            spans[k] += found
            per_question[k].append(mean(found))
            for gold, is_found in zip(question["gold"], found, strict=True):
                projects[gold["path"].split("/")[0].split("__")[-1]][k].append(is_found)
            lines[k] = max(lines[k], sum(p.end_line - p.start_line + 1 for p in passages[:k]))
    parts = [
        f"@{k} {mean(spans[k]):.3f} (a question {mean(per_question[k]):.3f}; lines <= {lines[k]})" for k in KS
    ]
    parts += [f"{name} " + "/".join(f"{mean(found[k]):.2f}" for k in KS) for name, found in projects.items()]
    figures = {k: mean(spans[k]) if lines[k] <= LINES_A_PASSAGE * k else 0.0 for k in KS}
    return "  ".join(parts), figures


def measure_passages(
    questions: list[dict[str, Any]], search: Callable[[str], Sequence[Any]], texts: dict[str, str]
) -> tuple[str, dict[int, float]]:
    """Share of the gold characters shown, mean over questions (also as numbers) and per document, and the longest
    passage; one of more than 800 characters makes the shares 0."""
    shares: dict[int, list[float]] = defaultdict(list)
    documents: dict[str, list[float]] = defaultdict(list)
    longest = 0
    for question in questions:
        passages = search(question["query"])
        longest = max([longest, *(len(p.text) for p in passages)])
        places = [(p.path, at := texts[p.path].index(p.text), at + len(p.text)) for p in passages]
        for k in KS:
            wanted = {n for gold in question["gold"] for n in range(gold["start_index"], gold["end_index"])}
            shown = {
                n
                for path, a, b in places[:k]
                if path == question["path"]
                for n in wanted.intersection(range(a, b))
            }
            shares[k].append(len(shown) / len(wanted))
        documents[question["path"]].append(shares[KS[0]][-1])
    parts = [f"@{k} {mean(shares[k]):.4f}" for k in KS] + [f"characters <= {longest}"]
    parts += [f"{name.removesuffix('.md')} {mean(found):.3f}" for name, found in documents.items()]
    return "  ".join(parts), {k: mean(shares[k]) if longest <= CHARACTERS else 0.0 for k in KS}


def opened(name: str, home: Path) -> tuple[LocalRetriever, list[dict[str, Any]], dict[str, str]]:
    """The index of a set, made where it is not there yet, its questions and its texts."""
    folder = home / "documents" / name
    folder.mkdir(parents=True, exist_ok=True)
    questions = unpacked(name, folder)
    command = [sys.executable, "-m", "ockit", "index", str(folder), "--name", name]
    subprocess.run(
        command, env={**os.environ, "OCKIT_HOME": str(home)}, check=True, stderr=subprocess.DEVNULL
    )
    environment = Environment.of_process()
    environment.variables = {**os.environ, "OCKIT_HOME": str(home)}
    retriever = open_retriever(name, environment)
    assert isinstance(retriever, LocalRetriever)
    texts = {path.name: path.read_text("utf-8") for path in folder.glob("*.md")}
    return retriever, questions, texts


def ask(retriever: LocalRetriever, queries: Sequence[str], options: SearchOptions) -> dict[str, Any]:
    """The passages of each question."""
    vectors = retriever.vectors(queries)
    return {
        query: retriever.search(query, options, vector=vector).passages
        for query, vector in zip(queries, vectors, strict=True)
    }


def compare(
    name: str,
    retriever: LocalRetriever,
    questions: list[dict[str, Any]],
    texts: dict[str, str],
) -> list[bool]:
    """Print what each way of searching finds in a set; gives which claims hold."""
    queries = list(dict.fromkeys(question["query"] for question in questions))
    figures: dict[str, dict[int, float]] = {}
    for mode in MODES:
        begun = time.perf_counter()
        found = ask(retriever, queries, SearchOptions(k=max(KS), mode=mode))
        took = (time.perf_counter() - begun) / len(queries)
        if name == "code":
            told, figures[mode] = measure_code(questions, found.__getitem__)
        else:
            told, figures[mode] = measure_passages(questions, found.__getitem__, texts)
        print(f"{name} {mode:5} {told}  {1e3 * took:.0f} ms a question", flush=True)
    both, words = figures["both"], figures["bm25"]
    held = [
        ratios.verdict(f"{name}, recall@{k}", both[k], least, at_least=True)
        for k, least in CLAIMS[name].items()
    ]
    return held + [
        ratios.verdict(f"{name}, both / words alone @{k}", both[k] / words[k], 1.0, at_least=True) for k in KS
    ]


def main() -> None:
    """Index, ask, print; end with 1 where a claim is missed."""
    parser = ratios.parser(__doc__)
    parser.add_argument("--set", choices=("code", "passages"), action="append")
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--home", type=Path, help="where the indexes are kept for the next time")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not there: OCKIT_TEST_DATA names the folder it lies in")
    with tempfile.TemporaryDirectory() as temporary:
        home = (options.home or Path(temporary)).absolute()
        sets = {name: opened(name, home) for name in options.set or ("code", "passages")}
        held = []
        for name, (retriever, questions, texts) in sets.items():
            held += compare(name, retriever, questions[:20] if options.quick else questions, texts)
        if options.floor:
            for name, (retriever, _, _) in sets.items():
                groups = {other: [q["query"] for q in asked] for other, (_, asked, _) in sets.items()}
                for group, queries in {**groups, "neither": list(UNANSWERED)}.items():
                    found = ask(retriever, queries, SearchOptions(k=5))
                    scores = [passages[0].score if passages else 0.0 for passages in found.values()]
                    print(
                        f"floor: questions on {group} asked of {name}: {mean(not s for s in scores):.1%} find nothing,"
                        f" median score {median(scores):.2f}"
                    )
        for retriever, _, _ in sets.values():
            retriever.close()
    ratios.finish(*held)


if __name__ == "__main__":
    main()
