"""The few-shot judge: a chat model that is shown examples and compared by how probable it finds each label.

Knows the prompt, the self-test and the engine; a model that fails the self-test still answers, and says that it only
advises.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from ockit.engines.hosted import HostedEngine
from ockit.messages import LEVEL_NAMES, Judged, Message, Verdict
from ockit.moderation.judges.fewshot_prompt import CONTENT_FREE, continuations, digest, prompt
from ockit.moderation.judges.gguf_judge import READY_SECONDS, GgufJudge
from ockit.moderation.judges.judge import Opinion, verdict_of
from ockit.moderation.judges.label_scores import normalised
from ockit.moderation.judges.parts import in_parts
from ockit.moderation.judges.self_test import NEEDED, PROBES, SelfTest, SelfTests, area

PART = 2400
"""Characters of a text that are judged at once: about 600 tokens, beside 320 of examples."""


class FewshotModerator(GgufJudge):
    """`ockit.moderation.judges.judge.Judge` on a chat model.

    Args:
        engine: the model's, chosen, not loaded.
        model: its name, for a person.
        identity: changes with its file.
        tests: where results of the self-test are remembered.
        seconds: time limit of a check.
    """

    def __init__(
        self,
        engine: HostedEngine,
        model: str,
        identity: str,
        tests: SelfTests,
        *,
        name: str = "fewshot",
        seconds: float = 30.0,
    ) -> None:
        super().__init__(engine, model, name, seconds)
        self._key = f"{identity}|{digest()}"
        self._tests = tests
        self._test: SelfTest | None = None
        self._probes = 0  # that the running self-test has asked

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """The levels of a text; the turns before it and whose it is are not looked at.

        Raises:
            ContextOverflow: it is too long.
            JudgeTimeout, WorkerError, ModelFileError, DoesNotFit: the model does not answer, or nonsense.
        """
        advisory = self.advisory()
        note = None if advisory is None else f"it only advises: {advisory}"
        since = time.perf_counter()
        with self._within(self._seconds):
            opinion = in_parts(text, PART, self._opinion, name=self.name)
        return verdict_of(opinion, backend=self.name, since=since, note=note)

    def advisory(self) -> str | None:
        """None where the self-test was passed, else why not. Loads the model; the first call may test it."""
        self._load()  # a check's own time is not for that
        found = self._tested()
        if found.passed:
            return None
        return (
            f"{self._model} tells harmful from harmless probes with an AUC of {found.auc:.2f}, "
            f"and {NEEDED} is needed"
        )

    def describe(self) -> dict[str, str]:
        """Model and result of the self-test, where it is known."""
        found = self._test or self._tests.load(self._key)
        tested = "not made yet" if found is None else f"AUC {found.auc:.2f}, {NEEDED} needed to enforce"
        return {"model": self._model, "self-test": tested}

    def _tested(self) -> SelfTest:
        if self._test is None:
            self._test = self._tests.load(self._key)
        if self._test is None:
            try:
                with self._within(READY_SECONDS):
                    prior = self._prior()
                    found = SelfTest(area(lambda text: self._probed(text, prior).score), prior)
            finally:
                self.doing, self._probes = "", 0
            self._tests.save(self._key, found)
            self._test = found
        return self._test

    def _prior(self) -> tuple[float, ...]:
        """Probability of each label where there is nothing to judge: the mean over `CONTENT_FREE`."""
        self.doing = f"testing whether {self._model} can judge"
        found = [normalised(self._raw(text)) for text in CONTENT_FREE]
        return tuple(max(sum(column) / len(found), 1e-9) for column in zip(*found, strict=True))

    def _probed(self, text: str, prior: Sequence[float]) -> Opinion:
        self._probes += 1
        self.doing = f"testing whether {self._model} can judge: line {self._probes} of {PROBES}"
        return self._judged(text, prior)

    def _opinion(self, text: str) -> Opinion:
        return self._judged(text, self._tested().prior)

    def _judged(self, text: str, prior: Sequence[float]) -> Opinion:
        pairs = zip(self._raw(text), prior, strict=True)
        levels = tuple(normalised([value - math.log(before) for value, before in pairs]))
        return Opinion(levels, words=LEVEL_NAMES[max(range(len(levels)), key=levels.__getitem__)])

    def _raw(self, text: str) -> list[float]:
        return self._scores.log_likelihoods(prompt(text), continuations())
