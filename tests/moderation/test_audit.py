"""The record of verdicts: hashes and no text, its owner's alone, bounded."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest

from ockit.errors import OckitError
from ockit.messages import Finding, Verdict
from ockit.moderation.audit import AuditLog, text_hash

SAID = "a text that nobody else may read"
VERDICT = Verdict(3, (), {"hate": 0.9}, (Finding("hate", 0, 4),), "caution", f"about {SAID}", "b", 1.26, "ok")


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_has_the_hash_and_not_the_text(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "state")
    log.verdict(SAID, "user", VERDICT, session="s1")
    log.switched(False, why="/moderation off")
    first, second = lines(log.path)
    assert first["text_sha256"] == hashlib.sha256(SAID.encode()).hexdigest()
    assert (first["role"], first["level"], first["action"]) == ("user", 3, "caution")
    assert (first["status"], first["hits"], first["session"]) == ("ok", ["hate"], "s1")
    assert (second["event"], second["on"], second["why"]) == ("switched", False, "/moderation off")
    assert SAID not in log.path.read_text()
    assert "nobody" not in log.path.read_text()


def test_it_is_its_owners_alone(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "state")
    log.switched(True)
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert log.path.parent.stat().st_mode & 0o777 == 0o700
    log.path.chmod(0o644)
    log.switched(True)
    assert log.path.stat().st_mode & 0o777 == 0o600


def test_it_is_bounded(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, largest=2_000)
    for _ in range(50):
        log.verdict(SAID, "user", VERDICT)
    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("audit*.jsonl")}
    assert set(sizes) == {"audit.jsonl", "audit.1.jsonl"}
    assert all(0 < size <= 2_000 for size in sizes.values())
    assert all(line["event"] == "verdict" for line in lines(log.path))


def test_several_write_at_a_time(tmp_path: Path) -> None:
    logs = [AuditLog(tmp_path) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda log=log: [log.verdict(SAID, "user", VERDICT) for _ in range(25)])
        for log in logs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(logs[0].path)) == 100


def test_any_text_has_a_hash(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    for text in ("", "\0", "half \ud83d", "x" * (1 << 20)):
        log.verdict(text, "user", VERDICT)
    assert lines(log.path)[2]["text_sha256"] == text_hash("half \ud83d")


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(OckitError):
        AuditLog(tmp_path / "state").switched(True)
