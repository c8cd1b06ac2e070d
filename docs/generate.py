"""Writes docs/commands.md: the help of every command, as the command line itself prints it.

python docs/generate.py           writes the page
python docs/generate.py --check   says whether the page is current; exit code 1 where it is not
"""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

from ockit.app import run
from ockit.environment import Environment

PAGE = Path(__file__).with_name("commands.md")
HEAD = """# Commands

What `--help` says of each command. This page is written by `docs/generate.py`; do not edit it.
"""


def help_of(*command: str) -> str:
    """What ``ockit COMMAND --help`` prints on a terminal of 80 columns."""
    stdout, stderr = io.StringIO(), io.StringIO()
    environment = Environment(io.BytesIO(), stdout, stderr, dict(os.environ), Path.cwd())
    code = run([*command, "--help"], environment)
    if code != 0:
        raise SystemExit(f"ockit {' '.join(command)} --help exits {code}: {stderr.getvalue()}")
    return "\n".join(line.rstrip() for line in stdout.getvalue().strip().splitlines())


def subcommands(text: str) -> list[str]:
    """The names under ``Commands:`` in a help text."""
    listed = text.partition("\nCommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  (\S+)", listed, re.M)


def sections(*command: str) -> list[str]:
    """The section of a command and those of its subcommands."""
    text = help_of(*command)
    title = " ".join(("ockit", *command))
    parts = [f"{'#' * min(len(command) + 2, 4)} {title}\n\n```text\n{text}\n```\n"]
    for name in subcommands(text):
        parts += sections(*command, name)
    return parts


def main() -> int:
    """Write the page, or with ``--check`` compare it."""
    os.environ["COLUMNS"] = "80"  # the help is wrapped to the terminal
    page = "\n".join([HEAD, *sections()])
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page:
        return 0
    print("docs/commands.md is not what the command line says: python docs/generate.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
