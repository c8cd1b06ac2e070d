"""Commands about documents: which indexes answers come from, what an answer was given, a search without the model."""

from __future__ import annotations

from collections.abc import Iterable

from ockit.assistant import shelf
from ockit.assistant.citations import entry, listed
from ockit.errors import InterruptedByUser, OckitError, UsageError
from ockit.messages import Passage
from ockit.repl.notices import told
from ockit.repl.slash import Slash, number_of
from ockit.repl.talk import Talk

SHOWN_LINES = 8
"""Lines of a passage that /search shows; /search NUMBER shows all of it."""


def index(talk: Talk, rest: str) -> None:
    """Let answers come from an index, or from one more; `off` uses the model alone. Alone, list what there is."""
    grounding = talk.assistant.grounding
    words = rest.split()
    if not words:
        _list(talk)
        return
    if words == ["off"]:
        grounding.use(())
        talk.console.notice("answers come from the model alone")
        return
    more = words[0] == "add" and len(words) > 1
    names = shelf.known(talk.environment.directories, words[1:] if more else words)
    grounding.use((*grounding.names, *names) if more else names)
    talk.console.notice(f"answers come from {', '.join(grounding.names)}")


def _list(talk: Talk) -> None:
    used = talk.assistant.grounding.names
    there = shelf.names_of(talk.environment.directories)
    if not there:
        talk.console.notice("there is no index yet; ockit index FOLDER makes one")
        return
    talk.console.table(("", "INDEX"), [("*" if name in used else "", name) for name in there])
    talk.console.notice("/index NAME answers from one, /index add NAME from one more, /index off from none")


def sources(talk: Talk, rest: str) -> None:
    """List what the last answer was given, a * before what it cites; with a number, show that passage whole."""
    answer = talk.assistant.last_answer
    if answer is None:
        raise UsageError("there is no answer yet", hint="ask something first")
    failed = [told(notice) for notice in talk.assistant.looked.notices if notice.kind == "index_failed"]
    if not answer.sources and failed:
        raise UsageError("; ".join(failed))
    if not answer.sources:
        raise UsageError("the last answer was given no sources", hint="/index NAME answers from an index")
    if rest:
        _whole(talk, answer.sources, number_of(rest, "a source"), "/sources")
        return
    for line in listed(answer.sources, answer.text, talk.shown_from):
        talk.console.line(line, hang=6)


def search(talk: Talk, rest: str) -> None:
    """Search the documents in use and show what is found; no model is asked. With a number, show that passage whole."""
    if not rest:
        raise UsageError("there is nothing to search for", hint="/search WORDS")
    if rest.isdecimal() and len(rest) < 4 and 1 <= int(rest) <= len(talk.found):
        _whole(talk, talk.found, int(rest), "/search")
        return
    if not talk.assistant.grounding.names:
        raise UsageError("no index is in use", hint="/index NAME, then /search WORDS; saved chats: /find")
    try:
        found = talk.assistant.search(rest)
    except InterruptedByUser:
        talk.console.notice("the search was stopped")
        return
    talk.found = found.passages
    for notice in found.notices:
        if notice.kind != "nothing_found":
            talk.console.notice(told(notice))
    for number, passage in enumerate(found.passages, 1):
        talk.console.line(entry(number, passage, found.passages, talk.shown_from), style="bold", hang=4)
        lines = passage.text.strip("\n").split("\n")
        for line in lines[:SHOWN_LINES]:
            talk.console.line(f"    {line}", hang=4)
        if len(lines) > SHOWN_LINES:
            talk.console.line(
                f"    … {len(lines) - SHOWN_LINES} more lines: /search {number}", style="dim", hang=4
            )
    if found.searched and not found.passages:
        talk.console.notice(f"nothing in {' or '.join(found.searched)} is about this")


def _whole(talk: Talk, passages: tuple[Passage, ...], number: int, command: str) -> None:
    """A passage from its first line to its last, and the file that it stands in."""
    if not 1 <= number <= len(passages):
        raise UsageError(f"there is no source {number}", hint=f"{command} 1 to {command} {len(passages)}")
    passage = passages[number - 1]
    talk.console.line(entry(number, passage, passages, talk.shown_from), style="bold", hang=4)
    if passage.file and talk.shown_from is None and not talk.face.steady:
        talk.console.line(passage.file, style="dim")
    talk.console.line(passage.text.strip("\n"), hang=0)


def index_names(talk: Talk) -> Iterable[tuple[str, str]]:
    """What may stand behind /index."""
    try:
        there = shelf.names_of(talk.environment.directories)
    except (OckitError, OSError):
        return []  # /index says what is wrong
    used = talk.assistant.grounding.names
    ways = [(name, "in use" if name in used else "") for name in there]
    more = [(f"add {name}", "") for name in there if used and name not in used]
    return [*ways, *more, *([("off", "the model alone")] if used else [])]


def source_numbers(talk: Talk) -> Iterable[tuple[str, str]]:
    """The sources of the last answer."""
    given = talk.assistant.sources
    return [
        (str(number), entry(number, passage, given, talk.shown_from))
        for number, passage in enumerate(given, 1)
    ]


COMMANDS = (
    Slash(
        "index",
        "[NAME]",
        "answer from an index; `add NAME` for one more, `off`",
        index,
        candidates=index_names,
    ),
    Slash("sources", "[NUMBER]", "what the last answer was given", sources, candidates=source_numbers),
    Slash("search", "TEXT", "search the documents in use, without the model", search, turn=True),
)
"""In the order of the help."""
