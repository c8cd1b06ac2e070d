"""``kill -9`` while an answer comes from documents: what it was given is saved with whatever came of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ockit.assistant.grounding import Grounding
from ockit.events import Sources
from small_retriever import FolderRetriever, folder_of

CHILD = Path(__file__).resolve().parent.parent / "grounded_child.py"
QUESTION = "How long is the river Rhine? Tell a story."


@pytest.mark.parametrize("after", [1, 2, 9, 30])
def test_a_kill_in_mid_turn_keeps_its_sources(after: int, talk: Callable[..., Any], tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "rivers")
    command = [sys.executable, str(CHILD), str(tmp_path), str(folder), QUESTION]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as child:
        assert child.stdout is not None
        seen = [child.stdout.readline().strip() for _ in range(after)]
        child.kill()
    assert seen[0] == "sources"
    chat = talk()
    [session] = chat.store.list()
    question, *answers = chat.store.messages(session.id)
    assert question.text == QUESTION
    chat.assistant.resume(session.id)
    if after > 1:  # it had begun to be written before its first word
        assert [answer.state for answer in answers] == ["interrupted"]
    given = [answer.sources for answer in answers]
    assert all([source.path for source in sources] == ["rhine.md", "danube.md"] for sources in given)
    chat.assistant.grounding = Grounding(lambda _: FolderRetriever(folder), ["rivers"])
    events = list(chat.assistant.again(chat.greedy.changed(max_tokens=4)))
    [sources] = [event.passages for event in events if isinstance(event, Sources)]
    assert [source.path for source in sources] == ["rhine.md", "danube.md"]
    assert chat.saved()[-1].sources == sources
