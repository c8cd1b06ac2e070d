"""Damaged documents of every format: bytes changed, cut out, doubled. Each is read or is one failed file, in its time.

A tenth of the sweep runs by default, drawn by a seed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

import made_documents as made
from ockit.index.readers.child_process import ReaderChild
from ockit.index.readers.limits import ReadingLimits
from ockit.index.readers.reading import ReadFile, ReadRequest, Unread

WHOLE = 200  # mutants a format
WORDS = ["some words", "on two lines"]
MAIL = b"""Subject: s
Content-Type: multipart/mixed; boundary=X

--X
Content-Type: text/html

<p>some words
--X--
"""
SAMPLES = {
    "a.docx": made.docx(made.docx_paragraph("Head", "H2") + made.docx_table([WORDS])),
    "a.odt": made.odt("<text:h text:outline-level='1'>Head</text:h><text:p>some words</text:p>"),
    "a.pptx": made.pptx([made.pptx_shape(WORDS), made.pptx_shape(["Title"], "title")], {1: "note"}),
    "a.xlsx": made.xlsx('<row><c t="s" r="A1"><v>0</v></c><c r="B1"><v>1.5</v></c></row>', WORDS),
    "a.epub": made.epub({"a.xhtml": "<h1>One</h1><p>some words"}, contents="<li><a href='a.xhtml'>x</a>"),
    "a.pdf": made.pdf([WORDS, WORDS], title="t", outline=[("One", 0), ("Two", 1)]),
    "a.eml": MAIL,
    "a.ipynb": made.notebook(made.markdown_cell("# Head"), made.code_cell("x = 1")),
    "a.html": b"<title>t</title><h1>Head</h1><table><tr><td>some<td>words</table><!-- c --><pre>x\ny</pre>",
    "a.md": b"---\ntitle: t\n---\n# Head\n\nsome words\n\n```\ncode\n```\n",
    "a.csv": b'id,name\n1,"some\nwords"\n',
    "a.json": b'{"a": [1, 2, {"b": "some words"}]}\n',
}


def mutant(data: bytes, dice: random.Random) -> bytes:
    """One to four changes."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(changed) + 1)
        length = dice.choice([1, 1, 2, 8, 64])
        match dice.randrange(4):
            case 0:
                changed[place : place + length] = dice.randbytes(length)
            case 1:
                del changed[place : place + length]
            case 2:
                changed[place:place] = changed[place : place + length] * dice.choice([1, 2, 500])
            case _:
                changed[place : place + 1] = dice.choice([b"\0", b"\xff", b"<", b'"', b"\n", b"99999999"])
    return bytes(changed)


def sweep(folder: Path, count: int) -> Counter[str]:
    dice = random.Random(4)
    asked = []
    for name, data in SAMPLES.items():
        for number in range(count):
            path = folder / f"{number}{name}"
            path.write_bytes(mutant(data, dice))
            asked.append(ReadRequest(path, path.name))
    found: Counter[str] = Counter()
    with ReaderChild(os.environ, limits=ReadingLimits(seconds=20)) as child:
        outcomes = list(child.read_many(asked))
    assert [request for request, _ in outcomes] == asked
    for request, outcome in outcomes:
        if isinstance(outcome, Unread):
            found[outcome.reason] += 1
            assert outcome.reason != "time", request
            # PDFium may crash, which the child is there for; nothing else may
            assert outcome.reason != "died" or request.path.endswith(".pdf"), (request, outcome)
        else:
            assert isinstance(outcome, ReadFile)
            found["read"] += 1
            for chunk in outcome.chunks:
                assert 1 <= chunk.start_line <= chunk.end_line, request
                chunk.embedded.encode()
    return found


def test_a_tenth_of_the_mutants(tmp_path: Path):
    found = sweep(tmp_path, WHOLE // 10)
    assert found["read"] > 50
    assert found["damaged"] > 50


@pytest.mark.sweep
def test_all_mutants(tmp_path: Path):
    found = sweep(tmp_path, WHOLE)
    assert found["read"] > 500
    assert found["damaged"] > 500
