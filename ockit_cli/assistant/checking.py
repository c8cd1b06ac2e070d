"""The check of one chat: its guard, opened while the model loads, asked before a turn, beside it and behind it.

Whatever waits for the guard does so in one thread of its own, so that a turn that is stopped need not wait with it.
Knows no turn (`ockit.assistant.vetting` does) and no back end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ockit.assistant.errands import Errand, Errands
from ockit.messages import Judged, Message, Passage, Verdict

if TYPE_CHECKING:
    from ockit.environment import Environment
    from ockit.moderation.guarding import CheckedPassages, Guard, Judgement
    from ockit.settings import Settings

PATIENCE_S = 3.0
"""How long the end of a chat waits for the guard to close."""

CONTEXT = 4
"""Messages before a text that a back end may look at."""


@dataclass(frozen=True)
class Checked:
    """What the guard made of a text.

    Attributes:
        said: the policy's words for the verdict's action: to the person where the text is stopped, to the model where
            it is to take care; empty where nothing is said.
        judgement: what each back end said, for a person who asks.
        banners: what the person should know of the check itself and has not been told.
    """

    verdict: Verdict
    said: str
    judgement: Judgement | None
    banners: tuple[str, ...] = ()


@dataclass(frozen=True)
class PassagesChecked:
    """What the guard made of what was found; the rest as `Checked`."""

    found: CheckedPassages
    banners: tuple[str, ...] = ()


class Checking:
    """The guard of one chat, and whether it is asked.

    Args:
        open_guard: opens it; is called in the check's thread. Raises OckitError: whoever waits for a check gets it, and
            the next check tries once more.
        on: whether texts are checked.

    Attributes:
        last: what was made of the last text of each role, in the order they were judged.
    """

    def __init__(self, open_guard: Callable[[], Guard], *, on: bool = True) -> None:
        self._open = open_guard
        self._guard: Guard | None = None  # touched by the errands alone
        self._errands = Errands("moderation")
        self.on = on
        self.last: dict[Judged, Checked] = {}

    def warm(self) -> None:
        """Begin to open the guard and to start its processes, unless nothing is checked. What goes wrong is told by the
        check that needs it."""
        if self.on:
            self._errands.do(lambda: self._opened().warm_up())

    def begin(
        self, text: str, role: Judged, context: Sequence[Message] = (), *, session: str | None = None
    ) -> Errand[Checked]:
        """Begin to judge a text, after the turns before it."""
        return self._errands.do(lambda: self._check(text, role, context, session))

    def begin_passages(
        self, passages: Sequence[Passage], *, session: str | None = None
    ) -> Errand[PassagesChecked]:
        """Begin to judge what was found, all of it at once."""

        def work() -> PassagesChecked:
            guard = self._opened()
            found = guard.check_passages(passages, session=session)
            return PassagesChecked(found, guard.take_banners())

        return self._errands.do(work)

    def holds_back(self) -> Errand[bool]:
        """Whether the policy can stop an answer, so that nothing of it is shown before it was read."""
        return self._errands.do(lambda: self._opened().policy.section("assistant").can_refuse)

    def switch(self, on: bool, why: str, *, session: str | None = None) -> Errand[None]:
        """Check texts from now on, or no longer; the guard's record has it."""
        self.on = on

        def work() -> None:
            self._opened().switched(on, why, session=session)

        return self._errands.do(work)

    def describe(self) -> Errand[list[tuple[str, str, str]]]:
        """The policy's back ends: name, whose texts each judges, and whether it enforces."""

        def work() -> list[tuple[str, str, str]]:
            return [
                (spec.name, ", ".join(spec.roles), "enforces" if spec.enforce else "advises")
                for spec in self._opened().policy.backends
            ]

        return self._errands.do(work)

    def policy_path(self) -> Errand[str | None]:
        """The file of the policy; None for the built-in one."""
        return self._errands.do(lambda: self._opened().policy.path)

    def close(self) -> None:
        """End the guard; one that hangs is left to the end of the process."""

        def work() -> None:
            if self._guard is not None:
                self._guard.close()

        self._errands.end(work, PATIENCE_S)

    def _opened(self) -> Guard:
        if self._guard is None:
            self._guard = self._open()
        return self._guard

    def _check(self, text: str, role: Judged, context: Sequence[Message], session: str | None) -> Checked:
        guard = self._opened()
        verdict = guard.check(text, role, context[-CONTEXT:], session=session)
        said = {
            "allow": "",
            "note": "",
            "caution": guard.caution_text(verdict),
            "confirm": guard.confirm_text(verdict),
        }.get(verdict.action)
        if said is None:
            said = guard.answer_text(verdict, role)
        return Checked(verdict, said, guard.last, guard.take_banners())


def checking(environment: Environment, settings: Settings) -> Checking:
    """The check by the person's policy, or the built-in one. Opens nothing yet."""

    def opened() -> Guard:
        from ockit.moderation.opening import open_guard

        return open_guard(environment, settings)

    return Checking(opened, on=settings.moderation)
