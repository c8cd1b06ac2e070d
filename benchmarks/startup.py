"""What a start costs: CPU seconds of the two commands a person types without thinking.

Claims: ``ockit --help`` takes at most 0.200 CPU seconds, ``ockit models list`` at most 0.150, and neither imports
a heavy module. The reference is ``python -c pass`` of the same interpreter; CPU seconds are user and system time
of the whole process, from the kernel's account at its end.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from ratios import Ratio, finish, in_turn, parser, verdict

CLAIMS = ((("--help",), 0.200), (("models", "list"), 0.150))
HEAVY = (
    "torch transformers numpy faiss llama_cpp prompt_toolkit rich jinja2 jsonschema matplotlib "
    "sentence_transformers gguf peft accelerate"
).split()
OCKIT = Path(sys.executable).with_name("ockit")


def cpu_seconds(command: list[str], variables: dict[str, str], cwd: str) -> float:
    """User and system time of a command that must end with 0."""
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=variables, cwd=cwd
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command} ends with {child.returncode}")
    return used.ru_utime + used.ru_stime


def imported(arguments: tuple[str, ...], variables: dict[str, str], cwd: str) -> set[str]:
    """Top-level names of everything that a run of ockit imports."""
    command = [sys.executable, "-P", "-X", "importtime", "-m", "ockit", *arguments]
    done = subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True, check=True)
    return set(re.findall(r"^import time:.*\|\s+(\w+)[\w.]*$", done.stderr, re.M))


def main() -> None:
    """Measure, print, and end with 1 where a claim is missed."""
    given = parser(__doc__).parse_args()
    rounds = given.rounds or (3 if given.quick else 21)
    held = []
    with tempfile.TemporaryDirectory() as home:
        variables = {k: v for k, v in os.environ.items() if not k.startswith("OCKIT_")}
        variables |= {"OCKIT_HOME": f"{home}/ockit", "COLUMNS": "100"}
        nothing = partial(cpu_seconds, [sys.executable, "-c", "pass"], variables, home)
        for arguments, limit in CLAIMS:
            command = " ".join(("ockit", *arguments))
            run = partial(cpu_seconds, [str(OCKIT), *arguments], variables, home)
            print(f"{command}: {run():.3f} s the first time ever")
            pairs = in_turn(run, nothing, rounds, patience_s=0.0 if given.quick else given.patience)
            ours, reference = statistics.median(pairs.ours), statistics.median(pairs.reference)
            print(
                f"{command}: {ours:.3f} CPU s (least {min(pairs.ours):.3f}); python -c pass: {reference:.3f}"
            )
            print(f"{command} / python -c pass: {Ratio(pairs.ours, pairs.reference)}")
            print(pairs.noise())
            held.append(verdict(f"{command}, CPU seconds", ours, limit))
            heavy = sorted(imported(arguments, variables, home) & set(HEAVY))
            print(f"{command} imports of the heavy modules: {', '.join(heavy) or 'none'}")
            held.append(not heavy)
    finish(*held)


if __name__ == "__main__":
    main()
