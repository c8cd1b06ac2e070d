"""The rules of CONTRIBUTING.md that a program can check."""

from __future__ import annotations

import ast
import re

import pytest

from layout.tree import ROOT, Module, modules, tracked

HEAVY = set(
    "accelerate bitsandbytes faiss gguf gptqmodel huggingface_hub jinja2 jsonschema llama_cpp matplotlib numpy "
    "peft prompt_toolkit psutil rich sentence_transformers torch transformers".split()
)

MACHINE = re.compile(r"(?<![\w.}])/(?:root|work|home/\w+|Users/\w+|tmp/\w+)/[\w.]")
REGISTRY = re.compile(r"\b(?:pypi\.org|pythonhosted\.org|download\.pytorch\.org|registry\.npmjs\.org)\b")


def at_start(node: ast.AST) -> list[ast.stmt]:
    """The import statements that run when a module is imported: everything outside functions and type checks."""
    found: list[ast.stmt] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            found.append(child)
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            found += [inner for part in child.orelse for inner in at_start(part)]
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found += at_start(child)
    return found


def heavy_at_start(module: Module) -> list[str]:
    return [
        f"{module.path}:{line}: {name}"
        for statement in at_start(module.syntax)
        for line, name in module.imports(statement)
        if name.split(".")[0] in HEAVY
    ]


def test_modules_say_what_they_are():
    assert [m.name for m in modules() if len(ast.get_docstring(m.syntax) or "") < 20] == []


def test_modules_have_400_lines_at_most():
    assert [m.name for m in modules() if m.text.count("\n") > 400] == []


def test_modules_are_named_after_their_noun():
    catch_alls = {"utils", "util", "helpers", "misc", "common"}
    assert [m.name for m in modules() if catch_alls & set(m.name.split("."))] == []


def test_what_is_heavy_is_imported_where_it_is_used():
    """The parts of the drawn chat may import its libraries at their top: nothing imports them but in a function."""
    drawn = {m.name for m in modules() if m.name.startswith("ockit.repl.") and heavy_at_start(m)}
    drawn |= {"ockit.repl.streamed"}  # only the screen uses it
    found = [place for m in modules() if m.name not in drawn for place in heavy_at_start(m)]
    found += [
        f"{m.path}:{line}: {name}"
        for m in modules()
        if m.name not in drawn
        for statement in at_start(m.syntax)
        for line, name in m.imports(statement)
        if any(name == part or name.startswith(f"{part}.") for part in drawn)
    ]
    assert found == []


def test_click_and_the_folders_are_never_imported():
    wrong = {"click", "ockit_cli", "index", "moderation", "quantize", "finetune", "plugins", "tests"}
    found = [
        (m.name, line, name) for m in modules() for line, name in m.imports() if name.split(".")[0] in wrong
    ]
    assert found == []


@pytest.mark.parametrize(
    "text", ["import numpy", "if True:\n    import torch.nn", "class A:\n    from rich import b"]
)
def test_a_heavy_import_is_seen(tmp_path, text):
    (tmp_path / "a.py").write_text(text)
    assert len(heavy_at_start(Module("ockit.a", tmp_path / "a.py"))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import numpy",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy",
        "import re",
    ],
)
def test_a_late_import_is_none(tmp_path, text):
    (tmp_path / "a.py").write_text(text)
    assert heavy_at_start(Module("ockit.a", tmp_path / "a.py")) == []


def test_no_file_names_a_machine_or_a_registry():
    """A path of somebody's machine helps nobody else; an install line works with the registry pip is set to."""
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not text
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE.search(line) or REGISTRY.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []
