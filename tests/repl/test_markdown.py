"""Rendered Markdown: the looks, the width, every word, and nothing but our own SGR sequences."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ground.hostile import HOSTILE, unsafe
from ockit.repl.blocks import BlockStream
from ockit.repl.markdown import MarkdownRenderer
from ockit.repl.themes import NAMES, theme
from ockit.text import sanitize, sanitize_styled, width

SGR = re.compile("\x1b\\[[0-9;]*m")
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


def render(text: str, columns: int = 80, name: str = "ansi", *, colour: bool = True, step: int = 0) -> str:
    """The answer, fed whole or in steps of so many characters."""
    renderer = MarkdownRenderer(columns, theme(name, colour), colour)
    stream = BlockStream()
    out = []
    for at in range(0, len(text), step or max(1, len(text))):
        out += map(renderer.render, stream.feed(text[at : at + (step or len(text))]))
    return "".join([*out, *map(renderer.render, stream.close())])


def plain(text: str, columns: int = 80) -> str:
    return SGR.sub("", render(text, columns))


WORD = st.text("abcdefgxyz0123456789", min_size=1, max_size=9)
INLINE = st.one_of(
    WORD,
    WORD.map("*{}*".format),
    WORD.map("**{}**".format),
    WORD.map("~~{}~~".format),
    WORD.map("`{}`".format),
    st.tuples(WORD, WORD).map("[{0[0]}](http://{0[1]})".format),
    st.tuples(WORD, WORD, WORD).map('![{0[0]}]({0[1]} "{0[2]}")'.format),
    WORD.map("<{}>".format),
    WORD.map("</{}".format),
    WORD.map("<http://{}>".format),
    WORD.map(":{}:".format),
    WORD.map("[bold]{}".format),
    WORD.map("\\({}\\)".format),
    WORD.map("$${}$$".format),
    WORD.map("$ {}".format),
    st.sampled_from(
        ["*", "_", "`", "[", "](", "|", "\\", "~~", "你好", FAMILY, "e\u0301", "1.", "-", "#", ">", "<"]
    ),
)
TEXT = st.lists(INLINE, min_size=1, max_size=8).map(" ".join)
LINE = st.tuples(
    st.sampled_from(
        [
            "",
            "",
            "",
            "# ",
            "### ",
            "- ",
            "* ",
            "1. ",
            "23) ",
            "> ",
            "> - ",
            "  - ",
            "     ",
            "    ",
            "$$ ",
            "<div> ",
            "[x]: ",
        ]
    ),
    TEXT,
).map("".join)
ROW = st.lists(WORD, min_size=1, max_size=5).map(lambda cells: f"| {' | '.join(cells)} |")
TABLE = st.tuples(WORD, WORD, st.lists(ROW, max_size=3)).map(
    lambda made: "\n".join([f"| {made[0]} | {made[1]} |", "|---|:-:|", *made[2]])
)
CODE = st.tuples(
    st.sampled_from(["```\n", "```python\n", "~~~js\n", "   ```html\n", "- ```\n"]),
    st.lists(TEXT, max_size=4),
).map(lambda made: made[0] + "\n".join(made[1]) + "\n" + made[0].strip(" -\n")[:3])
MARKDOWN = st.lists(st.one_of(LINE, LINE, TABLE, CODE, st.just("")), max_size=10).map("\n".join)


def words(text: str) -> set[str]:
    return set(re.findall("[a-z0-9]+", text))


@settings(max_examples=300, deadline=None)
@given(MARKDOWN, st.booleans())
def test_every_word_of_the_source_is_shown(text, colour):
    shown = SGR.sub("", render(text, 10_000, colour=colour))
    languages = {"python", "js", "html"}  # a fence's language is told by the colours
    assert {word for word in words(text) if word not in shown} <= languages
    if not colour:  # and as often as it is written; but digits, since lists count up
        letters = re.compile("[a-z你好]")
        assert Counter(letters.findall(text)) <= Counter(letters.findall(shown))


@settings(max_examples=300, deadline=None)
@given(MARKDOWN, st.integers(1, 60), st.sampled_from(NAMES), st.booleans())
def test_no_line_is_wider_than_the_terminal_but_code(text, columns, name, colour):
    assume("```" not in text and "~~~" not in text and "    " not in text)
    assume(columns > 1 or text.isascii())  # a wide character does not fit into one column
    for line in SGR.sub("", render(text, columns, name, colour=colour)).split("\n"):
        assert width(line) <= columns
        assert line == line.rstrip(" ")


@settings(max_examples=100, deadline=None)
@given(MARKDOWN, st.integers(1, 100), st.integers(1, 20))
def test_however_it_streams_it_looks_the_same(text, columns, step):
    assert render(text, columns, step=step) == render(text, columns)


@settings(max_examples=100, deadline=None)
@given(MARKDOWN, st.integers(1, 60))
def test_all_at_once_shows_the_same_lines(text, columns):
    renderer = MarkdownRenderer(columns, theme("ansi", True))
    stream = BlockStream()
    whole = renderer.render_all([*stream.feed(text), *stream.close()])
    assert SGR.sub("", whole) == plain(text, columns)


PLACES = ["{}", "# {}", "- {}", "> {}", "`{}`", "**{}**", "```\n{}\n```", "```python\n# {}\n```", "```{}\nx\n```",
          "[{}](http://x)", "[x](http://{})", '[x](y "{}")', "![{}]({})", "| {} | b |\n|-|-|\n| c | {} |", "<b>{}</b>",
          "<div>\n{}\n</div>", "$$\n{}\n$$", "    {}", "[x]: {}", "<http://{}>", "{}\n==="]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_comes_out_but_our_own_sequences(name):
    for place in PLACES:
        text = place.replace("{}", f"a{HOSTILE[name]}b")
        for columns in (80, 3):
            shown = SGR.sub("", render(text, columns)).replace("\u2764\ufe0f", "")
            assert unsafe(shown) == []
            assert "\x1b" not in render(text, columns, colour=False)


@pytest.mark.parametrize(
    "entity", ["&#x1b;[2J", "&#27;[2J", "&#x202e;", "&#x9b;2J", "&#x200b;", "&#7;", "&#xe0041;", "&zwj;"]
)
def test_entities_bring_nothing_in(entity):
    for text in (f"a {entity} b", f"[x](http://{entity})", f"| {entity} | b |\n|-|-|", f"# {entity}"):
        assert unsafe(SGR.sub("", render(text))) == []


def test_hostile_styles_are_text():
    assert "\x1b[31m" not in render("red \x1b[31m text", colour=True).replace("\x1b[31mtext", "")
    assert (
        plain("[red]x[/red] :smile: [link=http://y]z[/link]")
        == "[red]x[/red] :smile: [link=http://y]z[/link]\n"
    )


def test_one_empty_line_between_blocks_and_none_between_tight_items():
    text = (
        "\n\n# A\ntext\n\n\n\nmore\n- a\n- b\n\n- c\n  - d\n\n  e\n\n```\nx\n```\nend\n***\n> q\n>\n> r\n\n\n"
    )
    assert plain(text) == (
        f"A\n\ntext\n\nmore\n• a\n• b\n\n• c\n  ◦ d\n\n  e\n\nx\n\nend\n\n{'─' * 40}\n\n│ q\n│\n│ r\n"
    )


def test_lists_keep_their_numbers_and_their_indentation():
    assert (
        plain("9. nine and\n   so on\n10. ten\n    - x\n      1. y\n")
        == "9. nine and\n   so on\n10. ten\n    • x\n      1. y\n"
    )
    assert plain("7. " + "word " * 5, 14) == "7. word word\n   word word\n   word\n"


def test_code_can_be_copied():
    code = "def f():\n\treturn [\n\n        1,  \n    ]  # " + "x" * 90 + "\n"
    assert plain(f"```python\n{code}```\n", 40) == code
    assert plain(f"```unheard-of\n{code}```\n", 40) == code
    assert plain("1. x:\n   ```\n   a\n\n     b\n   ```\n") == "1. x:\n   a\n\n     b\n"
    assert plain("- ```\n  a\n\n  b\n  ```\n- ```\n") == "• a\n\n  b\n•\n"
    assert "\x1b[4" not in render(f"```python\n{code}```\n", name="dark")  # no background


def test_without_colour_marks_tell_what_styles_would():
    text = "## T\n\nuse `x` and ``a`b`` **now**\n\n```py\nx\n```\n\n    y\n"
    assert render(text, colour=False) == "## T\n\nuse `x` and ``a`b`` now\n\n```py\nx\n```\n\ny\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_theme_renders(name):
    shown = render("# T\n\n**b** `c` [l](u)\n\n> q\n\n```python\ndef f(): return 1\n```\n", name=name)
    assert shown.count("\x1b[") >= 8
    coloured = any(int(code) >= 30 for found in SGR.findall(shown) for code in found[2:-1].split(";") if code)
    assert coloured == (name != "mono")


def test_a_string_of_several_lines_keeps_its_colour():
    lines = render('```python\nx = """one\ntwo\n\ndef three\n"""\ndef four(): pass\n```\n', step=7).split(
        "\n"
    )
    (start,) = set(re.findall("\x1b\\[[0-9;]*m(?=two|def three)", "\n".join(lines)))
    assert start in lines[0]
    assert f"{start}def three\x1b[0m" == lines[3]
    assert f"{start}def" not in lines[5]


@pytest.mark.parametrize("language", ["js", "java", "go", "css", "c", "rust", "sql"])
def test_a_comment_of_several_lines_is_known_before_it_ends(language):
    shown = render(f"```{language}\n/* one\n * class two\n */\n```\n", step=3).split("\n")
    assert shown[1] in ("\x1b[2m * class two\x1b[0m", " \x1b[2m* class two\x1b[0m")


def test_long_code_is_coloured_as_the_whole_is():
    part = 'def name(x):\n    """Doc\n    of two lines."""\n    return [1, "s", x]  # why\n\n'
    code = f"```python\n{part * 60}```\n"
    lines = render(code, step=9).split("\n")
    assert len(lines) == 301
    assert len(set(lines[:300:5])) == 1
    assert len(set(lines[1:300:5])) == 1
    assert len(set(lines[3:300:5])) == 1


def test_a_table_fits():
    text = "| Name | What it is |\n|:--|--:|\n| `a` | x |\n| bc | a long text that goes on |\n"
    assert plain(text) == (
        "Name │               What it is\n"
        "─────┼─────────────────────────\n"
        "a    │                        x\n"
        "bc   │ a long text that goes on\n"
    )
    assert max(map(len, plain(text, 20).split("\n"))) <= 20
    assert plain(text, 11) == "Name: a\nWhat it is:\nx\n\nName: bc\nWhat it is:\na long text\nthat goes\non\n"
    assert plain("| a | b |\n|--|--|\n| 1 | 2 | 3 |\n") == "a │ b │\n──┼───┼──\n1 │ 2 │ 3\n".replace(
        "┼──\n", "┼──\n"
    )


def test_wide_characters_and_long_words_are_broken():
    assert plain("你好世界。好", 8) == "你好世\n界。好\n"
    assert plain(FAMILY * 3, 5) == f"{FAMILY * 2}\n{FAMILY}\n"
    assert plain("see http://example.org/abcdef", 10) == "see\nhttp://exa\nmple.org/a\nbcdef\n"
    assert plain("ne\u0301 " * 4, 5) == "ne\u0301 ne\u0301\nne\u0301 ne\u0301\n"


def test_links_images_and_what_is_not_markdown():
    assert (
        plain("[a *b*](http://x) <http://y> ![pic](p.png) [r][1]")
        == "a b (http://x) http://y pic (p.png) [r][1]\n"
    )
    assert plain("a < b & c > d, 2 * 3 * 4, x_y_z, $a_1*b*c_2$ \\[a*b*c\\] \\* &amp;") == (
        "a < b & c > d, 2 * 3 * 4, x_y_z, $a_1*b*c_2$ \\[a*b*c\\] * &\n"
    )
    assert plain("[你](http://x/你?a=%20)") == "你 (http://x/你?a=%20)\n"


def test_columns_may_change_between_blocks():
    renderer = MarkdownRenderer(20, theme("mono", False), False)
    stream = BlockStream()
    (first,) = stream.feed("word word word word\n\n")
    (second,) = stream.feed("word word word word\n\n")
    assert renderer.render(first) == "word word word word\n"
    renderer.columns = 9
    assert renderer.render(second) == "\nword word\nword word\n"


def test_safe_text_stays_safe_when_it_is_cut():
    text = f"{FAMILY} *{FAMILY}* \u2764\ufe0f"
    assert sanitize(text) == text
    assert plain(text, 4) == f"{FAMILY}\n{FAMILY}\n\u2764\ufe0f\n"


@pytest.mark.parametrize(
    "text",
    ["می\u200cخواهم\u200cکتاب\u200cها", "क्\u200dष and क्\u200cष", f"*{FAMILY}*{FAMILY}", "葛\U000e0100城"],
)
def test_what_scripts_need_is_not_cut_apart(text):
    for columns in range(2, 20):
        shown = render(f"{text}\n\n- **{text}**\n", columns)
        assert sanitize_styled(shown) == shown


def test_warming_up_decides_nothing():
    renderer = MarkdownRenderer(80, theme("dark", True))
    renderer.warm()
    stream = BlockStream()
    text = "# A\n\nb\n"
    assert renderer.render_all([*stream.feed(text), *stream.close()]) == render(text, name="dark")
