"""The question of a command: its words, files, and piped text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ockit.assistant.attachments import LARGEST_INPUT, Document, Question, read_document, text_of
from ockit.console import Console
from ockit.environment import Environment
from ockit.errors import UsageError


def gather(
    prompt: str, files: Sequence[Path], environment: Environment, console: Console, *, truncate: bool
) -> Question:
    """The question that the words, the files and piped text make. Piped text alone is itself the prompt.

    Args:
        truncate: take the beginning of an attachment that is too large, instead of refusing it.

    Raises:
        UsageError: there is no question, or an attachment is no text.
        ContextOverflow: an attachment is larger than any context.
        NotFound: a file is not there.
    """
    documents = [read_document(path, environment.cwd, truncate=truncate) for path in files]
    piped = "" if environment.stdin_is_tty else _piped(environment, console, truncate=truncate)
    if piped.strip() and prompt.strip():
        documents.insert(0, Document("standard input", piped))
    elif piped.strip():
        documents.append(Document("", piped))
        return Question("", tuple(documents))
    if not prompt.strip():
        raise UsageError("there is no question", hint='ockit ask "What is a monad?"; or ockit chat')
    return Question(prompt, tuple(documents))


def _piped(environment: Environment, console: Console, *, truncate: bool) -> str:
    with console.status("reading standard input"):
        data = environment.stdin.read(LARGEST_INPUT + 1)
    return text_of(data, "standard input", "standard input", truncate=truncate)
