"""Every theme is understood by both libraries, is readable, and has no colour where none is wanted."""

from __future__ import annotations

from dataclasses import fields

import pytest
from prompt_toolkit.styles import Style as InputStyle
from prompt_toolkit.styles import default_ui_style, merge_styles
from pygments.styles import get_style_by_name
from rich.color import Color, ColorType
from rich.style import Style
from rich.syntax import Syntax

from ockit.errors import UsageError
from ockit.repl.themes import NAMES, Theme, theme
from ockit.settings import KEYS

ANSWER = [
    entry.name
    for entry in fields(Theme)
    if entry.name not in ("name", "colour", "prompt_toolkit", "code_style")
]


def rich_styles(made):
    return {name: Style.parse(getattr(made, name)) for name in ANSWER}


def input_style(made):
    return merge_styles([default_ui_style(), InputStyle.from_dict(dict(made.prompt_toolkit))])


@pytest.mark.parametrize("name", NAMES)
def test_both_libraries_understand_every_style(name):
    made = theme(name, True)
    assert made.name == name
    assert len(rich_styles(made)) > 15
    shown = input_style(made)
    for part in made.prompt_toolkit:
        assert shown.get_attrs_for_style_str(f"class:{part}") is not None
    Syntax.get_theme(made.code_style).get_background_style()
    if made.code_style != "ansi_light":
        get_style_by_name(made.code_style)  # rich takes another in silence where there is none


@pytest.mark.parametrize("made", [theme("mono", True), *(theme(name, False) for name in NAMES)])
def test_without_colour_there_is_none(made):
    assert (made.name, made.colour) == ("mono", False)
    for name, style in rich_styles(made).items():
        assert style.color is None or style.color.is_default, name
        assert style.bgcolor is None, name
    shown = input_style(made)
    for part in made.prompt_toolkit:
        attrs = shown.get_attrs_for_style_str(f"class:{part}")
        assert (attrs.color, attrs.bgcolor) in {("", ""), ("default", "default")}, part
    for _, token in get_style_by_name(made.code_style):
        assert not token["bgcolor"]


def test_ansi_has_the_sixteen_colours_of_the_terminal_only():
    made = theme("ansi", True)
    for name, style in rich_styles(made).items():
        for colour in (style.color, style.bgcolor):
            assert colour is None or colour.type in (ColorType.STANDARD, ColorType.DEFAULT), name
            # white, black and their bright kinds are the background of somebody
            assert colour is None or colour.number not in (0, 7, 8, 15), name
    assert not any("#" in style for style in made.prompt_toolkit.values())


def luminance(colour: str) -> float:
    parts = [part / 255 for part in Color.parse(colour).get_truecolor()]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's contrast ratio; 4.5 is what it asks for text."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("name", "background"), [("dark", "#1e1e1e"), ("light", "#ffffff")])
def test_text_is_readable(name, background):
    made = theme(name, True)
    for part, style in rich_styles(made).items():
        if style.color is not None:
            assert contrast(style.color.get_truecolor().hex, background) >= 4.5, part
    shown = input_style(made)
    for part in made.prompt_toolkit:
        attrs = shown.get_attrs_for_style_str(f"class:{part}")
        if attrs.color not in ("", "default"):
            behind = f"#{attrs.bgcolor}" if attrs.bgcolor not in ("", "default") else background
            assert contrast(f"#{attrs.color}", behind) >= 4.5, part
    for token, style in get_style_by_name(made.code_style):
        if style["color"] and "Whitespace" not in str(token):
            assert contrast(f"#{style['color']}", background) >= 4.5, token


def test_an_unknown_theme_names_those_there_are():
    with pytest.raises(UsageError, match="solarized") as caught:
        theme("solarized", True)
    assert "ansi, dark, light, mono" in caught.value.hint


def test_the_setting_takes_the_themes_there_are():
    assert tuple(KEYS["theme"].metadata["words"]) == NAMES
    assert theme(KEYS["theme"].default, True).name == "ansi"
