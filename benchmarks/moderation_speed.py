"""The embedded moderation: the time of a check against a pass of its encoder alone.

Claim: a check of a text of about 24 and 128 tokens, from the call to the verdict, through the worker's pipe, takes at
most 1.15 times what raw llama.cpp calls take for the same token ids in the same run: the same file, flash attention,
one thread, as the worker uses. Nothing in these texts is undone by normalizing, so that there is one pass.

Also told, without a claim: seconds from nothing (no worker alive, files in the page cache) to a verdict, of a text that
is normalized, of a passage with its sentences, of a megabyte, and checks a second of many texts in one call.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from embedding import Raw, ids_of
from ratios import Ratio, finish, in_turn, parser, quartiles, verdict

from ockit.environment import Environment
from ockit.moderation.classifier.embedded import EmbeddedModerator, open_embedded

CLAIM = 1.15
LENGTHS = (24, 128)
"""Tokens at most, markers included."""
CHECKS = 20
"""Checks of one measurement: a single one is too short to tell other programs' work from its own."""
STORY = (
    "on a cold morning the baker opened the shop and found that the oven had gone out so he lit it again and waited "
    "while the dough rose slowly under its cloth and the first people stood at the door asking when the bread would "
    "be ready and what kinds there were today because it was the day of the market and many had come from villages "
    "far away to sell apples cheese honey and wool and to hear the news that the driver of the coach had brought "
    "from the town where a new bridge was being built over the river that floods the fields each spring when the "
    "snow melts in the hills behind the old mill"
)


def text_of(tokens: int) -> str:
    """The longest beginning of the story that has at most so many tokens."""
    words = STORY.split()
    beginnings = [" ".join(words[:count]) for count in range(1, len(words) + 1)]
    return [text for text in beginnings if len(ids_of([text], 512)[0]) <= tokens][-1]


def seconds(work: Callable[[], object]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def tell(moderator: EmbeddedModerator, environment: Environment, rounds: int) -> None:
    """Print what is told without a claim."""

    def cold() -> None:
        fresh = open_embedded(environment)
        fresh.check("how are you", "user")
        fresh.close()

    passage = ". ".join(STORY[at : at + 80].strip() for at in range(0, 480, 80))
    spelled = "  ".join(" ".join(word) for word in STORY.split()[:20])
    log = "".join(f"line {number} of the log says that all is well. " for number in range(25_000))[:1_000_000]
    short = text_of(24)  # once: it asks for the tokens of every beginning
    many = [f"{short} {number}" for number in range(200)]
    for name, work in (
        ("no worker alive", cold),
        ("20 words, spelled letter by letter", lambda: moderator.check(spelled, "user")),
        ("a passage of 480 characters, sentence by sentence", lambda: moderator.check(passage, "retrieved")),
        ("a megabyte", lambda: moderator.check(log, "user")),
        (f"{len(many)} texts of 24 tokens in one call", lambda: moderator.check_many(many, "user")),
    ):
        each = [seconds(work) for _ in range(rounds)]
        low, high = quartiles(each)
        print(f"{name}: {statistics.median(each):.4f} s ({low:.4f} to {high:.4f})")


def main() -> None:
    """Measure, print, and end with 1 where the claim is missed."""
    given = parser(__doc__).parse_args()
    rounds = given.rounds or (1 if given.quick else 9)
    patience = 0.0 if given.quick else given.patience
    claims = []
    with tempfile.TemporaryDirectory() as home:
        process = Environment.of_process()
        variables = {**process.variables, "OCKIT_HOME": home}
        environment = Environment(process.stdin, process.stdout, process.stderr, variables, process.cwd)
        moderator = open_embedded(environment)
        print(f"made and loaded for the first time in {seconds(lambda: moderator.check('hi', 'user')):.2f} s")
        (path,) = Path(home, "cache", "embedders").glob("*.gguf")
        raw = Raw(path)
        raw.use_threads(1)
        for tokens in LENGTHS:
            text = text_of(tokens)
            ids = ids_of([text], 512)

            def ours(text: str = text) -> float:
                return seconds(lambda: [moderator.check(text, "user") for _ in range(CHECKS)]) / CHECKS

            def alone(ids: list[list[int]] = ids) -> float:
                return sum(raw.run(ids) for _ in range(CHECKS)) / CHECKS

            ours(), alone()  # the first pass of a length is slower
            pairs = in_turn(ours, alone, rounds, patience_s=patience)
            ratio = Ratio(pairs.ours, pairs.reference)
            print(f"{len(ids[0])} tokens; {pairs.noise()}")
            print(f"  check {1000 * statistics.median(pairs.ours):.2f} ms", end=", ")
            print(f"encoder {1000 * statistics.median(pairs.reference):.2f} ms, ratio {ratio}")
            claims.append(
                verdict(f"a check of {tokens} tokens to a pass of the encoder", ratio.median, CLAIM)
            )
        tell(moderator, environment, 1 if given.quick else 5)
        moderator.close()
    finish(*claims)


if __name__ == "__main__":
    main()
