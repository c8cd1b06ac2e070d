"""A whole run over the hostile tree: what must fail fails, and nothing else is touched by it."""

from __future__ import annotations

from pathlib import Path

import hostile_tree
from indexed_folder import IndexedFolder
from ockit.index.readers.reading import FAILED_REASONS


def test_a_run_over_the_hostile_tree(indexed: IndexedFolder, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    fixtures = hostile_tree.build(tree)
    assert len(fixtures) >= 60
    report = indexed.run(tree)
    stored = {path: found for (_, path), found in indexed.dump().items()}
    failed = {str(Path(one.path).relative_to(tree)): one.reason for one in report.failed}
    for fixture in fixtures:
        state = stored[fixture.path][3] if fixture.path in stored else None
        if fixture.expected == "read":
            assert state == "ok", fixture
            text = "".join(chunk[1] for chunk in stored[fixture.path][-1])
            assert fixture.words in text, fixture
        elif fixture.expected == "failed":
            assert failed.get(fixture.path) in fixture.reasons, (fixture, failed.get(fixture.path))
            assert failed[fixture.path] in FAILED_REASONS
        else:
            assert fixture.path not in failed, fixture
            assert state in (None, "skipped"), fixture
    expected = {fixture.path for fixture in fixtures if fixture.expected == "failed"}
    assert set(failed) == expected
    again = indexed.run(tree)
    assert (again.indexed, again.chunks, len(again.failed)) == (0, 0, len(report.failed))
    assert again.unchanged == report.indexed
