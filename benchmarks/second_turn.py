"""The second turn of a chat: only what is new is read.

Claim: with the first question and its answer still in the key/value cache, the second turn reads its own tokens
and no others (`usage.cached_tokens`), in chats of the assistant as every face of ockit uses it. The reference for
its prefill is the same prompt read by an engine that has nothing in its cache.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ratios import Ratio, finish, in_turn, parser, verdict

from ockit.assistant.opening import open_model
from ockit.assistant.turn import Assistant
from ockit.commands.speed import PROSE
from ockit.engines.hosted import HostedEngine
from ockit.environment import Environment
from ockit.events import End
from ockit.messages import Sampling
from ockit.settings import Settings

GREEDY = Sampling(temperature=0.0, max_tokens=32)
SECOND = "And what did the boat look like?"


def turn(assistant: Assistant, question: str) -> End:
    """One turn, to its end."""
    ends = [event for event in assistant.reply(question, GREEDY) if isinstance(event, End)]
    return ends[-1]


def chat(assistant: Assistant, number: int) -> tuple[End, End]:
    """A new chat of two turns; each has another first question."""
    assistant.restart(None)
    first = turn(assistant, f"{number}. Read this: {PROSE * 2} What was measured at the pier?")
    return first, turn(assistant, SECOND)


def whole(engine: HostedEngine, ids: Sequence[int]) -> tuple[End, End]:
    """The same prompt, read by an engine that has something else in its cache."""
    one = replace(GREEDY, max_tokens=1)
    before, end = (
        [event for event in engine.generate(prompt, one) if isinstance(event, End)][-1]
        for prompt in ([ids[0] + 1] * 2, ids)
    )
    return before, end


def main() -> None:
    """Measure, print, and end with 1 where the claim is missed."""
    given = parser(__doc__).parse_args()
    rounds = given.rounds or (2 if given.quick else 7)
    with tempfile.TemporaryDirectory() as home:
        variables = {k: v for k, v in os.environ.items() if not k.startswith("OCKIT_")} | {"OCKIT_HOME": home}
        environment = replace(Environment.of_process(), variables=variables)
        model = open_model(Settings(), environment.directories, Path(home), "smollm2")
        assistant = Assistant(environment, store=None)
        other = HostedEngine(variables, environment.directories.cache / "threads.json")
        other.choose(model.options)
        assistant.use(model)
        numbers = itertools.count(1)
        chat(assistant, next(numbers))
        pairs = in_turn(
            lambda: chat(assistant, next(numbers)),
            lambda: whole(other, assistant.engine.encode(assistant.last_prompt)),
            rounds,
            patience_s=0.0 if given.quick else given.patience,
        )
        assistant.close()
        other.close()
    exact = all(end.usage.cached_tokens == 0 for _, end in pairs.reference)
    for first, answer in pairs.ours:
        known = first.usage.prompt_tokens + first.usage.completion_tokens
        # the last token of an answer that was cut for length has been chosen, but not read
        unread = first.finish_reason == "length"
        exact &= answer.usage.cached_tokens == known - unread
    usage = pairs.ours[-1][1].usage
    new = usage.prompt_tokens - usage.cached_tokens
    print(f"turn 2: {usage.prompt_tokens} tokens, {usage.cached_tokens} of them cached, {new} read")
    print(f"only what is new was read, in every chat: {'yes' if exact else 'NO'}")
    ours, reference = ([end.timings.prefill_s for _, end in side] for side in (pairs.ours, pairs.reference))
    print(
        f"prefill: {statistics.median(ours):.3f} s; of the whole prompt {statistics.median(reference):.3f} s"
    )
    print(f"ratio   {Ratio(ours, reference)}; tokens {new / usage.prompt_tokens:.3f}")
    print(pairs.noise())
    finish(exact, verdict("prefill of turn 2 / of the whole prompt", Ratio(ours, reference).median, 0.5))


if __name__ == "__main__":
    main()
