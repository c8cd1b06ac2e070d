"""Back ends that go wrong, each in a way of its own, and one that answers what it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ockit.errors import WorkerError
from ockit.messages import Judged, Message, Verdict

PLAIN = Verdict(0, (), {}, (), "allow", "as told", "told", 0.1, "ok")


class Told:
    """Answers the same to everything."""

    def __init__(self, **fields: Any) -> None:
        self.name = "told"
        self.doing = ""
        self.answer: Any = replace(PLAIN, **fields)
        self.asked: list[str] = []
        self.closed = threading.Event()

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        self.asked.append(text)
        return self.answer  # type: ignore[no-any-return]

    def close(self) -> None:
        self.closed.set()


class Hangs(Told):
    """Answers when it is closed, as one does whose process is ended then."""

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        self.closed.wait()
        raise WorkerError("the process was ended")


class HangsForGood(Told):
    """Does not even mind being closed, for a while."""

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        time.sleep(1.5)
        return PLAIN


class Crashes(Told):
    """Raises what it was given."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        raise self.error


class CutsWrong(Told):
    """Has cut-points that are none."""

    def __init__(self, cuts: object) -> None:
        super().__init__()
        self.cuts = cuts


class Babbles(Told):
    """Answers what is no verdict."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer


class CountsWrong(Told):
    """Gives fewer verdicts than there are texts."""

    def check_many(self, texts: Sequence[str], role: Judged) -> list[Verdict]:
        return [PLAIN]


class Advises(Told):
    """May not enforce, and says why."""

    def advisory(self) -> str | None:
        return "its self-test came out at chance"
