"""A server that answers as it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live_server import LiveServer, live_server


@pytest.fixture
def live() -> Iterator[LiveServer]:
    with live_server() as server:
        yield server
