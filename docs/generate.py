"""Writes what the guides take from the program: docs/commands.md, the help of every command as the command line
itself prints it, and in docs/chat.md the table of the commands inside a chat.

python docs/generate.py           writes the pages
python docs/generate.py --check   says whether they are current; exit code 1 where one is not
"""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

from ockit.app import run
from ockit.environment import Environment
from ockit.repl.slash_table import KEYS, TABLE

PAGE = Path(__file__).with_name("commands.md")
CHAT = Path(__file__).with_name("chat.md")
BEGIN, END = "<!-- commands inside a chat -->\n", "<!-- end -->\n"
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


def slash_table() -> str:
    """The commands inside a chat, and the keys, as a Markdown table."""
    rows = [("inside the chat", ""), ("---", "---")]
    rows += [
        (", ".join([f"`{c.spelling}`", *(f"`/{alias}`" for alias in c.aliases)]), c.summary) for c in TABLE
    ]
    rows += [(f"`{how}`", what) for how, what in KEYS]
    return "".join(f"| {left} | {right} |\n" if left != "---" else "|---|---|\n" for left, right in rows)


def chat_page() -> str:
    """docs/chat.md with its table made anew."""
    before, begin, rest = CHAT.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"docs/chat.md lacks its lines {BEGIN.strip()} and {END.strip()}")
    return f"{before}{begin}\n{slash_table()}\n{end}{after}"


def main() -> int:
    """Write the pages, or with ``--check`` compare them."""
    os.environ["COLUMNS"] = "80"  # the help is wrapped to the terminal
    pages = {PAGE: "\n".join([HEAD, *sections()]), CHAT: chat_page()}
    if "--check" not in sys.argv[1:]:
        for path, text in pages.items():
            path.write_text(text, encoding="utf-8")
        return 0
    old = [path for path, text in pages.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in old:
        print(f"docs/{path.name} is not what the program says: python docs/generate.py", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
