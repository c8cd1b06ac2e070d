"""The embedded back end, as the rest of ockit sees it: a `Moderator` whose work is done in one worker process.

Knows the frames of `ockit.moderation.classifier.service`; knows no policy. Where the worker died, the next call starts
a new one.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ockit.engines.build import gpu_build
from ockit.engines.embedders import CACHE
from ockit.environment import Environment
from ockit.errors import InterruptedByUser, OckitError, WorkerError
from ockit.messages import CATEGORIES, Finding, Judged, Message, Verdict
from ockit.moderation.classifier.collapsing import collapsed
from ockit.moderation.classifier.pieces import MOST, stretches
from ockit.workers.limits import whole_memory
from ockit.workers.worker import Worker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STALL_SECONDS = 20.0
"""Silence after which the worker counts as hung; its longest silence at work is a few seconds."""
_SERVICE = "ockit.moderation.classifier.service:ModerationService"
_FRAME_CHARACTERS = 2 << 20
_FRAME_TEXTS = 256


def open_embedded(
    environment: Environment,
    *,
    stall_seconds: float = STALL_SECONDS,
    heads: Path | None = None,
    name: str = "embedded",
) -> EmbeddedModerator:
    """The classifier that comes with ockit; nothing is started yet.

    Args:
        stall_seconds: silence after which its process counts as hung.
        heads: other heads for the same encoder (`ockit.moderation.classifier.weights`).
        name: what the policy calls it.
    """
    limit = None if gpu_build() else whole_memory()
    hosted = Worker(_SERVICE, environment.variables, memory_limit=limit)
    hosted.stall_seconds = stall_seconds
    load = {"cache": str(environment.directories.cache / CACHE), "heads": str(heads) if heads else None}
    return EmbeddedModerator(hosted, load, name)


class EmbeddedModerator:
    """One classifier in one worker: an `ockit.protocols.Moderator`. Calls wait for each other; `cancel` and `close`
    may come from any thread.

    Args:
        worker: hosts `ockit.moderation.classifier.service`; started when it is needed.
        load: the parameters of its ``load``.
        name: what the policy calls it.
    """

    def __init__(self, worker: Worker, load: dict[str, Any], name: str = "embedded") -> None:
        self._worker = worker
        self._parameters = load
        self._name = name
        self._lock = threading.RLock()
        self._loaded: tuple[int, dict[str, Any]] | None = None  # with the worker's generation

    @property
    def name(self) -> str:
        """What the policy calls it."""
        return self._name

    @property
    def worker(self) -> Worker:
        """The worker, to look at."""
        return self._worker

    @property
    def encoder(self) -> str:
        """Stands for the encoder's weights: features of two encoders are never compared. Raises as `check`."""
        return str(self._load()["encoder"])

    @property
    def cuts(self) -> Mapping[str, float]:
        """The probability from which each output counts (``level1`` .. ``level4``: of that level or a higher one, the
        categories, ``injection``, ``distress``). Raises as `check`."""
        return dict(self._load()["cuts"])

    def warm_up(self) -> None:
        """Start the process and have it load, without waiting for it."""
        self._worker.start()
        threading.Thread(target=self._load_early, daemon=True).start()

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """Judge a text; the turns before it are not looked at. `Verdict.hits` has ``level``, categories, ``distress``,
        ``injection`` and ``not_scanned`` with their places in the text; where something was not scanned, that is the
        status, and all the rest holds for what was. Runs of digits, punctuation or one sign count as read.

        Raises:
            NotFound, ModelFileError, StoreError, DoesNotFit, MissingExtra: the weights cannot be used.
            InterruptedByUser: `cancel` was called.
            WorkerError: the process died, hangs, or answers nonsense.
        """
        return self.check_many([text], role)[0]

    def check_many(
        self, texts: Sequence[str], role: Judged, contexts: Sequence[Sequence[Message]] = ()
    ) -> list[Verdict]:
        """Judge texts together, which is faster than one by one; ``ms`` is each text's share: the time of this call,
        once the weights are loaded, by the number of texts. Raises as `check`."""
        judgements: list[dict[str, Any]] = []
        with self._lock:
            self._load()
            start = time.perf_counter()
            for first, count in _frames(texts):
                items = [_item(text, role) for text in texts[first : first + count]]
                judgements += [_judgement(frame) for frame in self._call("check", count, items=items)]
            ms = 1000 * (time.perf_counter() - start) / max(1, len(texts))
        return [
            Verdict(**judgement, action="allow", backend=self._name, ms=ms, status=_status(judgement["hits"]))
            for judgement in judgements
        ]

    def features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1 of what texts mean, shape (len(texts), dimension): of a long text, the mean over its
        first windows. Raises as `check`."""
        import numpy as np

        with self._lock:
            rows = np.empty((len(texts), int(self._load()["dimension"])), np.float32)
            for first, count in _frames(texts):
                part = [text[:MOST] for text in texts[first : first + count]]
                for number, frame in enumerate(self._call("features", count, texts=part), first):
                    vector = np.frombuffer(base64.b64decode(frame["vector"]), "<f4")
                    if vector.shape != rows.shape[1:] or not np.isfinite(vector).all():
                        raise _nonsense()
                    rows[number] = vector
        return rows

    def cancel(self) -> None:
        """Stop the running call soon; from any thread or a signal handler."""
        self._worker.cancel()

    def close(self) -> None:
        """End the worker, and with it a call that runs in another thread."""
        self._worker.stop()

    def _load_early(self) -> None:
        with suppress(OckitError):  # the check that follows meets it again, and tells
            self._load()

    def _load(self) -> dict[str, Any]:
        with self._lock:
            self._worker.settle()
            known = self._loaded
            if known is not None and self._worker.alive and known[0] == self._worker.generation:
                return known[1]
            facts = self._worker.call("load", **self._parameters)
            if not isinstance(facts, dict) or {"encoder", "cuts", "dimension"} - facts.keys():
                raise _nonsense()
            self._loaded = self._worker.generation, facts
            return facts

    def _call(self, method: str, count: int, **parameters: Any) -> list[dict[str, Any]]:
        """The frames of a call in the order of its texts."""
        found: dict[int, dict[str, Any]] = {}
        stream = self._worker.stream(method, **parameters)
        while True:
            try:
                frame = next(stream)
            except StopIteration as end:
                result = end.value if isinstance(end.value, dict) else {}
                break
            if "beat" not in frame:  # a sign of life
                found[frame.get("row", -1)] = frame
        if result.get("cancelled"):
            raise InterruptedByUser("the check was stopped")
        found |= {frame.get("row", -1): frame for frame in result.get("frames", ())}
        if sorted(found) != list(range(count)):
            raise _nonsense()
        return [found[row] for row in range(count)]


def _item(text: str, role: Judged) -> dict[str, Any]:
    short = collapsed(text)
    parts = stretches(short.text)
    return {"role": role, "length": len(short.text), "stretches": parts, "breaks": short.breaks}


def _status(hits: Sequence[Finding]) -> Literal["ok", "not_scanned"]:
    return "not_scanned" if any(hit.name == "not_scanned" for hit in hits) else "ok"


_FIELDS = {field.name for field in fields(Verdict)} - {"action", "backend", "ms", "status", "topic"}


def _judgement(frame: dict[str, Any]) -> dict[str, Any]:
    """The fields of a verdict that a frame holds. Raises WorkerError where it holds none."""
    try:
        found = dict(frame["judgement"])
        hits = tuple(Finding(**hit) for hit in found["hits"])
        p_level = tuple(found["p_level"])
        numbers = [*p_level, *found["categories"].values(), found["injection"]]
        sound = all(0 <= number <= 1 for number in numbers) and abs(sum(p_level) - 1) < 0.01
        known = found["level"] in range(len(p_level)) and set(found["categories"]) <= set(CATEGORIES)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _nonsense() from error
    if not sound or not known or set(found) != _FIELDS:
        raise _nonsense()
    return found | {"p_level": p_level, "hits": hits}


def _nonsense() -> WorkerError:
    return WorkerError(
        "the classifier's process sent what is no verdict", hint="ask again; ockit doctor looks"
    )


def _frames(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and count of portions that fit into a frame."""
    first = size = 0
    for number, text in enumerate(texts):
        size += min(len(text), MOST)
        if size > _FRAME_CHARACTERS or number - first == _FRAME_TEXTS:
            if number > first:
                yield first, number - first
            first, size = number, min(len(text), MOST)
    if first < len(texts):
        yield first, len(texts) - first
