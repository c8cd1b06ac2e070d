"""Whether a long chat and a long answer stay as they began.

Claims, of the real command on a pseudo-terminal: after 500 turns the chat's process and its model's take at most 1.05
of the memory (resident) that they took after 100, and so for 500 commands; a line of an answer of 2,000 lines takes
at most 1.25 of the time that a line of one of 400 takes, in prose and code by turns, in one endless block of code, in
one endless list and in one endless paragraph.

The long answers come from a real engine and a model made to write one given text fast (`endless_model`), so that the
screen is what they wait for; the same answers into a pipe show what of it is the engine's.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from endless_model import write_endless
from pty_chat import OCKIT, PtyChat, environment, last_answer
from ratios import Pairs, Ratio, finish, in_turn, parser, verdict

GROWTH, SLOWDOWN = 1.05, 1.25
LONG, SHORT = 2000, 400
COMMANDS = ("/params", "/context", "/help", "/stats", "/raw", "/sessions", "/set temperature 0.5", "/models")

MIXED = (
    "## What the heading %d is about\n",
    "\n",
    "A paragraph with *emphasis*, **weight** and `code`,\n",
    "which goes on in another line %d with a [link](http://example.com).\n",
    "\n",
    "- an item of a list %d\n",
    "- another one\n",
    "\n",
    "```python\n",
    'def function(a: int, b: str = "%d") -> None:  # a comment\n',
    "    return [a for _ in range(%d)]\n",
    "```\n",
    "\n",
    "| a | b %d |\n",
    "|---|---|\n",
    "| 1 | two %d |\n",
    "\n",
)
FLAGS = "--temp 0 --option repeat_penalty=1 --threads 1 --ctx-size 32768"
UNITS = 12
"""How often a text stands in what the model writes, each time with other numbers."""

TEXTS = {
    "prose and code by turns": MIXED,
    "one block of code": (
        "```python\n",
        "def function(a: int = %d) -> None:  # a comment\n",
        "    return [a]\n",
    ),
    "one list": ("- an item %d of a list\n",),
    "one paragraph": ("A line %d with *emphasis*, **weight** and `code`\n",),
}


@dataclass(frozen=True)
class Answer:
    """What an answer took: seconds from the question to the prompt, and CPU seconds of the chat's own process."""

    seconds: float
    cpu_s: float


def pieces(text: str, size: int = 30) -> list[str]:
    """A text in pieces as a model's tokens are, no two alike."""
    found: dict[str, None] = {}
    at = 0
    while at < len(text):
        end = at + size
        while text[at:end] in found and end < len(text):
            end += 1
        found[text[at:end]] = None
        at = end
    if "".join(found) != text:
        raise SystemExit("the text cannot be cut into pieces that differ")
    return list(found)


def long_answers(rounds: int, patience_s: float) -> bool:
    """Answers of many lines."""
    held = True
    for name, lines in TEXTS.items():
        with tempfile.TemporaryDirectory() as home:
            text = "".join(line.replace("%d", str(number)) for number in range(UNITS) for line in lines)
            tokens = pieces(text)
            a_line = len(tokens) / text.count("\n")
            model = write_endless(Path(home, "endless.gguf"), tokens)
            flags = f"--model {model} {FLAGS}".split()
            with closing(PtyChat(*flags, home=home, label="endless")) as chat:
                chat.opened()
                chat.answered("/set max_tokens 4")
                chat.answered("Begin.")  # the model is loaded
                shown = in_turn(
                    partial(drawn, chat, home, LONG, a_line), partial(drawn, chat, home, SHORT, a_line),
                    rounds, patience_s=patience_s,
                )  # fmt: skip
            sent = in_turn(
                partial(piped, home, flags, LONG, a_line), partial(piped, home, flags, SHORT, a_line),
                rounds, patience_s=patience_s,
            )  # fmt: skip
        slower = said(name, shown)
        said(f"{name}, into a pipe", sent)
        held &= verdict(f"a line of {LONG} / a line of {SHORT}, {name}", slower, SLOWDOWN)
    return held


