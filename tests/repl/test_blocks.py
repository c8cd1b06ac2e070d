"""A stream of Markdown comes back whole, however it is cut, in the blocks that markdown-it finds in it."""

from __future__ import annotations

import re
import time
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from ockit.repl.blocks import LONGEST, TAIL, Block, BlockStream

ANSWER = """\
# Sorting in *Python*

There are `sorted()` and **list.sort**.
The first gives a new list:

```python
def by_size(items):
    \"\"\"Several
    lines.\"\"\"

    return sorted(items, key=len)
```

1. First, install it:
   ```bash
   pip install thing

   thing --help
   ```
2. Then:
   - nested *one*
   - nested two

     with a second paragraph
3. Done.

> A quote
> of two lines

| Name | Size |
|------|-----:|
| a    |   10 |
| b    |    2 |

Setext
------

<details>
<summary>More</summary>
Hidden *text*
</details>

$$
x = \\frac{1}{2}
- y
$$

    indented code

***

See [the docs][1] and ![a picture](x.png).

[1]: https://example.org/docs "Docs"
"""

PIECES = [
    "# head", "## head ##", "text", "more *text*", "- item", "* item", "1. one", "2) two", "10. ten", "-", "1.",
    "> quote", ">", "> > deep", "```", "```python", "````", "~~~", "~~~ x y", "    ", "   ", "  ", " ", "\t",
    "| a | b |", "|---|:-:|", "a | b", "--- | ---", "---", "===", "***", "- - -", "<div>", "</div>", "<b>x", "<!-- c",
    "-->", "[1]: http://x", "\n", "\n", "\n", "\n\n", "word", "`code`", "x" * 9, "    code", "   - deep",
    "     - deeper",
]  # fmt: skip
MARKDOWN = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)
# The same, but in whole lines: more of it is Markdown.
LINED = st.lists(
    st.tuples(st.sampled_from(["", "", "  ", "   ", "    ", "> ", "- ", "\t"]), st.sampled_from(PIECES)).map(
        "".join
    ),
    max_size=16,
).map("\n".join)
ANYTHING = st.one_of(MARKDOWN, LINED, st.text(max_size=60), st.sampled_from([ANSWER]))


def blocks(text: str, cuts: list[int] | None = None) -> list[Block]:
    stream = BlockStream()
    given = []
    at = 0
    for cut in [*(cuts or []), len(text)]:
        given += stream.feed(text[at:cut])
        at = cut
    return given + stream.close()


def shape(text: str) -> list[tuple[str, ...]]:
    """Kind, content and containers of every leaf, pieces joined."""
    found: list[tuple[str, ...]] = []
    whole: list[list[Block]] = []
    for block in blocks(text):
        if block.first or not whole:
            whole.append([])
        whole[-1].append(block)
    for pieces in whole:
        content = "".join(piece.content for piece in pieces)
        kind = pieces[0].kind
        if kind == "blank" or (kind == "paragraph" and not content):
            continue
        if kind == "code" and not pieces[0].fence:
            content = content.strip("\n") + "\n"
        if kind == "rule":
            content = ""
        around = " ".join(container.kind for container in pieces[0].containers)
        found.append((kind, _trimmed(content, kind), around))
    return found


def _trimmed(content: str, kind: str) -> str:
    if kind == "code":
        return content
    return "\n".join(line.strip() for line in content.strip().split("\n"))


def markdown_it_shape(text: str) -> list[tuple[str, ...]]:
    """The same, by markdown-it. Reference definitions are paragraphs, as ours are."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table").disable("reference")
    found: list[tuple[str, ...]] = []
    around: list[str] = []
    kind = ""
    source = text.split("\n")
    for token in parser.parse(text):
        name = token.type
        if name in ("blockquote_open", "list_item_open"):
            around.append("quote" if name.startswith("b") else "item")
        elif name in ("blockquote_close", "list_item_close"):
            around.pop()
        elif name == "table_open":
            rows = source[token.map[0] : token.map[1]]
            found.append(("table", str(len([row for row in rows if row.strip(" \t>")])), " ".join(around)))
            kind = "table"
        elif name == "table_close":
            kind = ""
        elif name in ("paragraph_open", "heading_open"):
            kind = name.removesuffix("_open")
        elif name == "inline" and kind != "table":
            found.append((kind, _trimmed(token.content, kind), " ".join(around)))
        elif name in ("fence", "code_block"):
            content = token.content if name == "fence" else token.content.strip("\n") + "\n"
            found.append(("code", content, " ".join(around)))
        elif name == "html_block":
            found.append(("html", _trimmed(token.content, "html"), " ".join(around)))
        elif name == "hr":
            found.append(("rule", "", " ".join(around)))
    return [leaf for leaf in found if leaf[:2] != ("paragraph", "")]


def disputed(text: str) -> bool:
    """Where markdown-it leaves CommonMark: lazy lines that are indented, or that would be a table's second."""
    rest = text.split("\n")[1:]
    return any(re.match(r" {0,3}(?: {4}|\t)|[ >\t-]*\|?:?-+:?[ |]", line) for line in rest)


