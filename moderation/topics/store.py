"""Where topics are kept: a file each in the data directory, whole or not there. Knows files, and asks an embedder once,
when a topic is added."""

from __future__ import annotations

import base64
import json
import math
import re
import time
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from ockit.environment import Directories
from ockit.errors import NotFound, StoreError, UsageError
from ockit.files import explained, read_limited, read_text, write_atomic
from ockit.moderation.topics.elsewhere import QUESTIONS
from ockit.moderation.topics.topic import FEWEST, Topic, left_out, nearness, threshold_between

if TYPE_CHECKING:
    from ockit.protocols import Embedder

MOST = 5_000
"""Examples of one topic."""

LONGEST = 2_000
"""Characters of an example."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_LARGEST_FILE = 64 << 20
_LARGEST_EXAMPLES = 16 << 20
_VERSION = 1
_LENGTH_SLACK = 1e-3  # of vectors of length 1


def read_examples(path: Path) -> tuple[str, ...]:
    """The examples of a file, one a line; the same one twice counts once.

    Raises:
        UsageError: too few, too many, too long, no UTF-8; with the line where there is one.
        NotFound: there is no such file.
    """
    found: dict[str, None] = {}
    for number, line in enumerate(read_text(path, _LARGEST_EXAMPLES).split("\n"), 1):
        example = " ".join(line.split())
        if len(example) > LONGEST or "\0" in example:
            what = f"the example has {len(example)} characters; {LONGEST} are the most"
            raise UsageError(
                what if "\0" not in example else "the line is no text",
                where=f"{path}:{number}",
                hint="one question or sentence a line",
            )
        if example:
            found[example] = None
    if not FEWEST <= len(found) <= MOST:
        raise UsageError(
            f"there are {len(found)} different examples; a topic takes {FEWEST} to {MOST}",
            where=str(path),
            hint="twenty questions as people would ask them do well, one a line",
        )
    return tuple(found)


def made_topic(
    name: str, examples: Sequence[str], embedder: Embedder, embedder_name: str, message: str
) -> Topic:
    """A topic of examples; the embedder reads them, and the questions they are told apart from. Raises OckitError."""
    info = embedder.load()
    vectors = embedder.embed([*examples, *QUESTIONS], "passage")
    on, off = vectors[: len(examples)], vectors[len(examples) :]
    threshold, kept, passed = threshold_between(left_out(on), nearness(off, on))
    return Topic(
        name, tuple(examples), on, threshold, kept, passed, embedder_name, info.identity, message, time.time()
    )


def save_topic(directories: Directories, topic: Topic) -> Path:
    """Keep a topic, in the place of one of its name. Raises OckitError; the old one then stays."""
    path = _path(directories, topic.name)
    entry = {
        "version": _VERSION,
        "examples": topic.examples,
        "vectors": base64.b64encode(topic.vectors.astype("<f4").tobytes()).decode(),
        "threshold": topic.threshold,
        "kept": topic.kept,
        "passed": topic.passed,
        "embedder": topic.embedder,
        "identity": topic.identity,
        "message": topic.message,
        "created": topic.created,
    }
    write_atomic(path, json.dumps(entry))
    return path


def topic_named(directories: Directories, name: str) -> Topic:
    """A topic that is kept. Raises NotFound, UsageError (no name), StoreError (damaged)."""
    path = _path(directories, name)
    try:
        data = read_limited(path, _LARGEST_FILE)
    except NotFound as error:
        known = topic_names(directories)
        near = get_close_matches(name, known, 1)
        hint = (
            f"did you mean {near[0]}?" if near else f"ockit moderation topic add {name} EXAMPLES.txt makes it"
        )
        raise NotFound(f"there is no topic {name!r}", hint=hint) from error
    try:
        return _read(name, json.loads(data))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(
            f"the topic {name} is damaged",
            where=str(path),
            hint=f"make it again: ockit moderation topic add {name} EXAMPLES.txt",
        ) from error


def topic_names(directories: Directories) -> list[str]:
    """The names of all that are kept. Raises StoreError where they cannot be listed."""
    folder = _folder(directories)
    try:
        return sorted(
            path.stem for path in folder.iterdir() if path.suffix == ".json" and _NAME.fullmatch(path.stem)
        )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise explained(error, folder, "list the topics") from error


def remove_topic(directories: Directories, name: str) -> None:
    """Forget a topic. Raises NotFound, UsageError, StoreError."""
    path = _path(directories, name)
    if not path.exists():
        topic_named(directories, name)  # which says that it is not there
    try:
        path.unlink()
    except OSError as error:
        raise explained(error, path, "remove the topic") from error


def _read(name: str, entry: dict[str, object]) -> Topic:
    import numpy as np

    examples = entry["examples"]
    if entry["version"] != _VERSION or not isinstance(examples, list) or not examples:
        raise ValueError
    numbers = np.frombuffer(base64.b64decode(str(entry["vectors"]), validate=True), "<f4")
    vectors = numbers.reshape(len(examples), -1).astype(np.float32)
    threshold, kept, passed, created = (
        float(str(entry[key])) for key in ("threshold", "kept", "passed", "created")
    )
    if not vectors.size or not math.isfinite(threshold):
        raise ValueError
    if not (np.abs(np.linalg.norm(vectors, axis=1) - 1) < _LENGTH_SLACK).all():  # nor is a NaN
        raise ValueError
    embedder, identity, message = (str(entry[key]) for key in ("embedder", "identity", "message"))
    texts = tuple(map(str, examples))
    return Topic(name, texts, vectors, threshold, kept, passed, embedder, identity, message, created)


def _folder(directories: Directories) -> Path:
    return directories.data / "moderation" / "topics"


def checked_name(name: str) -> str:
    """The name itself. Raises UsageError: it is none for a topic."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:80]!r} is no name for a topic: it takes letters, digits, '.', '_' and '-', at most 64, and begins "
            "with a letter, a digit or '_'",
            hint="ockit moderation topic add cooking examples.txt",
        )
    return name


def _path(directories: Directories, name: str) -> Path:
    return _folder(directories) / f"{checked_name(name)}.json"