def drawn(chat: PtyChat, home: str, lines: int, a_line: float) -> Answer:
    """A new chat's first answer of so many lines."""
    chat.answered("/new")
    chat.answered(f"/set max_tokens {round(lines * a_line)}")
    before = chat.cpu_s
    sent = chat.ask("Write.")
    end = chat.until(lambda chat: chat.rests, "the end of the answer", 300)
    used = chat.cpu_s - before
    if abs((written := last_answer(home).text.count("\n")) - lines) > 20:
        raise SystemExit(f"an answer of {written} lines, not {lines}")
    return Answer(end - sent, used)


def piped(home: str, flags: Sequence[str], lines: int, a_line: float) -> Answer:
    """The same from the plain chat, from its first byte to its end."""
    with subprocess.Popen(
        [OCKIT, "chat", *flags, "--max-tokens", str(round(lines * a_line))], bufsize=0, cwd=home,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(home),
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"Write.\n")
        child.stdin.close()
        child.stdout.read(1)
        begun = time.monotonic()
        while child.stdout.read(65536):
            ended = time.monotonic()
    return Answer(ended - begun, 0.0)


def said(name: str, pairs: Pairs[Answer]) -> float:
    """Print a comparison of long and short answers; gives the ratio of the time of their lines."""
    ours, reference = (
        [answer.seconds / lines for answer in side]
        for side, lines in ((pairs.ours, LONG), (pairs.reference, SHORT))
    )
    ratio = Ratio(ours, reference)
    cpu = statistics.median(answer.cpu_s for answer in pairs.ours) / LONG
    print(
        f"{name}: {1000 * statistics.median(ours):.2f} ms a line of {LONG}, "
        f"{1000 * statistics.median(reference):.2f} of {SHORT}: {ratio}"
        + (f"; CPU {1000 * cpu:.2f} ms a line" if cpu else "")
    )
    print(pairs.noise())
    return ratio.median


def memory(turns: int) -> bool:
    """Many turns, and many commands."""
    question = "And what do you think of number {}? Say more."
    return all(
        [
            grown("turns", turns, question.format),
            grown("commands", turns, lambda number: COMMANDS[number % len(COMMANDS)]),
        ]
    )


def grown(name: str, count: int, text: Callable[[int], str]) -> bool:
    """Whether memory stays as it was after a fifth of so many inputs."""
    with tempfile.TemporaryDirectory() as home:
        chat = PtyChat("--ctx-size", "1024", "--max-tokens", "2", "--temp", "0", home=home)
        with closing(chat):
            chat.opened()
            chat.answered("/model")  # returns once it is loaded
            processes = {"chat": chat.process, "model": chat.worker()}
            taken: dict[str, list[int]] = {each: [] for each in processes}
            began = time.monotonic()
            for number in range(1, count + 1):
                chat.answered(text(number))
                if number % (count // 10) == 0:
                    for each, process in processes.items():
                        taken[each].append(process.memory_info().rss)
                    resident = ", ".join(
                        f"{each} {sizes[-1] / 2**20:.1f} MiB" for each, sizes in taken.items()
                    )
                    print(f"{number} {name}, {time.monotonic() - began:.0f} s: {resident}", flush=True)
    held = True
    for each, sizes in taken.items():
        held &= verdict(
            f"memory of the {each} after {count} {name} / after {count // 5}", sizes[-1] / sizes[1], GROWTH
        )
    return held


def main() -> None:
    """Measure, print, and end with 1 where a claim is missed."""
    made = parser(__doc__)
    made.add_argument("--only", choices=("memory", "long"), help="one of the claims")
    given = made.parse_args()
    held = []
    if given.only in (None, "long"):
        held.append(
            long_answers(given.rounds or (1 if given.quick else 5), 0.0 if given.quick else given.patience)
        )
    if given.only in (None, "memory"):
        held.append(memory(20 if given.quick else 500))
    finish(*held)


if __name__ == "__main__":
    main()
