"""What stands in for a classifier that was trained on the features of another encoder than ockit has now: it says so,
and judges nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ockit.errors import UsageError
from ockit.messages import Judged, Message, Verdict


class OtherEncoder(UsageError):
    """A classifier was trained on features of another encoder."""


class OutdatedClassifier:
    """A `Moderator` that only advises, and has no advice. New weights of ockit must not stop every question of a person
    whose other back ends still judge them.

    Args:
        name: what the policy calls the back end.
        error: what is wrong.
        alone: whose texts nothing else judges that counts: of those, it raises `error`.
        close: frees what it was compared with.
    """

    def __init__(
        self, name: str, error: OtherEncoder, alone: Collection[Judged], close: Callable[[], None]
    ) -> None:
        self.name = name
        self._error = error
        self._alone = alone
        self.close = close

    def advisory(self) -> str:
        """Why, and what makes it judge again."""
        return f"{self._error.what} and judges nothing: {self._error.hint}"

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """No judgement. Raises OtherEncoder where nothing else judges texts of this role."""
        if role in self._alone:
            raise self._error
        return Verdict(0, (), {}, (), "allow", self.advisory(), self.name, 0.0, "error")
