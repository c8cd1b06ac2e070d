"""Every file of the hostile tree, read by one child: what must come of it does, and nothing is left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import hostile_tree
from hostile_tree import Fixture
from ockit.index.readers.child_process import ReaderChild
from ockit.index.readers.reading import ReadFile, ReadRequest, Unread

Outcomes = dict[str, tuple[Fixture, ReadFile | Unread]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    root = tmp_path_factory.mktemp("hostile")
    fixtures = {fixture.path: fixture for fixture in hostile_tree.build(root)}
    with ReaderChild(os.environ) as child:
        asked = [ReadRequest(root / path, path) for path in fixtures]
        return {
            request.path: (fixtures[request.path], outcome) for request, outcome in child.read_many(asked)
        }


def test_there_are_enough_of_them(outcomes: Outcomes):
    assert len(outcomes) >= 100
    assert {fixture.expected for fixture, _ in outcomes.values()} == {"read", "skipped", "failed"}


def test_every_file_becomes_what_it_must(outcomes: Outcomes):
    wrong = []
    for path, (fixture, outcome) in outcomes.items():
        if isinstance(outcome, ReadFile):
            said = "".join(chunk.text for chunk in outcome.chunks)
            good = fixture.expected == "read" and fixture.words in said
        else:
            expected = "skipped" if outcome.skipped else "failed"
            good = (
                fixture.expected == expected and outcome.reason in fixture.reasons and len(outcome.what) > 5
            )
        if not good:
            wrong.append((path, fixture, outcome))
    assert wrong == []


def test_chunks_of_hostile_files_are_well_formed(outcomes: Outcomes):
    for path, (_, outcome) in outcomes.items():
        if not isinstance(outcome, ReadFile):
            continue
        for chunk in outcome.chunks:
            assert 1 <= chunk.start_line <= chunk.end_line, path
            assert "\0" not in chunk.text + chunk.heading, path
            (chunk.text + chunk.heading).encode()  # no lone surrogates


def test_nothing_of_another_file_got_in(outcomes: Outcomes):
    host = Path("/etc/hostname")
    secret = host.read_text(encoding="utf-8").strip() if host.exists() else ""
    for path in ("archives/external.docx", "special/out.txt", "archives/traversal.epub"):
        outcome = outcomes[path][1]
        said = (
            "".join(chunk.text for chunk in outcome.chunks) if isinstance(outcome, ReadFile) else outcome.what
        )
        assert not secret or secret not in said
        assert "root:" not in said
