"""Several sources searched together, of which one fails: for a question, or for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live_server import LiveServer, live_server
from ockit.commands.search_sources import Sources
from ockit.errors import HubError
from ockit.index.live.http_source import HttpSource
from ockit.index.live.source_file import SourceFile
from ockit.index.search.options import SearchOptions


@pytest.fixture
def live() -> Iterator[LiveServer]:
    with live_server() as server:
        yield server


def source(live: LiveServer, name: str) -> HttpSource:
    live.json(f"/{name}", {"results": [{"snippet": f"of {name}"}]})
    found = SourceFile(kind="http", url=f"{live.url}/{name}?q={{query}}", items="results[*]", text="snippet")
    return HttpSource(name, found, {})


def asked(live: LiveServer, name: str) -> int:
    return len([request for request in live.asked if request.path == f"/{name}"])


def test_a_source_that_fails_once_is_asked_again(live: LiveServer) -> None:
    told: list[str] = []
    one, two = source(live, "one"), source(live, "two")
    sources = Sources([one, two], SearchOptions(k=3), told.append)
    for round_ in range(3):
        live.body("/one", b"no json")
        for _ in range(2):
            found = sources.search("anything")
            assert [passage.text for passage in found.passages] == ["of two"]
            assert sources.retrieval == {"one": "failed", "two": "ok"}
        live.json("/one", {"results": [{"snippet": "of one"}]})
        assert len(sources.search("anything").passages) == 2
        assert sources.retrieval == {"one": "ok", "two": "ok"}, round_
    assert len(told) == 1
    assert told[0].startswith("one was not searched: ")
    assert list(sources.failed) == ["one"]


def test_a_source_that_fails_three_times_in_a_row_is_asked_no_more(live: LiveServer) -> None:
    told: list[str] = []
    sources = Sources([source(live, "one"), source(live, "two")], SearchOptions(k=3), told.append)
    live.body("/one", b"no json")
    for _ in range(5):
        assert [passage.text for passage in sources.search("anything").passages] == ["of two"]
        assert sources.retrieval == {"one": "failed", "two": "ok"}
    assert (asked(live, "one"), asked(live, "two")) == (3, 5)
    assert len(told) == 2
    assert told[1].startswith("one failed 3 times in a row and is asked no more: ")
    live.body("/two", b"no json")
    with pytest.raises(HubError):
        sources.search("anything")
