"""One process of the classifier that comes along, for all back ends of a guard that need it: it judges by itself, and
makes the features of classifiers that a person trained. Knows no policy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ockit.messages import Judged, Message, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ockit.moderation.classifier.embedded import EmbeddedModerator


class SharedEncoder:
    """The classifier as long as nobody has ended it; after that, another.

    Args:
        open_encoder: makes one; starts nothing.
    """

    def __init__(self, open_encoder: Callable[[], EmbeddedModerator]) -> None:
        self._open = open_encoder
        self._changing = threading.Lock()
        self._encoder: EmbeddedModerator | None = None

    def now(self) -> EmbeddedModerator:
        """The one that runs, or a new one."""
        with self._changing:
            if self._encoder is None:
                self._encoder = self._open()
            return self._encoder

    def end(self, encoder: EmbeddedModerator) -> None:
        """End it, for all who share it. One that somebody else has ended already is not in the way of its
        successor."""
        with self._changing:
            if self._encoder is encoder:
                self._encoder = None
        encoder.close()

    @contextmanager
    def lent(self, encoder: EmbeddedModerator) -> Iterator[EmbeddedModerator]:
        """For one call. A call that waited while another back end ended the encoder has started its process anew: that
        ends with the call, since nobody asks it again."""
        try:
            yield encoder
        finally:
            with self._changing:
                ended = self._encoder is not encoder
            if ended:
                encoder.close()


class EncoderShare:
    """The classifier for one back end, with the methods of
    `ockit.moderation.classifier.embedded.EmbeddedModerator` that back ends need.

    Args:
        shared: what it is a share of.
        name: what the policy calls the back end.
    """

    def __init__(self, shared: SharedEncoder, name: str) -> None:
        self.name = name
        self._shared = shared
        self._used: EmbeddedModerator | None = None

    @property
    def encoder(self) -> str:
        """The identity of the encoder's weights. Raises as `check`."""
        with self._lent() as encoder:
            return encoder.encoder

    @property
    def cuts(self) -> Mapping[str, float]:
        """Its cut-points. Raises as `check`."""
        with self._lent() as encoder:
            return encoder.cuts

    def warm_up(self) -> None:
        """Start the process, without waiting for it."""
        with self._lent() as encoder:
            encoder.warm_up()

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """As `EmbeddedModerator.check`."""
        return self.check_many([text], role)[0]

    def check_many(
        self, texts: Sequence[str], role: Judged, contexts: Sequence[Sequence[Message]] = ()
    ) -> list[Verdict]:
        """As `EmbeddedModerator.check_many`."""
        with self._lent() as encoder:
            found = encoder.check_many(texts, role, contexts)
        return [replace(verdict, backend=self.name) for verdict in found]

    def features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `EmbeddedModerator.features`."""
        with self._lent() as encoder:
            return encoder.features(texts)

    def close(self) -> None:
        """End the process, and with it what others ask of it at this moment: it is the same that hangs."""
        if self._used is not None:
            self._shared.end(self._used)

    def _lent(self) -> AbstractContextManager[EmbeddedModerator]:
        self._used = self._shared.now()
        return self._shared.lent(self._used)
