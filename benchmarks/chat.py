"""What the drawn chat costs: its start, and what drawing takes from the model.

Claims, of the real ``ockit chat`` on a pseudo-terminal: the prompt is on the screen 0.400 s after the start, the first
one in a new home too; decode is at most 3 % slower than the same answer into a pipe.

The references: ``python -c 'import prompt_toolkit.application'`` for the start, the plain chat into a pipe for decode.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial

from chat_runs import ENDLESS, LONG, Run, piped, run_claims, spread
from pty_chat import PROMPT, PtyChat, environment, last_answer
from ratios import Ratio, in_turn, verdict

from ockit.sessions.records import StoredMessage

START_S, SLOWER = 0.400, 1.03
TOOLKIT = [sys.executable, "-c", "import prompt_toolkit.application"]


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


def per_token(message: StoredMessage) -> float:
    """Seconds of decode for each token."""
    if message.usage is None or message.timings is None:
        raise SystemExit("the answer was saved without its figures")
    return message.timings.decode_s / message.usage.completion_tokens


if __name__ == "__main__":
    run_claims(__doc__, {"start": start, "speed": speed})
