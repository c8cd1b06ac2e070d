"""The table of models worth fetching: sound in itself, told apart by memory, usable offline."""

from __future__ import annotations

import re
from datetime import date

import pytest

from ockit.models import suggestions
from ockit.models.hub_files import RemoteFile, chosen, models_in, wanted
from ockit.models.suggestions import SUGGESTIONS, for_memory

OPEN = {"Apache-2.0", "MIT"}


@pytest.mark.parametrize("row", SUGGESTIONS, ids=lambda row: row.title)
def test_a_row_is_sound(row):
    assert row.license in OPEN
    assert row.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", row.sha256)
    billions = float(row.parameters.removesuffix("B"))
    assert 4 < 8 * row.size / (billions * 1e9) < 8.5  # bits a weight of four-bit files, embeddings included
    assert row.needs > row.size
    meant = wanted(row.command.removeprefix("ockit models pull "))
    assert meant.repo == row.repo
    # beside the usual other files of such a repository the command means this one
    stem = re.sub(r"(?i)q4(_k_m)?\.gguf$", "", row.file)
    others = [RemoteFile(f"{stem}{tag}.gguf", 1, None) for tag in ("q8_0", "q4_k_s", "fp16", "q4_0", "q2_k")]
    assert chosen(models_in([*others, RemoteFile(row.file, row.size, None)]), meant.file).path == row.file


def test_the_table_is_short_and_dated():
    assert 8 <= len(SUGGESTIONS) <= 12
    assert len({row.sha256 for row in SUGGESTIONS}) == len(SUGGESTIONS)
    assert date.fromisoformat(suggestions.AS_OF) >= date(2026, 11, 21)


def test_the_largest_that_fits_comes_first():
    fitting, others = for_memory(6 << 30)
    assert [row.size for row in fitting] == sorted((row.size for row in fitting), reverse=True)
    assert all(row.needs <= 6 << 30 for row in fitting)
    assert [row.size for row in others] == sorted(row.size for row in others)
    assert len(fitting) + len(others) == len(SUGGESTIONS)
    assert for_memory(0)[0] == ()
    assert for_memory(1 << 40)[1] == ()


def test_suggest(ockit):
    ran = ockit("models", "suggest", "--all", HF_HUB_OFFLINE="1", HF_ENDPOINT="nonsense")
    assert ran.code == 0
    head, *rows = [line.split("\t") for line in ran.out.splitlines()]
    assert head == ["MODEL", "PARAMS", "SIZE", "NEEDS", "FITS", "LICENSE", "NOTE", "PULL"]
    assert len(rows) == len(SUGGESTIONS)
    assert all(row[-1].startswith("ockit models pull ") for row in rows)
    fits = [row[4] for row in rows]
    assert fits == sorted(fits, reverse=True)
    assert f"as of {suggestions.AS_OF}" in ran.err
    assert "estimated" in ran.err


def test_suggest_json(ockit):
    said = ockit("models", "suggest", "--all", "--json").json
    assert (said["schema_version"], said["as_of"], said["context"]) == (1, suggestions.AS_OF, 4096)
    assert {row["title"] for row in said["models"]} == {row.title for row in SUGGESTIONS}
    for row in said["models"]:
        assert row["fits"] == (row["needs"] <= said["available"])
    shown = ockit("models", "suggest", "--json").json["models"]
    assert all(row["fits"] for row in shown)
