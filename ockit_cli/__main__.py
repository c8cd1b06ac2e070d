"""``python -m ockit`` and the installed command ``ockit``."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ockit.environment import Environment
    from ockit.workers.worker import Worker

_STARTED = time.perf_counter()


def main() -> int:
    """Run the command line of this process; gives the exit code."""
    try:
        from ockit.environment import Environment

        environment = Environment.of_process(started=_STARTED)
        worker = _ahead(sys.argv[1:], environment)
        from ockit.app import run

        return run(sys.argv[1:], environment, worker)
    except KeyboardInterrupt:  # before or behind what `run` watches over
        return 130


def _ahead(argv: list[str], environment: Environment) -> Worker | None:
    """The model's process, started before anything else where the verb will need it: it reads its libraries for as
    long as this process takes to read its own."""
    if not argv:
        wanted = "chat" if environment.stdin_is_tty and environment.stdout_is_tty else ""
    else:
        wanted = "" if {"-h", "--help", "--plan"}.intersection(argv) else argv[0]
    if wanted in ("ask", "chat"):
        from ockit.engines.hosted import new_worker

        worker = new_worker(environment.variables)
    elif wanted == "search":
        from ockit.engines.embedders import new_embedding_worker

        worker = new_embedding_worker(environment.variables)
    else:
        return None
    from ockit.errors import WorkerError

    try:
        worker.start()
    except WorkerError:
        return None  # the command meets the same error where it can be told
    return worker


if __name__ == "__main__":
    # ``python -m`` puts the current directory first on the path; what lies there must never be imported.
    if not sys.flags.safe_path:
        del sys.path[0]
    sys.exit(main())
