"""A model's own Jinja template, asked for by name, through the assistant as a chat uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import RunOckit
from tiny_models import pair_vocabulary, write_model

TEMPLATES = Path(__file__).resolve().parent.parent / "prompts" / "chat_templates"
STRICT = "{{ messages[0]['role'] }}: {{ messages[0]['content'] }}\\nassistant: "


@pytest.mark.parametrize("text", [STRICT, *sorted(TEMPLATES.glob("unknown-*.jinja"))[:3]], ids=str)
def test_templates_that_need_a_message(run_ockit: RunOckit, tmp_path: Path, text: str | Path) -> None:
    path = tmp_path / "model.gguf"
    template = text if isinstance(text, str) else text.read_text(encoding="utf-8")
    write_model(path, architecture="qwen2", vocabulary=pair_vocabulary(), chat_template=template, n_ctx=16384)
    words = ("--template", "jinja", "--max-tokens", "2", "--no-log", "-m", str(path))
    asked = run_ockit("ask", "hello", *words)
    assert asked.code == 0, asked.stderr
    talked = run_ockit("chat", *words, input=b"/raw\nhello\n/raw\n")
    assert talked.code == 0, talked.stderr
    assert "ask something first" in talked.stderr
    assert "hello" in talked.stdout
