"""How ``ockit chat`` answers to the hand: its start, its keys, what drawing costs, how soon it stops.

Claims, of the real command on a pseudo-terminal: the prompt is on the screen 0.400 s after the start, the first one
in a new home too; a key is echoed within 0.030 s while an answer streams; decode is at most 3 % slower than the same
answer into a pipe; from Ctrl-C to a prompt at rest it takes 0.200 s in decode and 0.500 s in a prefill of 4,000 tokens.

The references: ``python -c 'import prompt_toolkit.application'`` for the start, the same keys at rest for the echo,
the plain chat into a pipe for decode.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pty_chat import OCKIT, PROMPT, PtyChat, environment, last_answer
from ratios import Pairs, Ratio, finish, in_turn, parser, verdict, wait_for_quiet

from ockit.commands.speed import PROSE
from ockit.sessions.records import StoredMessage

START_S, ECHO_S, SLOWER, STOP_S, STOP_READING_S = 0.400, 0.030, 1.03, 0.200, 0.500
TOOLKIT = [sys.executable, "-c", "import prompt_toolkit.application"]
LONG = "Write a Python program that reads a CSV file and prints the sum of each column. Explain each step."
ENDLESS = ("--temp", "0", "--seed", "1", "--option", "logit_bias=2:-100,0:-100")
"""The tokens that end an answer never come: code and prose in turn, for as long as wanted."""
PASTED = 16_500
"""Characters of a paste of 4,000 tokens."""
KEYS = "".join(chr(0x10D0 + i) for i in range(33))
"""Georgian letters: no answer holds them, so a letter that comes is the echo of the key."""


@dataclass(frozen=True)
class Run:
    """What the benchmarks of one run share: a home in which the threads are measured, pairs, patience."""

    home: str
    rounds: int
    patience_s: float


def started(home: str | None) -> tuple[float, float]:
    """Seconds from the start to the prompt, and CPU seconds till then; in a new home where none is given."""
    with tempfile.TemporaryDirectory() as new:
        chat = PtyChat(home=home or new)
        with closing(chat):
            shown = chat.until_bytes(PROMPT)
            used = chat.cpu_s
            chat.opened()
        return shown - chat.began, used


def imported(home: str) -> float:
    """Seconds in which Python starts, imports what draws the prompt, and ends."""
    start = time.monotonic()
    subprocess.run(TOOLKIT, env=environment(home), cwd=home, check=True)
    return time.monotonic() - start


def start(run: Run) -> bool:
    """The prompt on the screen."""
    held = True
    for name, home in (("in a home that was used", run.home), ("the first ever", None)):
        pairs = in_turn(
            partial(started, home), partial(imported, run.home), run.rounds, patience_s=run.patience_s
        )
        ours = [seconds for seconds, _ in pairs.ours]
        print(f"start, {name}: {spread(ours)}; CPU {statistics.median(cpu for _, cpu in pairs.ours):.3f} s")
        print(f"  / import of prompt_toolkit: {Ratio(ours, pairs.reference)}")
        print(pairs.noise())
        held &= verdict(f"prompt on the screen, {name}, s", statistics.median(ours), START_S)
    return held


def keys(run: Run) -> bool:
    """Keys while an answer streams."""
    held = True
    for threads in ((), ("--threads", "2")):
        with closing(
            PtyChat(*ENDLESS, "--max-tokens", "2000", "--ctx-size", "8192", *threads, home=run.home)
        ) as chat:
            chat.opened()
            chat.answered("Say yes.")  # the model is loaded
            pairs = in_turn(
                partial(typed, chat, True), partial(typed, chat, False), run.rounds, patience_s=run.patience_s
            )
        ours, rest = (sorted(s for side in sides for s in side) for sides in (pairs.ours, pairs.reference))
        name = " ".join(threads) or "threads as measured"
        print(f"keys, {name}: {len(ours)} while an answer streams {spread(ours)}")
        print(f"  at rest {spread(rest)}")
        print(f"  / at rest, medians of each round: {Ratio(*medians(pairs))}")
        print(pairs.noise())
        held &= verdict(f"key to echo, {name}, median, s", statistics.median(ours), ECHO_S)
        held &= verdict(f"key to echo, {name}, 95 of 100, s", share(ours, 0.95), ECHO_S)
    return held


def typed(chat: PtyChat, streams: bool) -> list[float]:
    """Seconds from each of some keys to its echo, one key every 50 to 150 ms."""
    if streams:
        chat.answered("/new")
        chat.ask(LONG)
        chat.rest(1.5)
    chance, seconds = random.Random(0), []
    for key in KEYS:
        chat.rest(chance.uniform(0.05, 0.15))
        before = len(chat.raw)
        seconds.append(-chat.write(key) + chat.until_bytes(key.encode(), before))
    if streams:
        chat.shown()
        if chat.rests:
            raise SystemExit("the answer was over before the keys")
        chat.write("\x03")  # stops the answer
        chat.until(lambda chat: chat.rests, "its end")
    chat.write("\x03")  # clears the line
    chat.rest(0.3)
    return seconds


def speed(run: Run) -> bool:
    """What drawing costs the model."""
    held = True
    for threads in ((), ("--threads", "2")):
        arguments = (*ENDLESS, "--max-tokens", "300", *threads)
        pairs = in_turn(
            partial(drawn, run.home, arguments), partial(piped, run.home, arguments), run.rounds,
            patience_s=run.patience_s,
        )  # fmt: skip
        ids = {message.token_ids for side in (pairs.ours, pairs.reference) for message in side}
        if len(ids) != 1:
            raise SystemExit("the answers differ: nothing to compare")
        ours, reference = ([per_token(message) for message in side] for side in (pairs.ours, pairs.reference))
        name = " ".join(threads) or "threads as measured"
        speeds = (1 / statistics.median(side) for side in (ours, reference))
        print("decode, {}: {:.1f} tokens/s drawn, {:.1f} into a pipe".format(name, *speeds))
        print(f"  time of a token, drawn / piped: {Ratio(ours, reference)}")
        print(pairs.noise())
        held &= verdict(f"time of a token, drawn / piped, {name}", Ratio(ours, reference).median, SLOWER)
    return held


def drawn(home: str, arguments: Sequence[str]) -> StoredMessage:
    """The answer to the long question as the drawn chat saves it."""
    with closing(PtyChat(*arguments, home=home)) as chat:
        chat.opened()
        chat.ask(LONG)
        chat.until(lambda chat: chat.rests, "the end of the answer", 120)
    return last_answer(home)


def piped(home: str, arguments: Sequence[str]) -> StoredMessage:
    """The same as the plain chat saves it."""
    command = [OCKIT, "chat", *arguments]
    done = subprocess.run(
        command, input=LONG.encode(), capture_output=True, env=environment(home), cwd=home, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"the plain chat ended with {done.returncode}: {done.stderr.decode()}")
    return last_answer(home)


def per_token(message: StoredMessage) -> float:
    """Seconds of decode for each token."""
    if message.usage is None or message.timings is None:
        raise SystemExit("the answer was saved without its figures")
    return message.timings.decode_s / message.usage.completion_tokens


def stop(run: Run) -> bool:
    """Ctrl-C to a prompt at rest."""
    chance = random.Random(1)
    with closing(PtyChat(*ENDLESS, "--max-tokens", "2000", "--ctx-size", "8192", home=run.home)) as chat:
        chat.opened()
        chat.answered("Say yes.")
        writing, reading = [], []
        for _ in range(3 * run.rounds):
            chat.answered("/new")
            chat.ask(LONG)
            chat.rest(chance.uniform(0.5, 2.0))
            writing.append(stopped(chat))
        for number in range(run.rounds):
            chat.answered("/new")
            chat.write(f"\x1b[200~{number}. {PROSE * 50}"[:PASTED] + "\x1b[201~")
            chat.rest(0.3)
            chat.ask("")
            chat.rest(chance.uniform(0.5, 2.5))
            reading.append(stopped(chat))
            if last_answer(run.home).text:
                raise SystemExit(f"an answer had begun: this was no Ctrl-C in the prefill\n{chat.shown()}")
        read = re.findall(r"of (\d+) tokens", chat.raw.decode(errors="replace"))
    print(f"Ctrl-C in decode: {len(writing)} times, {spread(writing)}")
    print(f"Ctrl-C in a prefill of {read[-1]} tokens: {len(reading)} times, {spread(reading)}")
    return all(
        (
            verdict("Ctrl-C in decode, the slowest, s", max(writing), STOP_S),
            verdict("Ctrl-C in a prefill of 4,000 tokens, the slowest, s", max(reading), STOP_READING_S),
        )
    )


def stopped(chat: PtyChat) -> float:
    """Seconds from Ctrl-C to a bar that says that nothing runs."""
    chat.shown()
    if chat.rests:
        raise SystemExit("nothing ran any more: this was no Ctrl-C in an answer")
    pressed = chat.write("\x03")
    return chat.until(lambda chat: chat.rests, "the end of what was stopped", 10.0) - pressed


def share(values: Sequence[float], part: float) -> float:
    """The value that so many of the sorted ones do not exceed."""
    return values[min(len(values) - 1, round(part * (len(values) - 1)))]


def medians(pairs: Pairs[list[float]]) -> tuple[list[float], list[float]]:
    """The median of each measurement."""
    ours, reference = ([statistics.median(each) for each in side] for side in (pairs.ours, pairs.reference))
    return ours, reference


def spread(seconds: Sequence[float]) -> str:
    """Median, the value of 95 in 100, and the worst."""
    some = sorted(seconds)
    return f"{statistics.median(some):.4f} s (95 of 100: {share(some, 0.95):.4f}; most {some[-1]:.4f})"


CLAIMS = {"start": start, "keys": keys, "speed": speed, "stop": stop}


def main() -> None:
    """Measure, print, and end with 1 where a claim is missed."""
    made = parser(__doc__)
    made.add_argument("--only", choices=CLAIMS, help="one of the claims")
    given = made.parse_args()
    with tempfile.TemporaryDirectory() as home:
        run = Run(home, given.rounds or (2 if given.quick else 11), 0.0 if given.quick else given.patience)
        wait_for_quiet(run.patience_s)
        piped(home, ("--max-tokens", "1"))  # measures the threads
        threads = next(iter(json.loads(Path(home, "ockit/cache/threads.json").read_text()).values()))
        print(f"threads measured by ockit (decode, prefill): {threads}")
        finish(*[claim(run) for name, claim in CLAIMS.items() if given.only in (None, name)])


if __name__ == "__main__":
    main()
