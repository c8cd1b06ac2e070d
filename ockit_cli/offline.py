"""Whether the network may be used, and which hosts are no network but this machine. Opens no connection."""

from __future__ import annotations

from collections.abc import Mapping

SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
"""The variables that forbid the network: Hugging Face's own, so that one word holds for every program."""

_TRUE = ("1", "on", "yes", "true")


def is_true(text: str | None) -> bool:
    """Whether a variable switches something on."""
    return (text or "").strip().lower() in _TRUE


def offline_switch(variables: Mapping[str, str]) -> str | None:
    """The variable that forbids the network, or None."""
    return next((name for name in SWITCHES if is_true(variables.get(name))), None)


def is_this_machine(host: str | None) -> bool:
    """Whether a host of a URL is this very machine: ``localhost``, 127.0.0.0/8, ``::1``. Asks no name service."""
    if (host or "").lower() == "localhost":
        return True
    from ipaddress import ip_address

    try:
        found = ip_address(host or "")
    except ValueError:  # a name
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
