"""How the drawn chat answers to the hand: its keys while an answer streams, and how soon Ctrl-C stops one.

Claims, of the real ``ockit chat`` on a pseudo-terminal: a key is echoed within 0.030 s while an answer streams; from
Ctrl-C to a prompt at rest it takes 0.200 s in decode and 0.500 s in a prefill of 4,000 tokens.

The reference is the echo of the same keys at rest.
"""

from __future__ import annotations

import random
import re
import statistics
from contextlib import closing
from functools import partial

from chat_runs import ENDLESS, LONG, Run, run_claims, share, spread
from pty_chat import PtyChat, last_answer
from ratios import Pairs, Ratio, in_turn, verdict

from ockit.commands.speed import PROSE

ECHO_S, STOP_S, STOP_READING_S = 0.030, 0.200, 0.500
PASTED = 16_500
"""Characters of a paste of 4,000 tokens."""
KEYS = "".join(chr(0x10D0 + i) for i in range(33))
"""Georgian letters: no answer holds them, so a letter that comes is the echo of the key."""


def keys(run: Run) -> bool:
    """Keys while an answer streams."""
    held = True
    for threads in ((), ("--threads", "2")):
        with closing(
            PtyChat(*ENDLESS, "--max-tokens", "2000", "--ctx-size", "8192", *threads, home=run.home)
        ) as chat:
            chat.opened()
            chat.answered("/model")  # returns once it is loaded
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


def stop(run: Run) -> bool:
    """Ctrl-C to a prompt at rest."""
    held = True
    chance = random.Random(1)
    with closing(PtyChat(*ENDLESS, "--max-tokens", "2000", "--ctx-size", "8192", home=run.home)) as chat:
        chat.opened()
        chat.answered("/model")  # returns once it is loaded
        for name, measure, times, limit in (
            ("decode", partial(stopped_writing, chat, chance), 3 * run.rounds, STOP_S),
            ("prefill", partial(stopped_reading, chat, chance, run.home), run.rounds, STOP_READING_S),
        ):
            pairs = in_turn(measure, partial(echoed, chat), times, patience_s=run.patience_s)
            print(f"Ctrl-C in {name}: {spread(pairs.ours)}")
            print(f"  / echo of a key at rest: {Ratio(pairs.ours, pairs.reference)}")
            print(pairs.noise())
            held &= verdict(f"Ctrl-C in {name}, the slowest, s", max(pairs.ours), limit)
    read = re.findall(r"of (\d+) tokens", chat.raw.decode(errors="replace"))
    print(f"tokens of the prompt of the last prefill: {read[-1]}")
    return held


def stopped_writing(chat: PtyChat, chance: random.Random) -> float:
    """Seconds from Ctrl-C, at some moment of an answer, to its end."""
    chat.answered("/new")
    chat.ask(LONG)
    chat.rest(chance.uniform(0.5, 2.0))
    return stopped(chat)


def stopped_reading(chat: PtyChat, chance: random.Random, home: str) -> float:
    """Seconds from Ctrl-C, at some moment of a long prefill, to its end."""
    chat.answered("/new")
    chat.write(f"\x1b[200~{chance.random()} {PROSE * 50}"[:PASTED] + "\x1b[201~")
    chat.rest(0.3)
    chat.ask("")
    chat.rest(chance.uniform(0.5, 2.5))
    seconds = stopped(chat)
    if last_answer(home).text:
        raise SystemExit(f"an answer had begun: this was no Ctrl-C in the prefill\n{chat.shown()}")
    return seconds


def stopped(chat: PtyChat) -> float:
    """Seconds from Ctrl-C to a bar that says that nothing runs."""
    chat.shown()
    if chat.rests:
        raise SystemExit("nothing ran any more: this was no Ctrl-C in an answer")
    pressed = chat.write("\x03")
    return chat.until(lambda chat: chat.rests, "the end of what was stopped", 10.0) - pressed


def echoed(chat: PtyChat) -> float:
    """Seconds from a key to its echo, nothing running."""
    chat.rest(0.2)
    before = len(chat.raw)
    seconds = -chat.write(KEYS[0]) + chat.until_bytes(KEYS[0].encode(), before)
    chat.write("\x03")  # clears the line
    chat.rest(0.2)
    return seconds


def medians(pairs: Pairs[list[float]]) -> tuple[list[float], list[float]]:
    """The median of each measurement."""
    ours, reference = ([statistics.median(each) for each in side] for side in (pairs.ours, pairs.reference))
    return ours, reference


if __name__ == "__main__":
    run_claims(__doc__, {"keys": keys, "stop": stop})
