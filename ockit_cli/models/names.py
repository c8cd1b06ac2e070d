"""Names of models: what one may look like, and how a clean one is made from free text.

A name is typed, shown and written to files, so it is plain ASCII. Knows no registry and no files.
"""

from __future__ import annotations

import re

from ockit.errors import UsageError

MAX_NAME = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def is_name(text: str) -> bool:
    """Whether a text can name a model: ``llama-3.2-3b``, ``qwen/qwen3``.

    A name that ends in ``.gguf`` would be taken for a file, so it is none.
    """
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None and not text.lower().endswith(".gguf")


def checked_name(text: str, what: str = "name") -> str:
    """The text itself, once it can be a name.

    Raises:
        UsageError: it cannot.
    """
    if is_name(text):
        return text
    shown = text if len(text) <= MAX_NAME else f"{text[:40]}..."
    suggestion = clean_name(text)
    raise UsageError(
        f"{shown!r} cannot be the {what} of a model: letters, digits and . _ - are allowed, with / between "
        f"parts, {MAX_NAME} characters at most, and no .gguf at the end",
        hint=f"for instance: {suggestion}" if suggestion else None,
    )


def clean_name(text: str) -> str:
    """A name made from free text, in lower case; empty where nothing of it can be kept."""
    text = re.sub(r"\.gguf$", "", text.strip(), flags=re.IGNORECASE).lower()
    parts = (re.sub(r"[^a-z0-9._-]+", "-", part) for part in text.split("/"))
    kept = (re.sub(r"-{2,}", "-", part).strip("-._") for part in parts)
    name = "/".join(part for part in kept if part)[:MAX_NAME].rstrip("-._/")
    return name if is_name(name) else ""


def same_name(first: str, second: str) -> bool:
    """Whether two names are the same one; case does not count."""
    return first.lower() == second.lower()
