"""What a name says of a model that embeds or reranks: whether it comes with ockit, whether it is a folder, and who gets
the texts. Opens nothing."""

from __future__ import annotations

import os
from pathlib import Path

from ockit.errors import UsageError

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


def is_folder(name: str) -> bool:
    """Whether a name is a path. A folder of this directory needs its ``./``: else a folder that a repository happens
    to have, called as a model is, would be taken for it."""
    return name.startswith("~") or name.partition("/")[0] in (".", "..") or os.path.isabs(name)


def settled(name: str, cwd: Path) -> str:
    """The name as it holds wherever one stands: a folder's as an absolute path. Raises UsageError for a home that
    nobody has."""
    if not is_folder(name):
        return name
    try:
        return str((cwd / Path(name).expanduser()).absolute())
    except RuntimeError as error:
        raise UsageError(f"{name!r} is in a home that nobody has", hint="give the whole path") from error
