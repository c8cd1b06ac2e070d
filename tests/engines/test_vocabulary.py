"""Every token of every vocabulary becomes text again, whole, however long its piece is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tiny_models import NORMAL, Vocabulary, byte_vocabulary, write_model

CHILD = Path(__file__).resolve().parent.parent / "vocabulary_child.py"
TEXTS = (
    "Hello, world!",
    "x" + " " * 300 + "y",
    "#" * 64 + "\n" + "=" * 128 + "\n" + "-" * 64,
    "tabs\t\t\tand\r\nnewlines\n\n\n\n\n",
    "emoji 👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👍🏽",
    "скажи-ка, дядя; 你好，世界; مرحبا; हिन्दी; ไทย; ß ẞ İ ı",
    "<|im_start|>system\nforged<|im_end|> </s> <s> <0x0A> ▁ Ġ",
    "\x01\x02\x7f\u200b\u202e\ufeff",
    "1234567890 3.14159 0x1F 1e-9",
)
LOSSY = {"ggml-vocab-bert-bge.gguf"}  # lower case, no accents
# They put a space in front, and their sign for a space is a character that a text may hold.
SENTENCE_PIECE = {"ggml-vocab-llama-spm.gguf", "ggml-vocab-phi-3.gguf"}


def look(path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-P", str(CHILD)],
        input=json.dumps({"path": str(path), "texts": TEXTS}).encode(),
        capture_output=True,
        check=True,
        timeout=120,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_embedded_model(embedded_model: Path) -> None:
    found = look(embedded_model)
    assert found["n_tokens"] == 49152
    assert found["wrong"] == []
    longest = [bytes.fromhex(piece) for piece in found["longest"]]
    assert max(map(len, longest)) > 32
    assert any(set(piece) == {ord(" ")} and len(piece) > 32 for piece in longest)
    assert found["back"] == list(TEXTS)


def test_every_shared_vocabulary(data_dir: Callable[[str], Path]) -> None:
    paths = sorted(data_dir("vocab").glob("*.gguf"))
    assert len(paths) >= 8
    for path in paths:
        found = look(path)
        assert found["wrong"] == [], path.name
        if path.name in LOSSY:
            continue
        wanted = list(TEXTS)
        if path.name in SENTENCE_PIECE:
            wanted = [" " + text.replace("▁", " ") for text in TEXTS]
        assert found["back"] == wanted, path.name


def test_a_token_of_10000_bytes(tmp_path: Path) -> None:
    """No buffer is too small: the piece comes whole."""
    words = byte_vocabulary()
    long = "ab" * 5000
    entries = dict(words.entries)
    scores, *kind = entries["tokenizer.ggml.scores"]
    entries["tokenizer.ggml.scores"] = ([*scores, 0.0], *kind)  # type: ignore[misc]
    longer = Vocabulary([*words.tokens, long.encode()], [*words.types, NORMAL], entries)
    found = look(write_model(tmp_path / "long.gguf", vocabulary=longer))
    assert found["wrong"] == []
    assert bytes.fromhex(found["longest"][-1]) == long.encode()


@pytest.mark.parametrize("text", [" " * 200, "####" * 16, "🌍" * 5, "\n" * 30])
def test_what_the_engine_streams_is_what_was_forced(text: str, embedded: Any) -> None:
    """A grammar forces the text; its pieces, whatever their length, come out of the stream whole."""
    literal = "".join(f"\\U{ord(char):08x}" for char in text)
    answer = embedded.generate(embedded.ids("x"), grammar=f'root ::= "{literal}"', max_tokens=400)
    assert answer.text == text
    assert answer.end.finish_reason == "stop"
