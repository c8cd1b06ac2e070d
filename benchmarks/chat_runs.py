"""What the benchmarks of the chat share: questions, the same answer without a screen, the run of their claims.

Knows no claim; `pty_chat` is the chat on its terminal.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pty_chat import OCKIT, environment, last_answer
from ratios import finish, parser, wait_for_quiet

from ockit.sessions.records import StoredMessage

LONG = "Write a Python program that reads a CSV file and prints the sum of each column. Explain each step."
ENDLESS = ("--temp", "0", "--seed", "1", "--option", "logit_bias=2:-100,0:-100")
"""The tokens that end an answer never come: code and prose in turn, for as long as wanted."""


@dataclass(frozen=True)
class Run:
    """What the benchmarks of one run share: a home in which the threads are measured, pairs, patience."""

    home: str
    rounds: int
    patience_s: float


def piped(home: str, arguments: Sequence[str]) -> StoredMessage:
    """The same as the plain chat saves it."""
    command = [OCKIT, "chat", *arguments]
    done = subprocess.run(
        command, input=LONG.encode(), capture_output=True, env=environment(home), cwd=home, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"the plain chat ended with {done.returncode}: {done.stderr.decode()}")
    return last_answer(home)


def share(values: Sequence[float], part: float) -> float:
    """The value that so many of the sorted ones do not exceed."""
    return values[min(len(values) - 1, round(part * (len(values) - 1)))]


def spread(seconds: Sequence[float]) -> str:
    """Median, the value of 95 in 100, and the worst."""
    some = sorted(seconds)
    return f"{statistics.median(some):.4f} s (95 of 100: {share(some, 0.95):.4f}; most {some[-1]:.4f})"


def run_claims(doc: str | None, claims: Mapping[str, Callable[[Run], bool]]) -> None:
    """Measure, print, and end with 1 where a claim is missed."""
    made = parser(doc)
    made.add_argument("--only", choices=claims, help="one of the claims")
    given = made.parse_args()
    with tempfile.TemporaryDirectory() as home:
        run = Run(home, given.rounds or (2 if given.quick else 11), 0.0 if given.quick else given.patience)
        wait_for_quiet(run.patience_s)
        piped(home, ("--max-tokens", "1"))  # measures the threads
        threads = next(iter(json.loads(Path(home, "ockit/cache/threads.json").read_text()).values()))
        print(f"threads measured by ockit (decode, prefill): {threads}")
        finish(*[claim(run) for name, claim in claims.items() if given.only in (None, name)])
