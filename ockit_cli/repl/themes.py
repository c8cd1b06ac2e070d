"""The looks of the chat: one Theme names every style that the input and the rendered answer use.

Knows styles as words, in prompt_toolkit's notation for the input and in rich's for the answer; knows neither
library, no terminal and no colour support. A theme without colour uses bold, dim, italic, underline and reverse only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ockit.errors import UsageError

NAMES = ("ansi", "dark", "light", "mono")


@dataclass(frozen=True)
class Theme:
    """Styles of one look. All but `prompt_toolkit` and `code_style` are style strings of rich."""

    name: str
    colour: bool
    """Whether any style has a colour."""
    prompt_toolkit: Mapping[str, str]
    """Class name to style, for ``prompt_toolkit.styles.Style.from_dict``; it goes over the library's own styles."""
    code_style: str
    """How code is coloured: a style of pygments, or ``ansi_light``, which rich's Syntax knows."""
    heading: str
    """Headings below the first two levels."""
    title: str
    """Headings of the first two levels."""
    strong: str
    emphasis: str
    strike: str
    code: str
    """Code inside a line."""
    code_block: str
    """Code of a language that nobody colours."""
    quote: str
    link: str
    bullet: str
    """The mark or number of a list's entry."""
    rule: str
    table_border: str
    table_header: str
    notice: str
    error: str
    dim: str
    """What matters less: times, counts, the model's name."""


def theme(name: str, colour: bool) -> Theme:
    """The theme of that name; without `colour` it is ``mono`` whatever its name. Raises UsageError."""
    if name not in NAMES:
        raise UsageError(f"there is no theme {name!r}", hint=f"the themes are: {', '.join(NAMES)}")
    return _MADE[name]() if colour else _mono()


def _input(
    accent: str, bar: str, menu: tuple[str, str, str, str], found: tuple[str, str], quiet: str
) -> Mapping[str, str]:
    """Styles of the input. `menu`: entry, chosen entry, and the same of its remark; `found`: other hits, this hit."""
    entry, chosen, remark, chosen_remark = menu
    return MappingProxyType(
        {
            "prompt": f"{accent} bold",
            "continuation": quiet,
            "placeholder": quiet,
            "auto-suggestion": f"noinherit {quiet}",
            "tail": "",
            "status": quiet,
            "status.busy": accent,
            "notice": quiet,
            "banner": "bold reverse",
            "error": "bold",
            "bottom-toolbar": f"noinherit {bar}",
            "bottom-toolbar.text": "",
            "bottom-toolbar.model": "bold",
            "bottom-toolbar.warning": "bold underline",
            "completion-menu": f"noinherit {entry}",
            "completion-menu.completion": f"noinherit {entry}",
            "completion-menu.completion.current": f"noinherit {chosen}",
            "completion-menu.meta.completion": f"noinherit {remark}",
            "completion-menu.meta.completion.current": f"noinherit {chosen_remark}",
            "completion-menu.multi-column-meta": f"noinherit {remark}",
            "scrollbar.background": f"noinherit {entry}",
            "scrollbar.button": "noinherit reverse",
            "selected": "reverse",
            "search": f"noinherit {found[0]}",
            "search.current": f"noinherit {found[1]}",
            "incsearch": f"noinherit {found[0]}",
            "incsearch.current": f"noinherit {found[1]}",
            "search-toolbar": "bold",
            "search-toolbar.text": "nobold",
            "control-character": f"noinherit {accent}",
            "matching-bracket.other": "noinherit bold",
            "matching-bracket.cursor": "noinherit bold",
            "nbsp": "noinherit underline",
            "trailing-whitespace": "noinherit",
            "tab": "noinherit",
            "window-too-small": "noinherit reverse",
        }
    )


def _ansi() -> Theme:
    """The terminal's own sixteen colours, and of them those that are seen on dark and on light."""
    return Theme(
        name="ansi",
        colour=True,
        prompt_toolkit=_input(
            "ansicyan",
            "reverse",
            (
                "ansiblack bg:ansigray",
                "ansiwhite bg:ansiblue bold",
                "ansiblack bg:ansicyan",
                "ansiwhite bg:ansiblue",
            ),
            ("ansiblack bg:ansiyellow", "ansiblack bg:ansigreen bold"),
            "dim",
        ),
        code_style="ansi_light",
        heading="bold cyan",
        title="bold magenta",
        strong="bold",
        emphasis="italic",
        strike="strike",
        code="cyan",
        code_block="default",
        quote="dim italic",
        link="underline cyan",
        bullet="magenta",
        rule="dim",
        table_border="dim",
        table_header="bold",
        notice="dim",
        error="bold red",
        dim="dim",
    )


def _dark() -> Theme:
    return Theme(
        name="dark",
        colour=True,
        prompt_toolkit=_input(
            "#7dcfff",
            "#c8ccd8 bg:#2a2f3d",
            ("#d0d4e0 bg:#2a2f3d", "#ffffff bg:#3d59a1 bold", "#a0a8c0 bg:#23283a", "#e0e4f0 bg:#3d59a1"),
            ("#101010 bg:#c0a860", "#101010 bg:#ffd75f bold"),
            "#9098a8",
        ),
        code_style="github-dark",
        heading="bold #7dcfff",
        title="bold #bb9af7",
        strong="bold",
        emphasis="italic",
        strike="strike",
        code="#e0af68",
        code_block="#c8ccd8",
        quote="italic #9098a8",
        link="underline #7aa2f7",
        bullet="#bb9af7",
        rule="#9098a8",
        table_border="#9098a8",
        table_header="bold #7dcfff",
        notice="#9098a8",
        error="bold #f7768e",
        dim="#9098a8",
    )


def _light() -> Theme:
    return Theme(
        name="light",
        colour=True,
        prompt_toolkit=_input(
            "#005f87",
            "#303030 bg:#d8dce4",
            ("#202020 bg:#e4e7ee", "#ffffff bg:#2c5aa0 bold", "#404040 bg:#d8dce4", "#ffffff bg:#2c5aa0"),
            ("#101010 bg:#ffe08a", "#101010 bg:#ffb347 bold"),
            "#606468",
        ),
        code_style="xcode",
        heading="bold #005f87",
        title="bold #6f2da8",
        strong="bold",
        emphasis="italic",
        strike="strike",
        code="#8a3c00",
        code_block="#303030",
        quote="italic #606468",
        link="underline #0b57d0",
        bullet="#6f2da8",
        rule="#606468",
        table_border="#606468",
        table_header="bold #005f87",
        notice="#606468",
        error="bold #b00020",
        dim="#606468",
    )


def _mono() -> Theme:
    return Theme(
        name="mono",
        colour=False,
        prompt_toolkit=_input(
            "bold", "reverse", ("reverse", "bold", "reverse", "bold"), ("underline", "reverse"), "dim"
        ),
        code_style="bw",
        heading="bold",
        title="bold underline",
        strong="bold",
        emphasis="italic",
        strike="strike",
        code="bold",
        code_block="default",
        quote="italic",
        link="underline",
        bullet="bold",
        rule="dim",
        table_border="dim",
        table_header="bold",
        notice="dim",
        error="bold",
        dim="dim",
    )


_MADE = {"ansi": _ansi, "dark": _dark, "light": _light, "mono": _mono}
