"""A person's classifier as a moderator: the pieces of a text to features, the worst piece to a verdict.

Knows no policy and starts no process: features come from a function, which whoever made it closes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ockit.messages import LEVEL_NAMES, Finding, Judged, Message, Verdict
from ockit.moderation.training.classifier import TrainedClassifier

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Features = Callable[[Sequence[str]], NDArray[np.float32]]

PIECE = 600
"""Characters of a piece: what the encoder reads of a text at once."""
MOST_PIECES = 200
"""Pieces of a text that are read, three quarters from its beginning, the others from its end: some 4 seconds."""


_AT_ONCE = 256  # pieces of one call of the encoder


class TrainedModerator:
    """A `Moderator`; with `check_many` for many texts in few calls of the encoder.

    Args:
        classifier: what was trained.
        features: texts to features, shape (n, d). Raises OckitError.
        name: what the policy calls it; else the classifier's own name.
    """

    def __init__(self, classifier: TrainedClassifier, features: Features, name: str | None = None) -> None:
        self.classifier = classifier
        self._features = features
        self._name = name or classifier.name

    @property
    def name(self) -> str:
        """What the policy calls it."""
        return self._name

    @property
    def cuts(self) -> Mapping[str, float]:
        """Where its scores turn into a yes, by name: ``level1`` to ``level4``, and the categories."""
        levels = {f"level{k}": min(1.0, cut) for k, cut in enumerate(self.classifier.cuts, 1)}
        return {**levels, **{name: min(1.0, cut) for name, cut in self.classifier.category_cuts.items()}}

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """Judge a text by its worst piece. Raises OckitError."""
        return self.check_many([text], role)[0]

    def check_many(
        self, texts: Sequence[str], role: Judged, contexts: Sequence[Sequence[Message]] = ()
    ) -> list[Verdict]:
        """Judge texts, in their order; the time of a verdict is its share of the whole. Raises OckitError."""
        return [verdict for _, verdict in self.judged(texts)]

    def judged(self, texts: Sequence[str]) -> list[tuple[NDArray[np.float64], Verdict]]:
        """For each text the probability of each answer, shape (answers,), in its worst piece, and the verdict. Nothing
        but space has the answers' shares of nothing: all zeros. Raises OckitError."""
        import numpy as np

        begun = time.perf_counter()
        cut = [pieces(text) for text in texts]
        spans = [(number, span) for number, (found, _) in enumerate(cut) for span in found]
        nothing = np.zeros(len(self.classifier.answers)), _empty(self._name)
        if not spans:
            return [nothing for _ in texts]
        x = np.concatenate(
            [
                self._features([texts[number][slice(*span)] for number, span in spans[at : at + _AT_ONCE]])
                for at in range(0, len(spans), _AT_ONCE)
            ]
        )
        p, scores = self._scores(x)
        p_level = self.classifier.level_probabilities(p)
        levels, expected = self.classifier.level(p_level), p_level @ np.arange(len(LEVEL_NAMES))
        rows: dict[int, list[int]] = {}
        for row, (number, _) in enumerate(spans):
            rows.setdefault(number, []).append(row)
        ms = 1000 * (time.perf_counter() - begun) / len(texts)
        found: list[tuple[NDArray[np.float64], Verdict]] = []
        for number, (_, unread) in enumerate(cut):
            if number not in rows:
                found.append(nothing)
                continue
            worst = max(rows[number], key=lambda row: (levels[row], expected[row]))
            about = {name: float(values[rows[number]].max()) for name, values in scores.items()}
            verdict = self._verdict(p[worst], int(levels[worst]), spans[worst][1], (about, unread), ms)
            found.append((p[worst], verdict))
        return found

    def close(self) -> None:
        """Nothing is its own to close."""

    def _scores(self, x: NDArray[np.float32]) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Of each answer, and of each category, for every row."""
        import numpy as np

        wide = np.asarray(x, dtype=np.float64)
        found = {name: head.probabilities(wide)[:, 1] for name, head in self.classifier.categories.items()}
        return self.classifier.head.probabilities(wide), found

    def _verdict(
        self,
        p: NDArray[np.float64],
        level: int,
        span: tuple[int, int],
        more: tuple[Mapping[str, float], list[tuple[int, int]]],
        ms: float,
    ) -> Verdict:
        classifier, (categories, unread) = self.classifier, more
        p_level = classifier.level_probabilities(p[None])[0]
        best = max(range(len(p)), key=lambda answer: (classifier.levels[answer] == level, p[answer]))
        answer = classifier.answers[best]
        hits = []
        if classifier.kind == "label":
            hits.append(Finding(f"label:{answer}", *span))
        elif level:
            hits.append(Finding("level", *span))
        held = [name for name, score in categories.items() if score >= classifier.category_cuts[name]]
        hits += [Finding(name) for name in held]
        hits += [Finding("not_scanned", *stretch) for stretch in unread]
        said = f"the label {answer!r}" if classifier.kind == "label" else LEVEL_NAMES[level]
        reason = f"{classifier.name} reads it as {said} ({p[best]:.2f})"
        if held:
            reason += f", about {', '.join(name.replace('_', ' ') for name in held)}"
        if unread:
            reason += f"; {sum(end - start for start, end in unread):,} characters of it were not read"
        return Verdict(
            level,
            tuple(map(float, p_level)),
            dict(categories),
            tuple(hits),
            "allow",
            reason,
            self._name,
            ms,
            "not_scanned" if unread else "ok",
        )


def _empty(name: str) -> Verdict:
    return Verdict(0, (1.0, 0.0, 0.0, 0.0, 0.0), {}, (), "allow", "there is no text", name, 0.0, "ok")


def pieces(text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Where the pieces of a text begin and end, cut at spaces where there are some; and the stretches that are not
    read because there are too many pieces. Pieces without anything but space are left out."""
    spans = []
    at = 0
    while at < len(text):
        end = min(len(text), at + PIECE)
        if end < len(text):
            space = max(text.rfind(" ", at + PIECE // 2, end), text.rfind("\n", at + PIECE // 2, end))
            end = space + 1 if space > 0 else end
        if text[at:end].strip():
            spans.append((at, end))
        at = end
    if len(spans) <= MOST_PIECES:
        return spans, []
    head = MOST_PIECES * 3 // 4
    tail = MOST_PIECES - head
    return spans[:head] + spans[-tail:], [(spans[head][0], spans[-tail][0])]
