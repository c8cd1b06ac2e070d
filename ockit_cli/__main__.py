"""``python -m ockit`` and the installed command ``ockit``."""

import sys
import time

_STARTED = time.perf_counter()


def main() -> int:
    """Run the command line of this process; gives the exit code."""
    try:
        from ockit.app import run
        from ockit.environment import Environment

        return run(sys.argv[1:], Environment.of_process(started=_STARTED))
    except KeyboardInterrupt:  # before or behind what `run` watches over
        return 130


if __name__ == "__main__":
    # ``python -m`` puts the current directory first on the path; what lies there must never be imported.
    if not sys.flags.safe_path:
        del sys.path[0]
    sys.exit(main())
