"""What a name says of an embedder: whether it comes with ockit, and who gets the texts. Opens nothing."""

from __future__ import annotations

EMBEDDED = "all-minilm-l6-v2"
"""The embedder that is installed with ockit and used where none is named."""

ENDPOINT = "openai:"
"""How the name of an embedder behind HTTP begins: ``openai:URL#MODEL``."""


def host_of(name: str) -> str | None:
    """The host that an embedder of this name sends texts to, empty where the name does not tell it; None for one that
    runs here."""
    if not name.startswith(ENDPOINT):
        return None
    from urllib.parse import urlsplit

    try:
        return urlsplit(name.removeprefix(ENDPOINT)).hostname or ""
    except ValueError:
        return ""


def leaves_this_machine(name: str) -> bool:
    """Whether texts that an embedder of this name gets are sent to another machine."""
    from ockit.offline import is_this_machine

    host = host_of(name)
    return host is not None and not is_this_machine(host)
