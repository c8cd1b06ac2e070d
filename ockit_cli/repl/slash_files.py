"""Commands about what the model is given besides the question: files, pinned turns, and how full the context is."""

from __future__ import annotations

from collections.abc import Iterable

from ockit.errors import UsageError
from ockit.repl.slash import Slash, number_of, path_of
from ockit.repl.talk import Talk


def context(talk: Talk, _: str) -> None:
    """Show what is in the prompt and how much room is left, in tokens."""
    report = talk.assistant.context_report(talk.sampling.max_tokens)
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
    for place, _document in talk.attached:
        talk.console.notice(f"attached to the next question: {place}")


def pin(talk: Talk, rest: str) -> None:
    """Keep a question and its answer in the prompt, however long the chat becomes."""
    pinned = talk.assistant.pinned
    words = rest.split()
    if words[:1] == ["off"]:
        numbers = [number_of(word, "a question") for word in words[1:]] or sorted(pinned)
        for number in numbers:
            talk.assistant.unpin(number)
        talk.console.notice("no longer pinned: " + (", ".join(map(str, numbers)) or "nothing was"))
        return
    number = number_of(words[0], "a question") if words else len(talk.assistant.questions)
    if number < 1:
        raise UsageError("there is no question to pin yet", hint="ask something first")
    talk.assistant.pin(number)
    talk.console.notice(
        f"question {number} and its answer stay in the prompt; /pin off {number} lets them go"
    )


def file(talk: Talk, rest: str) -> None:
    """Attach a file to the next question; alone, show what is attached."""
    if not rest:
        for place, _ in talk.attached:
            talk.console.line(str(place))
        if not talk.attached:
            talk.console.notice("nothing is attached; /file PATH puts a file in front of the next question")
    elif rest == "off":
        talk.attached.clear()
        talk.console.notice("nothing is attached any more")
    else:
        document = talk.attach(path_of(rest))
        talk.console.notice(
            f"{document.name} ({len(document.text)} characters) goes in front of the next question"
        )


def pinned_numbers(talk: Talk) -> Iterable[tuple[str, str]]:
    """What can be pinned and unpinned."""
    numbers = range(len(talk.assistant.questions), 0, -1)
    asked = [(str(number), talk.assistant.question(number).words[:60]) for number in numbers]
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
