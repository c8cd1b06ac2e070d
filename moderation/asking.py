"""One back end, asked in a thread of its own within a time limit; whatever goes wrong becomes a status.

Knows no policy. A thread cannot be ended from outside: a back end that hangs is told to stop (its process is ended,
where it has one), and until its thread is free again nobody waits for it.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeGuard

from ockit.errors import InterruptedByUser, OckitError
from ockit.messages import CATEGORIES, Finding, Judged, Message, Verdict
from ockit.moderation.timeouts import CheckTimeout
from ockit.protocols import Moderator

_STATUSES = ("ok", "timeout", "error", "not_scanned")

HANGS = "it still hangs in an earlier check"
"""The reason of a verdict on a text that nobody was asked about, because of an earlier fault that was told."""

GIVEN_UP_S = 2.0
"""Seconds, and no more than a call may take, in which a back end whose call was given up ends it: mostly its process
is ended at once, and the next texts need not go without it."""

CHARACTERS_A_SECOND = 50_000
"""By which a call may take longer than its time limit for the length of its texts: of a large text the embedded back
end reads some 100,000."""


@dataclass(frozen=True)
class Answers:
    """What became of one call.

    Attributes:
        verdicts: one a text; all of them with the same status but ``ok`` where something went wrong.
        advisory: why this back end may only advise, or None.
        cuts: the back end's cut-points by name (`ockit.moderation.policy.cut_points`); empty where it has none.
    """

    verdicts: tuple[Verdict, ...]
    advisory: str | None = None
    cuts: Mapping[str, float] = field(default_factory=dict)


class Call:
    """Texts on their way through a back end."""

    def __init__(self, texts: Sequence[str], role: Judged, context: Sequence[Message]) -> None:
        self.texts, self.role, self.context = texts, role, context
        self.began = time.perf_counter()
        self.checking = threading.Event()  # the back end is ready and reads the texts
        self.done = threading.Event()
        self.abandoned = False
        self.answers = Answers(())

    @property
    def ms(self) -> float:
        """Milliseconds since it began."""
        return (time.perf_counter() - self.began) * 1000


class Asked:
    """A back end and its thread.

    Args:
        open_backend: makes the back end; called in the thread, when the first text is to be judged, so that one that
            cannot be opened is a fault like any other.
        name: what verdicts call it.
        timeout: seconds that one call may take, besides those for the length of its texts.
        opening: seconds that making it ready may take.
    """

    def __init__(
        self, open_backend: Callable[[], Moderator], name: str, timeout: float, opening: float = 60.0
    ) -> None:
        self.name = name
        self._open = open_backend
        self._timeout = timeout
        self._opening = opening
        self._backend: Moderator | None = None
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._running: Call | None = None
        self._settling = threading.Lock()  # whether a call has answered or was given up, is decided once

    @property
    def doing(self) -> str:
        """What its back end says that it is doing (`ockit.moderation.judges.gguf_judge`); mostly empty."""
        return str(getattr(self._backend, "doing", ""))

    def begin(self, texts: Sequence[str], role: Judged, context: Sequence[Message] = ()) -> Call | None:
        """Hand texts over, or no text, to make the back end ready; None where it still hangs in an earlier call, though
        texts waited for the end of that (`GIVEN_UP_S`)."""
        running = self._running
        if running is not None and running.abandoned:
            patience = min(self._timeout, GIVEN_UP_S) if texts else 0.0
            if not running.done.wait(patience):
                return None
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=f"moderation-{self.name}", daemon=True)
            self._thread.start()
        call = self._running = Call(texts, role, context)
        self._calls.put(call)
        return call

    def finish(self, call: Call | None, count: int) -> Answers:
        """The answers of a call that `begin` gave, once they are there or their time is over."""
        if call is None:
            return self._fault(count, "timeout", HANGS, 0.0)
        limit = self._opening
        if call.checking.wait(self._opening):
            limit = self._timeout + sum(map(len, call.texts)) / CHARACTERS_A_SECOND
            if call.done.wait(limit):
                return call.answers
        with self._settling:
            if call.done.is_set():  # in the last moment
                return call.answers
            call.abandoned = True
            backend = self._backend
        if backend is not None:
            # which may hang as well; what it stops is the process that the thread waits for
            threading.Thread(target=_ended, args=(backend,), daemon=True).start()
        return self._fault(count, "timeout", f"it took longer than {_seconds(limit)}", call.ms)

    def close(self) -> None:
        """End the back end, and its thread once that is free."""
        self._calls.put(None)
        backend = self._backend
        if backend is not None:
            _ended(backend)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            answers = self._answered(call)
            with self._settling:
                call.answers = answers
                if not call.abandoned:
                    call.checking.set()
                    call.done.set()
                    continue
            self._drop()  # it was closed: the next call opens another
            call.checking.set()
            call.done.set()
        self._drop()  # where it was opened while it was being closed

    def _drop(self) -> None:
        backend, self._backend = self._backend, None
        if backend is not None:
            _ended(backend)

    def _answered(self, call: Call) -> Answers:
        count = len(call.texts)
        try:
            if self._backend is None:
                self._backend = self._open()
            if not count:
                warm_up = getattr(self._backend, "warm_up", None)
                if warm_up is not None:
                    warm_up()
                return Answers(())
            advisory = getattr(self._backend, "advisory", None)
            why = advisory() if advisory is not None else None
            cuts = getattr(self._backend, "cuts", None)  # which has it load, where it has not
            call.checking.set()
            verdicts = _judged(self._backend, call)
            wrong = next(filter(None, map(nonsense, verdicts, call.texts)), "")
            if len(verdicts) != count:
                wrong = f"{len(verdicts)} verdicts on {count} texts"
            if not _are_cuts(cuts):
                wrong = "its cut-points are none"
        except OckitError as error:
            hint = f" ({error.hint})" if error.hint else ""
            late = isinstance(error, CheckTimeout | InterruptedByUser)
            return self._fault(count, "timeout" if late else "error", f"{error}{hint}", call.ms)
        except Exception as error:  # noqa: BLE001 - a back end gone wrong must not end the turn
            return self._fault(count, "error", f"{type(error).__name__}: {error}", call.ms)
        except BaseException as error:  # noqa: BLE001 - nor this thread: it wanted to end, so the next call opens another
            self._drop()
            return self._fault(count, "error", f"{type(error).__name__}: {error}", call.ms)
        if wrong:
            return self._fault(count, "error", f"it answered nonsense: {wrong}", call.ms)
        return Answers(tuple(verdicts), why, cuts or {})

    def _fault(self, count: int, status: Literal["timeout", "error"], reason: str, ms: float) -> Answers:
        verdict = Verdict(0, (), {}, (), "allow", reason, self.name, ms, status)
        return Answers((verdict,) * count)


def _seconds(seconds: float) -> str:
    """To a tenth, which is left out where it says nothing."""
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def _ended(backend: Moderator) -> None:
    # how a back end ends says nothing of any text, and must end no thread
    with suppress(BaseException):
        backend.close()


def _judged(backend: Moderator, call: Call) -> Sequence[Verdict]:
    many = getattr(backend, "check_many", None)
    if many is not None and len(call.texts) > 1:
        found: Sequence[Verdict] = many(call.texts, call.role)
        return found
    return [backend.check(text, call.role, call.context) for text in call.texts]


def nonsense(verdict: object, text: str) -> str:
    """What about a verdict on a text cannot be; empty where it is sound."""
    if not isinstance(verdict, Verdict):
        return f"a {type(verdict).__name__} instead of a verdict"
    faults = {
        "its level is none": type(verdict.level) is int and 0 <= verdict.level <= 4,
        "its status is none": isinstance(verdict.status, str) and verdict.status in _STATUSES,
        "its probabilities are none": _is_distribution(verdict.p_level),
        "its categories are none": isinstance(verdict.categories, Mapping)
        and all(name in CATEGORIES and _is_share(score) for name, score in verdict.categories.items()),
        "its injection score is none": _is_share(verdict.injection),
        "its time is none": _is_number(verdict.ms) and verdict.ms >= 0,
        "whether it is unsure is not said": isinstance(verdict.unsure, bool),
        "its words are none": isinstance(verdict.reason, str)
        and isinstance(verdict.backend, str)
        and (verdict.topic is None or isinstance(verdict.topic, str)),
        "its hits are none": isinstance(verdict.hits, tuple)
        and all(isinstance(hit, Finding) and isinstance(hit.name, str) for hit in verdict.hits),
        "a hit lies outside the text": isinstance(verdict.hits, tuple)
        and all(_inside(hit.start, hit.end, len(text)) for hit in verdict.hits),
        "it decides by itself": verdict.action == "allow",
    }
    return next((fault for fault, sound in faults.items() if not sound), "")


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_share(value: object) -> bool:
    return _is_number(value) and -1e-6 <= value <= 1 + 1e-6


def _are_cuts(cuts: object) -> bool:
    return cuts is None or (
        isinstance(cuts, Mapping)
        and all(isinstance(name, str) and _is_share(cut) for name, cut in cuts.items())
    )


def _is_distribution(values: object) -> bool:
    if not isinstance(values, tuple | list):
        return False
    if not values:
        return True
    return len(values) == 5 and all(map(_is_share, values)) and abs(sum(map(float, values)) - 1) < 1e-3


def _inside(start: object, end: object, length: int) -> bool:
    if start is None and end is None:
        return True
    return type(start) is int and type(end) is int and 0 <= start <= end <= length
