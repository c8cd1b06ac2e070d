"""The embedder that comes with ockit: its vectors are those of sentence-transformers, whatever the text."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from ockit.engines.embedder_names import EMBEDDED
from ockit.engines.embedders import new_embedding_worker, open_embedder
from ockit.engines.installed_embedder import installed_embedder
from ockit.environment import Environment
from ockit.errors import InterruptedByUser, WorkerError

ROOT = Path(__file__).resolve().parents[2]
ODD = [
    "",
    "   \n\t ",
    "héllo wörld, naïve café; A\u0301\u0302 e\u0301",
    "你好世界，这是一个测试。",
    "こんにちは世界 ｱｲｳ １２３",
    "안녕하세요 세계",
    "Привет, мир! Съешь ещё этих мягких французских булок",
    "ΟΔΟΣ Σίσυφος ΑΣ",
    "हिन्दी में एक वाक्य, বাংলা, தமிழ்",
    "שלום עולם مرحبا بالعالم ไทย",
    "🙂🙃 👩‍👩‍👧‍👦 family, flag 🇩🇪",
    "def f(x: int) -> str:\n\treturn f'{x**2:>10}'  # ok",
    'int main(void) { printf("%d\\n", 1 << 3); return 0; }',
    "$€£¥ ±∑∫ ≤ → ✓ …—“quoted”",
    "x" * 500,
    "a" * 100 + " " + "b" * 101,
    "word " * 1000,
    "\u200b\u202ehidden\u00ad marks\x00nul\x01",
    "İstanbul ǅ ﬁ ß",
    "{" * 300,
    " " * 60_000 + "far away",
    "https://example.org/a/b?c=d&e=%20#f 2024-01-31T12:00:00Z",
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with open(os.devnull, "rb") as stdin:
        yield Environment(stdin, sys.stdout, sys.stderr, {**os.environ, "OCKIT_HOME": str(home)}, home)


@pytest.fixture(scope="module")
def embedder(environment):
    opened = open_embedder(None, environment)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def texts():
    chance = random.Random(2)
    found = list(ODD)
    for path in sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("ockit_cli/*/*.py")]):
        text = path.read_text()
        start = chance.randrange(max(1, len(text) - 100))
        piece = text[start : start + chance.choice([20, 60, 150, 400, 900])]
        found.append(re.sub(r"\[(CLS|SEP|MASK|UNK|PAD)\]", r"(\1)", piece))  # control tokens to the library
    assert len(found) >= 150
    words = "the index of a folder and what 12 it's made-of; naïve ΣΟΦΟΣ 東京 can't".split()
    return found + [" ".join(chance.choices(words, k=chance.randrange(1, 60))) for _ in range(60)]


@pytest.fixture(scope="module")
def vectors(embedder, texts):
    return embedder.embed(texts, "passage")


def test_vectors_are_those_of_sentence_transformers(embedder, texts, vectors):
    import numpy as np
    from sentence_transformers import SentenceTransformer

    ours = vectors
    model = SentenceTransformer(str(installed_embedder().directory), device="cpu", local_files_only=True)
    theirs = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert ours.shape == theirs.shape
    assert ours.dtype == np.float32
    cosines = (ours * theirs).sum(axis=1)
    worst = int(cosines.argmin())
    assert cosines[worst] >= 0.999, (texts[worst][:80], cosines[worst])
    assert np.abs((ours**2).sum(axis=1) - 1).max() < 1e-5
    info = embedder.load()
    assert (info.dimension, info.max_tokens, info.pooling) == (384, model.max_seq_length, "mean")


def test_alone_and_among_others_a_text_has_the_same_vector(embedder, texts, vectors):
    for number in range(0, len(texts), 7):
        alone = embedder.embed([texts[number]], "query")[0]
        assert float(alone @ vectors[number]) > 0.9999


def test_rows_come_in_the_order_of_the_texts(embedder, texts):
    import numpy as np

    texts = texts[:70]
    first = embedder.embed(texts, "passage")
    turned = embedder.embed(texts[::-1], "passage")[::-1]
    assert ((first * turned).sum(axis=1) > 0.9999).all()
    seen = [row for rows, vectors in embedder.embed_each(texts, "passage") for row in rows]
    assert sorted(seen) == list(range(len(texts)))
    assert embedder.embed([], "passage").shape == (0, 384)
    assert np.isfinite(first).all()


def test_what_looks_like_a_control_token_is_text(embedder):
    plain, marked, spelled = embedder.embed(["a b", "a [SEP] b", "a [ sep ] b"], "passage")
    assert float(marked @ spelled) > 0.9999
    assert float(marked @ plain) < 0.99
    masks = embedder.embed(["[MASK] [CLS] [PAD]", "[ mask ] [ cls ] [ pad ]"], "query")
    assert float(masks[0] @ masks[1]) > 0.9999


def test_any_string_will_do(embedder):
    strange = ["\ud800 lone", "nul\0nul", "", "a" * 100_000, "many words " * 10_000, "\udfff", "\U0010ffff"]
    vectors = embedder.embed(strange, "query")
    assert abs((vectors**2).sum(axis=1) - 1).max() < 1e-5
    cut = embedder.embed(["many words " * 127], "query")  # 254 tokens and the two markers
    assert float(cut[0] @ vectors[4]) > 0.9999


def test_a_dead_worker_is_one_error(environment):
    opened = open_embedder(EMBEDDED, environment)
    try:
        before = opened.embed(["a text"], "query")
        pid = opened.worker.pid
        threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
        with pytest.raises(WorkerError):
            opened.embed(["many words of a long text " * 60] * 3000, "passage")
        assert float(opened.embed(["a text"], "query")[0] @ before[0]) > 0.9999
        assert opened.worker.pid != pid
    finally:
        opened.close()


def test_a_run_can_be_stopped(embedder):
    embedder.load()
    started = time.monotonic()
    threading.Timer(0.3, embedder.cancel).start()
    with pytest.raises(InterruptedByUser):
        embedder.embed(["many words of a long text " * 60] * 3000, "passage")
    assert time.monotonic() - started < 20  # the whole of it takes minutes
    assert embedder.embed(["and on"], "query").shape == (1, 384)


def test_a_reader_that_goes_away_stops_it(embedder):
    parts = embedder.embed_each(["many words of a long text " * 60] * 3000, "passage")
    next(parts)
    parts.close()
    started = time.monotonic()
    assert embedder.embed(["and on"], "query").shape == (1, 384)
    assert time.monotonic() - started < 20


def test_a_worker_started_early_is_used(environment):
    worker = new_embedding_worker(environment.variables)
    worker.start()
    opened = open_embedder(None, environment, worker=worker)
    try:
        assert opened.embed(["early"], "query").shape == (1, 384)
        assert worker.generation == 1
    finally:
        opened.close()


def test_no_library_is_loaded_for_it_but_numpy(run_python):
    ended = run_python(
        "import sys\n"
        "from ockit.environment import Environment\n"
        "from ockit.engines.embedders import open_embedder\n"
        "e = open_embedder(None, Environment.of_process())\n"
        "print(sorted({'numpy', 'urllib.request'} & set(sys.modules)))\n"
        "e.embed(['a'], 'query'); e.close()\n"
        "print(sorted({'torch', 'transformers', 'llama_cpp', 'gguf', 'urllib.request'} & set(sys.modules)))\n"
    )
    assert ended.split() == ["[]", "[]"]


@pytest.fixture
def run_python(environment, tmp_path):
    import subprocess

    def run(code: str) -> str:
        variables = {"PATH": os.defpath, "OCKIT_HOME": environment.variables["OCKIT_HOME"]}
        return subprocess.run(
            [sys.executable, "-c", code],
            env=variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    return run
