"""Events to finished blocks: what is printed, in which order, and what an answer that goes on repeats."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from ockit.console import Console
from ockit.environment import Environment
from ockit.errors import WorkerError
from ockit.events import End, Event, Notice, Prefill, Token
from ockit.messages import Timings, Usage
from ockit.repl import streamed
from ockit.repl.live import Live, bar
from ockit.repl.streamed import stream
from ockit.repl.themes import theme

END = End("stop", Usage(10, 0, 5), Timings(decode_s=0.5))


def shown(events: Iterator[Event], live: Live, before: str = "") -> tuple[str, End | None]:
    out = io.StringIO()
    console = Console(Environment(io.BytesIO(), out, out, {"COLUMNS": "60"}, Path("/")))
    end = stream(events, console, live, theme("mono", False), False, before)
    return out.getvalue(), end


def test_blocks_are_printed_as_they_are_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "FLOW_S", 0.0)  # at once, not in handfuls
    live, seen = Live(), []

    def events() -> Iterator[Event]:
        yield Notice("the store was mended")
        yield Prefill(0, 10)
        seen.append(live.doing)
        yield Token("One.\n", (1,))
        yield Token("\nTwo", (2,))
        seen.append(live.tail)
        yield Token(" and more.", (3,))
        seen.append(live.tail)
        yield END

    text, end = shown(events(), live)
    assert text == "the store was mended\nOne.\n\nTwo and more.\n"
    assert seen == ["reading 10 tokens", "Two", "Two and more."]
    assert end == END
    assert (live.tail, live.doing, live.used) == ("", "", 15)
    assert live.rate == pytest.approx(10.0)


def test_an_answer_that_goes_on_stays_what_it_was() -> None:
    """Cut within a program: its lines go on as code, the line that was cut is shown again whole."""
    before = "See:\n\n```python\ndef f(x):\n    if x:\n        ret"
    text, _ = shown(iter([Token("urn __init__\n    return 1\n```\n\nDone.", (1,)), END]), Live(), before)
    assert text == "        return __init__\n    return 1\n```\n\nDone.\n"


def test_what_came_before_an_error_is_printed() -> None:
    def events() -> Iterator[Event]:
        yield Token("Half a sen", (1,))
        raise WorkerError("the model's process died")

    live, out = Live(), io.StringIO()
    console = Console(Environment(io.BytesIO(), out, out, {}, Path("/")))
    with pytest.raises(WorkerError):
        stream(events(), console, live, theme("mono", False), False)
    assert out.getvalue() == "Half a sen\n"
    assert live.tail == ""


def test_hostile_text_is_shown_not_obeyed() -> None:
    text, _ = shown(iter([Token("a\x1b[2Jb \u202e c\x9b31m", (1,)), END]), Live())
    assert text == "a<U+001B>[2Jb <U+202E> c<U+009B>31m\n"


@pytest.mark.parametrize("columns", [1, 5, 10, 20, 40, 80])
def test_the_bar_fits(columns: int) -> None:
    live = Live(used=100, n_ctx=8192, rate=55.0, running=True)
    live.say("a hint that is long enough to be cut somewhere")
    for unsaved in (False, True):
        parts = bar(live, model="smollm2-135m-instruct", title="A title", unsaved=unsaved, columns=columns)
        assert "smol"[: max(1, columns // 3)] in "".join(text for _, text in parts) or columns < 5
        if columns >= 20:
            assert sum(len(text) for _, text in parts) <= columns + (12 if unsaved else 0)


def test_the_tail_is_a_few_lines_of_the_screen() -> None:
    live = Live(tail="word " * 1000 + "\nlast 中文 line")
    lines = live.tail_lines(20)
    assert len(lines) == 4
    assert lines[-1] == "last 中文 line"
    assert Live(tail="中" * 30).tail_lines(20) == ["中" * 10, "中" * 10, "中" * 10]
