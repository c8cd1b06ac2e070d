"""Imports look down only; two parts at one height never import each other."""

from __future__ import annotations

import pytest

from layout.tree import Module, modules, ranks

PACKAGE = {"ockit": 0.5}  # ockit/__init__.py has the version to show, and everything imports it first


def violations(found: list[Module], heights: dict[str, float]) -> list[str]:
    wrong = []
    for module in found:
        for line, name in module.imports():
            names = name.split(".")
            if names[0] != "ockit":
                continue
            if module.part not in heights:
                wrong.append(f"{module.path}: the layer table does not know {module.part}")
                break
            # `from ockit import __version__` names the package, `from ockit import errors` the module
            part = names[1] if len(names) > 1 and names[1] in heights else "ockit"
            if part != module.part and heights[part] >= heights[module.part]:
                wrong.append(f"{module.path}:{line}: {module.part} imports {name}")
    return wrong


def test_imports_look_down():
    assert violations(modules(), ranks() | PACKAGE) == []


def test_the_table_names_every_part_and_no_other():
    assert {module.part for module in modules()} - {"ockit"} == set(ranks())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("low", "import ockit.high"),
        ("low", "from ockit import high"),
        ("low", "from ockit.high.inner import thing"),
        ("low", "def f():\n    from ockit.high import thing"),
        ("low", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ockit.high import thing"),
        ("low", "from .high import thing"),
        ("low", "from . import high"),
        ("low", "from ockit.beside import thing"),
        ("middle", "from ockit.high import thing"),
    ],
)
def test_every_way_up_is_seen(tmp_path, name, text):
    (tmp_path / f"{name}.py").write_text(text)
    heights = ranks("0 low beside < middle\n1 high") | PACKAGE
    assert len(violations(modules({"ockit": "."}, tmp_path), heights)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "from ockit import low",
        "import ockit.middle.inner",
        "from .low import x",
        "from ockit import __version__",
    ],
)
def test_the_way_down_is_free(tmp_path, text):
    (tmp_path / "high.py").write_text(text)
    heights = ranks("0 low beside < middle\n1 high") | PACKAGE
    assert violations(modules({"ockit": "."}, tmp_path), heights) == []
