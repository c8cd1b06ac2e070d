"""What a search finds on the shared questions, with the defaults: the bars of the figures this project claims.

All of the code set; of the prose set the two documents that are embedded in seconds. `benchmarks/retrieval.py` measures
both whole.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ockit.environment import Environment
from ockit.index.evaluation import Gold, ranks
from ockit.index.indexing.plan import IndexPlan
from ockit.index.indexing.run import index_folders
from ockit.index.opening import LocalRetriever, open_retriever
from ockit.index.places import place_of
from ockit.index.search.options import MODES, SearchOptions

PROSE = ("state_of_the_union.md", "chatlogs.md")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    home = tmp_path_factory.mktemp("found")
    return Environment(io.BytesIO(), io.StringIO(), io.StringIO(), {"OCKIT_HOME": str(home)}, home)


def opened(environment: Environment, name: str, texts: dict[str, str]) -> LocalRetriever:
    folder = environment.cwd / name
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8", newline="")
    report = index_folders(IndexPlan((folder,)), place_of(environment.directories, name), environment)
    assert report.indexed == len(texts)
    retriever = open_retriever(name, environment)
    assert isinstance(retriever, LocalRetriever)
    return retriever


@pytest.fixture(scope="module")
def code(
    environment: Environment, data_dir: Callable[[str], Path]
) -> Iterator[tuple[LocalRetriever, list[Any]]]:
    place = data_dir("retrieval") / "code"
    texts = [json.loads(line) for line in (place / "documents.jsonl").read_text("utf-8").splitlines()]
    questions = [json.loads(line) for line in (place / "questions.jsonl").read_text("utf-8").splitlines()]
    retriever = opened(environment, "code", {text["path"]: text["content"] for text in texts})
    yield retriever, questions
    retriever.close()


@pytest.fixture(scope="module")
def prose(
    environment: Environment, data_dir: Callable[[str], Path]
) -> Iterator[tuple[LocalRetriever, list[Any], dict[str, str]]]:
    place = data_dir("retrieval") / "passages"
    texts = {name: (place / "corpora" / name).read_text("utf-8") for name in PROSE}
    with (place / "questions.csv").open(encoding="utf-8", newline="") as file:
        questions = [row for row in csv.DictReader(file) if f"{row['corpus_id']}.md" in PROSE]
    retriever = opened(environment, "prose", texts)
    yield retriever, questions, texts
    retriever.close()


def answers(retriever: LocalRetriever, queries: list[str], options: SearchOptions) -> list[Any]:
    vectors = retriever.vectors(queries)
    return [
        retriever.search(query, options, vector=vector).passages
        for query, vector in zip(queries, vectors, strict=True)
    ]


def test_code_is_found(code: tuple[LocalRetriever, list[Any]]) -> None:
    retriever, questions = code
    recall: dict[str, dict[int, float]] = {}
    for mode in MODES:
        found: list[int | None] = []
        queries = [question["query"] for question in questions]
        for question, passages in zip(
            questions, answers(retriever, queries, SearchOptions(k=20, mode=mode)), strict=True
        ):
            found += ranks([Gold(**gold) for gold in question["gold"]], passages)
            seen: dict[str, set[int]] = {}
            for passage in passages:
                at = Path(passage.file).read_text("utf-8").index(passage.text)
                shown = set(range(at, at + len(passage.text)))
                assert not shown & seen.setdefault(passage.path, set()), "two passages show the same"
                seen[passage.path] |= shown
            for k, lines in ((5, 125), (20, 500)):
                assert sum(p.end_line - p.start_line + 1 for p in passages[:k]) <= lines
        recall[mode] = {
            k: sum(rank is not None and rank <= k for rank in found) / len(found) for k in (5, 20)
        }
    assert recall["both"][5] >= 0.90
    assert recall["both"][20] >= 0.96
    for k in (5, 20):
        assert recall["both"][k] >= recall["bm25"][k]


def test_prose_is_found(prose: tuple[LocalRetriever, list[Any], dict[str, str]]) -> None:
    retriever, questions, texts = prose
    shares = {}
    for mode in MODES:
        found = []
        for question, passages in zip(
            questions,
            answers(retriever, [q["question"] for q in questions], SearchOptions(mode=mode)),
            strict=True,
        ):
            references = json.loads(question["references"])
            wanted = {n for gold in references for n in range(gold["start_index"], gold["end_index"])}
            shown: set[int] = set()
            for passage in passages:
                assert len(passage.text) <= 800
                at = texts[passage.path].index(passage.text)
                if passage.path == f"{question['corpus_id']}.md":
                    shown |= wanted.intersection(range(at, at + len(passage.text)))
            found.append(len(shown) / len(wanted))
        shares[mode] = sum(found) / len(found)
    assert shares["both"] >= 0.86
    assert shares["both"] >= shares["bm25"]


def test_questions_on_other_documents_find_nothing(
    code: tuple[LocalRetriever, list[Any]], prose: tuple[LocalRetriever, list[Any], dict[str, str]]
) -> None:
    of_code = [question["query"] for question in code[1]]
    of_prose = [question["question"] for question in prose[1]]
    refused = {
        "answerable": [not p for p in answers(code[0], of_code, SearchOptions())],
        "answerable prose": [not p for p in answers(prose[0], of_prose, SearchOptions())],
        "prose in code": [not p for p in answers(code[0], of_prose, SearchOptions())],
        "code in prose": [not p for p in answers(prose[0], of_code, SearchOptions())],
    }
    shares = {name: sum(found) / len(found) for name, found in refused.items()}
    assert shares["answerable"] <= 0.03
    assert shares["answerable prose"] <= 0.03
    assert shares["prose in code"] >= 0.9
    assert shares["code in prose"] >= 0.8
