"""Small moderators for tests of turns: they judge by words that stand in a text, and can be slow, mute or broken."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from ockit.assistant.checking import Checking
from ockit.errors import WorkerError
from ockit.messages import Finding, Judged, Message, Passage, Verdict
from ockit.moderation.asking import Asked
from ockit.moderation.audit import AuditLog
from ockit.moderation.guarding import Guard
from ockit.moderation.policy.policy import BackendSpec, Policy
from ockit.moderation.policy.reading import parse_policy
from ockit.protocols import Retrieved

LEVELS = {"gentle": 1, "touchy": 2, "grave": 4}


class WordModerator:
    """The level of the gravest word of a text; ``obey`` steers, ``hopeless`` is distress.

    Attributes:
        seen: every text it was shown, with its role.
        fault: raised instead of a judgement.
        seconds: how long it takes.
    """

    name = "words"

    def __init__(self) -> None:
        self.seen: list[tuple[Judged, str]] = []
        self.fault: Exception | None = None
        self.seconds = 0.0
        self.free = threading.Event()
        self.free.set()

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        self.seen.append((role, text))
        time.sleep(self.seconds)
        self.free.wait()
        if self.fault is not None:
            raise self.fault
        level = max((level for word, level in LEVELS.items() if word in text.lower()), default=0)
        hits = [Finding("level")] if level else []
        distress = "hopeless" in text.lower()
        hits += [Finding("distress")] if distress else []
        injection = 0.9 if "obey" in text.lower() else 0.1
        return Verdict(
            level,
            (),
            {"self_harm": 0.9} if distress else {},
            tuple(hits),
            "allow",
            f"level {level}",
            self.name,
            0.1,
            "ok",
            injection=injection,
        )

    def close(self) -> None:
        self.free.set()

    def of(self, role: Judged) -> list[str]:
        """The texts of a role that it was shown."""
        return [text for found, text in self.seen if found == role]


def policy(text: str = "") -> Policy:
    """A policy from the text of its file."""
    return parse_policy(text, "moderation.toml")


def checking(
    moderator: WordModerator,
    text: str = "",
    *,
    timeout: float = 5.0,
    on: bool = True,
    audit: AuditLog | None = None,
    opens: Callable[[], None] = lambda: None,
) -> Checking:
    """A check by one moderator and a policy. `opens` is called before the guard is opened."""

    def opened() -> Guard:
        opens()
        spec = BackendSpec("words", "rules", timeout=timeout)
        return Guard(policy(text), [(spec, Asked(lambda: moderator, "words", timeout))], audit=audit)

    return Checking(opened, audit=audit, on=on)


def broken() -> WorkerError:
    """What a back end raises whose process has died."""
    return WorkerError("the check's process died", hint="ask again")


class Shelf:
    """A source that finds the same passages for every question."""

    name = "notes"
    remote = False

    def __init__(self, *texts: str) -> None:
        self.passages = tuple(
            Passage(f"{at}.md", at, at, None, "", text, 0.9, index="notes")
            for at, text in enumerate(texts, 1)
        )

    def retrieve(self, query: str, k: int) -> Retrieved:
        return Retrieved(self.passages[:k])

    def close(self) -> None:
        """Nothing is open."""
