"""What the check of an answer costs while it is written.

Claim: with a core left to the chat model, an answer whose clauses are checked is decoded at no less than 0.9 of the
speed of one that is not: under the policy that comes along (answers are noted), and under one that can refuse answers,
so that text waits for its check. Both are answers of the assistant as every face of ockit uses it, the same tokens to
the last one. What is measured is the time from the first token to the end of the turn, the last check included.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from ratios import Ratio, finish, in_turn, parser, verdict

from ockit.assistant.checking import Checking
from ockit.assistant.opening import open_model
from ockit.assistant.turn import Assistant
from ockit.environment import Environment
from ockit.events import End, Moderated, Token
from ockit.messages import Sampling
from ockit.moderation.opening import open_guard
from ockit.moderation.policy.policy import Policy
from ockit.moderation.policy.reading import parse_policy
from ockit.settings import load

QUESTION = "Tell me a long story of a boat on a river."
POLICIES = {
    "noted": "",
    "held back": '[output]\ninjection = "refuse"\nfail = "open"\n',
}


def checking(environment: Environment, policy: Policy) -> Checking:
    """The check by a policy; the embedded back end, as it is installed."""
    settings = load(environment.directories, environment.variables)
    return Checking(lambda: open_guard(environment, settings, policy=policy))


def answer(assistant: Assistant, sampling: Sampling) -> tuple[float, tuple[int, ...], int]:
    """One answer: seconds a token from the first to the end of the turn, its ids, and how many verdicts were told."""
    assistant.restart(None)
    first, ids, told, end = 0.0, [], 0, None
    for event in assistant.reply(QUESTION, sampling):
        if isinstance(event, Token):
            first = first or time.perf_counter()
            ids += event.ids
        elif isinstance(event, Moderated):
            told += event.role == "assistant"
        elif isinstance(event, End):
            end = event
    assert end is not None
    return (time.perf_counter() - first) / max(1, len(ids)), tuple(ids), told


def measured(environment: Environment, policy: str, rounds: int, patience_s: float, tokens: int) -> bool:
    """Measure under a policy; whether the claim holds."""
    sampling = Sampling(temperature=0.0, max_tokens=tokens)
    settings = load(environment.directories, environment.variables, {"threads": 1, "threads_prefill": 1})
    model = open_model(settings, environment.directories, Path(environment.cwd), "smollm2")
    check = checking(environment, parse_policy(policy, "moderation.toml"))
    assistant = Assistant(environment, store=None, checking=check)
    assistant.use(model)

    def run(on: bool) -> tuple[float, tuple[int, ...], int]:
        check.on = on
        return answer(assistant, sampling)

    try:
        checked, unchecked = run(True), run(False)  # everything is loaded
        pairs = in_turn(lambda: run(True), lambda: run(False), rounds, patience_s=patience_s)
    finally:
        assistant.close()
    same = {ids for _, ids, _ in (checked, unchecked, *pairs.ours, *pairs.reference)}
    every = all(told for _, _, told in pairs.ours) and not any(told for _, _, told in pairs.reference)
    ours, reference = ([seconds for seconds, _, _ in side] for side in (pairs.ours, pairs.reference))
    print(
        f"  {len(checked[1])} tokens; {1 / min(ours):.0f} a second, {1 / min(reference):.0f} unchecked (best of each)"
    )
    print(
        f"  the same tokens every time: {'yes' if len(same) == 1 else 'NO'}; checked: {'yes' if every else 'NO'}"
    )
    print(f"  time a token, checked / unchecked: {Ratio(ours, reference)}; {pairs.noise()}")
    return len(same) == 1 and every and verdict("time a token", Ratio(ours, reference).median, 1 / 0.9)


def main() -> None:
    """Measure, print, and end with 1 where a claim is missed."""
    given = parser(__doc__).parse_args()
    rounds = given.rounds or (2 if given.quick else 7)
    with tempfile.TemporaryDirectory() as home:
        variables = {k: v for k, v in os.environ.items() if not k.startswith("OCKIT_")} | {"OCKIT_HOME": home}
        environment = replace(Environment.of_process(), variables=variables)
        claims = []
        for name, policy in POLICIES.items():
            print(f"answers {name}:")
            patience = 0.0 if given.quick else given.patience
            claims.append(measured(environment, policy, rounds, patience, 64 if given.quick else 256))
    finish(*claims)


if __name__ == "__main__":
    main()
