"""Topics as a back end: a text that is near none of them is off topic, which is no level of harm but a verdict of its
own (`Verdict.topic`). Knows topics and their embedder, no policy."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ockit.errors import UsageError
from ockit.messages import Judged, Message, Verdict
from ockit.moderation.topics.small_talk import is_small_talk
from ockit.moderation.topics.topic import Topic, nearness
from ockit.protocols import Embedder

FEW_WORDS = 5
"""A text of fewer words than this is read together with the person's turn before it: "and for how long?"."""

_MOST_CHARACTERS = 4_000  # an embedder reads no more


class TopicModerator:
    """One or more topics that share an embedder.

    Args:
        name: what verdicts call the back end.
        topics: a text that is near one of them is on topic.
        embedder: the one that their vectors are of; closed with this.
    """

    def __init__(self, name: str, topics: Sequence[Topic], embedder: Embedder) -> None:
        self.name = name
        self._topics = tuple(topics)
        self._embedder = embedder

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """Whether a text is on one of the topics; the nearest is told. A blank one is, and small talk
        (`ockit.moderation.topics.small_talk`).

        Raises:
            UsageError: a topic was made with another embedder.
            WorkerError: the embedder died.
        """
        began = time.perf_counter()
        self._load()
        talk = is_small_talk(text)
        read = [text, with_before] if (with_before := _with_turn_before(text, context)) else [text]
        best, margin = (self._topics[0], 0.0) if talk else self._nearest(read)
        off = margin < 0
        place = f"{'off' if off else 'on'} the topic {best.name} (by {margin:+.2f})"
        return Verdict(
            level=0,
            p_level=(),
            categories={},
            hits=(),
            action="allow",
            reason="small talk, which is off no topic" if talk else place,
            backend=self.name,
            ms=(time.perf_counter() - began) * 1000,
            status="ok",
            topic=best.name if off else None,
        )

    def warm_up(self) -> None:
        """Load the embedder."""
        self._embedder.load()

    def close(self) -> None:
        """End the embedder."""
        self._embedder.close()

    def _load(self) -> None:
        """Load the embedder, and see that it is the topics'. Raises as `check`."""
        identity = self._embedder.load().identity
        for topic in self._topics:
            if topic.identity != identity:
                raise UsageError(
                    f"the topic {topic.name} was made with another embedder",
                    hint=f"make it again: ockit moderation topic add {topic.name} EXAMPLES.txt",
                )

    def _nearest(self, texts: Sequence[str]) -> tuple[Topic, float]:
        """The topic that one of the texts is nearest to, and by how much nearer than it must be."""
        vectors = self._embedder.embed([text[:_MOST_CHARACTERS] for text in texts], "passage")
        return max(
            (
                (topic, float(nearness(vectors, topic.vectors).max()) - topic.threshold)
                for topic in self._topics
            ),
            key=lambda one: one[1],
        )


def _with_turn_before(text: str, context: Sequence[Message]) -> str:
    """A short text behind the person's last turn; empty for one that speaks for itself."""
    before = next((message.text for message in reversed(context) if message.role == "user"), "")
    return f"{before} {text}" if before and len(text.split()) < FEW_WORDS else ""
