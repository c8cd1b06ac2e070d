"""Commands about what the model is given besides the question: files, pinned turns, and how full the context is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ockit.assistant.attachments import read_document
from ockit.errors import UsageError
from ockit.repl.mentions import unquoted
from ockit.repl.slash import Slash
from ockit.repl.talk import Talk


def context(talk: Talk, _: str) -> None:
    """Show what is in the prompt and how much room is left, in tokens."""
    report = talk.assistant.context_report()
    rows: list[tuple[object, ...]] = [("system", report.system, "")]
    for turn in report.turns:
        name = f"question {turn.number}" if turn.number == turn.last else f"{turn.number} to {turn.last}"
        said = ["pinned"] if turn.pinned else []
        if not turn.in_prompt:
            said.append("no longer in the prompt")
        rows.append((name, turn.tokens, ", ".join(said)))
    rows += [
        ("kept for the answer", report.answer_room, ""),
        ("free", report.free, f"of {report.n_ctx}"),
    ]
    talk.console.table(("PART", "TOKENS", ""), rows)
    for path in talk.attached:
        talk.console.notice(f"attached to the next question: {path}")


def pin(talk: Talk, rest: str) -> None:
    """Keep a question and its answer in the prompt, however long the chat becomes."""
    pinned = talk.assistant.pinned
    words = rest.split()
    if words[:1] == ["off"]:
        numbers = [_number(word) for word in words[1:]] or sorted(pinned)
        for number in numbers:
            talk.assistant.unpin(number)
        talk.console.notice("no longer pinned: " + (", ".join(map(str, numbers)) or "nothing was"))
        return
    number = _number(words[0]) if words else len(talk.assistant.questions)
    if number < 1:
        raise UsageError("there is no question to pin yet", hint="ask something first")
    talk.assistant.pin(number)
    talk.console.notice(
        f"question {number} and its answer stay in the prompt; /pin off {number} lets them go"
    )


def file(talk: Talk, rest: str) -> None:
    """Attach a file to the next question; alone, show what is attached."""
    if not rest:
        for path in talk.attached:
            talk.console.line(str(path))
        if not talk.attached:
            talk.console.notice("nothing is attached; /file PATH puts a file in front of the next question")
        return
    if rest == "off":
        talk.attached.clear()
        talk.console.notice("nothing is attached any more")
        return
    path = Path(unquoted(rest)).expanduser()
    document = read_document(path, talk.cwd)  # what cannot be attached is said now
    talk.attached.append(talk.cwd / path)
    talk.console.notice(
        f"{document.name} ({len(document.text)} characters) goes in front of the next question"
    )


def _number(word: str) -> int:
    if not word.isdecimal():
        raise UsageError(f"{word} is no number of a question", hint="/context shows the numbers")
    return int(word)


def pinned_numbers(talk: Talk) -> Iterable[tuple[str, str]]:
    """What can be pinned and unpinned."""
    numbers = range(len(talk.assistant.questions), 0, -1)
    asked = [(str(number), talk.assistant.question(number)[:60]) for number in numbers]
    return [*asked, *((f"off {number}", "") for number in sorted(talk.assistant.pinned))]


COMMANDS = (
    Slash("context", "", "what is in the prompt, and how much room is left", context),
    Slash(
        "pin",
        "[NUMBER]",
        "keep a turn in the prompt; `off NUMBER` lets it go",
        pin,
        candidates=pinned_numbers,
    ),
    Slash("file", "[PATH]", "put a file in front of the next question; `off` takes it away", file),
)
"""In the order of the help."""