def rows_counted(leaves: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [
        (kind, str(content.count("\n") + 1) if kind == "table" else content, around)
        for kind, content, around in leaves
    ]


def test_the_answer_in_blocks():
    kinds = [(kind, len(list(group))) for kind, group in groupby(block.kind for block in blocks(ANSWER))]
    assert kinds == [
        ("heading", 1), ("paragraph", 1), ("code", 7), ("paragraph", 1), ("code", 5), ("paragraph", 6), ("table", 1),
        ("heading", 1), ("html", 5), ("math", 5), ("code", 2), ("rule", 1), ("paragraph", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("text", [ANSWER, ANSWER.replace("\n", "\n> "), ANSWER[:400]])
def test_the_answer_is_what_markdown_it_finds(text):
    text = text.replace("$$", "")
    text += "\n"
    assert rows_counted(shape(text)) == markdown_it_shape(text)


ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "path", sorted(p.relative_to(ROOT).as_posix() for p in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")])
)
def test_written_documents_are_what_markdown_it_finds(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert "".join(block.text for block in blocks(text, list(range(0, len(text), 7)))) == text
    assert rows_counted(shape(text)) == markdown_it_shape(text)


@settings(max_examples=400, deadline=None)
@given(st.one_of(MARKDOWN, LINED))
def test_blocks_are_those_of_markdown_it(text):
    text += "\n"
    assume(not disputed(text) or not re.search("^[ \t]*(?:[>*+-]|[0-9])", text, re.MULTILINE))
    assert rows_counted(shape(text)) == markdown_it_shape(text)


@settings(max_examples=300, deadline=None)
@given(ANYTHING, st.data())
def test_however_it_is_cut_the_blocks_are_the_same_and_nothing_is_lost(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    given_blocks = blocks(text, cuts)
    assert "".join(block.text for block in given_blocks) == text
    assert given_blocks == blocks(text)


@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.sampled_from(["x", "word ", "`", "| a ", "你好", "> "]),
    st.text("ab \n`|>-", max_size=30),
)
def test_a_very_long_line_is_given_in_pieces_wherever_it_is_cut(step, piece, end):
    text = piece * (3 * LONGEST // len(piece)) + end
    step *= 997
    pieces = blocks(text, list(range(step, len(text), step)))
    assert pieces == blocks(text)
    assert "".join(block.text for block in pieces) == text
    assert max(len(block.text) for block in pieces) <= 2 * LONGEST


def test_code_flows_line_by_line():
    stream = BlockStream()
    assert [b.first for b in stream.feed("1. so:\n   ~~~~python x\n")] == [True, True]
    (line,) = stream.feed("     a = 1\n   ~~")
    assert (line.kind, line.content, line.language, line.first, line.last) == (
        "code",
        "  a = 1\n",
        "python",
        False,
        False,
    )
    assert stream.tail == "   ~~"
    (line,) = stream.feed("~\n")
    assert line.content == "~~~\n"
    (line,) = stream.close()
    assert (line.text, line.content, line.last) == ("", "", True)


def test_code_keeps_its_tabs_and_blank_lines():
    content = "all:\n\tcc -o x\n\n\n\ttrue  \n"
    assert "".join(b.content for b in blocks(f"```make\n{content}```\n")) == content


def test_numbers_are_as_written_and_equal_ones_count_up():
    def marks(text: str) -> list[str]:
        return [b.containers[-1].marker for b in blocks(text) if b.containers and b.containers[-1].opens]

    assert marks("9. a\n10. b\n11) c\n") == ["9.", "10.", "11)"]
    assert marks("1. a\n1. b\n1. c\n\ntext\n\n1. d\n") == ["1.", "2.", "3.", "1."]
    assert marks("3. a\n2. b\n1. c\n") == ["3.", "2.", "1."]
    assert marks("1. a\n   1. x\n   1. y\n1. b\n   1. z\n") == ["1.", "1.", "2.", "2.", "1."]
    assert marks("- \n-\n- c\n") == ["-", "-", "-"]


def test_mathematics_is_one_block_and_money_is_not():
    assert [b.kind for b in blocks("$$\n- x\n= y\n$$\n\\[\n# 1\n\\]\n") if b.first] == ["math", "math"]
    assert [b.kind for b in blocks("$$ a $$ is inside\n") if b.first] == ["paragraph"]
    assert [b.kind for b in blocks("$$ never closed\n\n# next\n") if b.first] == ["math", "heading"]


def test_a_table_needs_its_delimiter_row():
    assert [b.kind for b in blocks("a | b\nc | d\n")] == ["paragraph"]
    assert [b.kind for b in blocks("text\na | b\n-|-\nc | d\n\nend")] == ["paragraph", "table", "paragraph"]
    assert [b.kind for b in blocks("a | b\n-|-|-\n")] == ["paragraph"]


def test_the_tail_is_what_is_open_and_short():
    stream = BlockStream()
    stream.feed("done\n\n- item\n  goes")
    assert stream.tail == "- item\n  goes"
    stream.feed(" on\n\n")
    assert stream.tail == ""
    for _ in range(3000):
        stream.feed("long ")
        assert len(stream.tail) <= TAIL
    assert stream.tail == ("long " * 1000)[-TAIL:]


@pytest.mark.parametrize(
    "piece",
    [
        "word ",
        "x",
        "> ",
        "- ",
        "`",
        "* a\n",
        "> > a\n",
        "```\n",
        "|a|b|\n|-|-|\n",
        "\n",
        "    x\n",
        "1.\n",
        "$$\n",
        "<b>\n",
        "\t",
    ],
)
def test_time_is_linear(piece):
    """A quadratic walk over a megabyte would take minutes."""
    start = time.process_time()
    stream = BlockStream()
    size = 0
    for _ in range(300_000 // len(piece)):
        size += sum(len(block.text) for block in stream.feed(piece))
    size += sum(len(block.text) for block in stream.close())
    assert size == 300_000 // len(piece) * len(piece)
    assert time.process_time() - start < 20


def test_a_very_long_line_is_not_cut_inside_a_grapheme():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    pieces = blocks(family * 4000)
    assert len(pieces) > 2
    assert {len(piece.text) % len(family) for piece in pieces} == {0}
