"""The switch that forbids the network, and what is no network."""

from __future__ import annotations

import pytest

from ockit.offline import SWITCHES, is_this_machine, offline_switch


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
)
def test_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host",
    [
        "127.example.org", "127.0.0.1.example.org", "localhost.example.org", "192.168.0.1", "10.0.0.1", "0.0.0.0",
        "::", "::2", "::ffff:10.0.0.1", "example.org", "", None, "127.1",
    ],
)  # fmt: skip
def test_not_this_machine(host: str | None) -> None:
    assert not is_this_machine(host)


@pytest.mark.parametrize("switch", SWITCHES)
def test_the_switches(switch: str) -> None:
    for text in ("1", "on", "Yes", " true "):
        assert offline_switch({switch: text}) == switch
    for text in ("", "0", "off", "no"):
        assert offline_switch({switch: text}) is None
    assert offline_switch({}) is None
