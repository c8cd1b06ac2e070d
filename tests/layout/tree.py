"""The source tree as the layout tests see it: read from the project files and the code itself."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = (Path("moderation/making"),)
"""Folders inside a package's that are none themselves: scripts, run from the repository and not installed."""


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def package_dir() -> dict[str, str]:
    """Import name to folder, as setuptools has it."""
    return pyproject()["tool"]["setuptools"]["package-dir"]


@dataclass(frozen=True)
class Module:
    """One file of the packages, by the name it is imported under."""

    name: str
    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def syntax(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def part(self) -> str:
        """What the layer table calls it: the first name below ``ockit``; ``ockit`` itself for the package."""
        names = self.name.split(".")
        return names[1] if len(names) > 1 else names[0]

    def imports(self, statements: ast.AST | None = None) -> Iterator[tuple[int, str]]:
        """Line and absolute dotted name of everything imported anywhere in it; of ``from a import b``: ``a.b``."""
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        for node in ast.walk(statements or self.syntax):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    above = package.split(".")[: len(package.split(".")) - node.level + 1]
                    base = ".".join([*above, base] if base else above)
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def modules(folders: dict[str, str] | None = None, root: Path = ROOT) -> list[Module]:
    """Every module of the packages."""
    found = []
    for package, folder in sorted((folders or package_dir()).items()):
        for path in sorted((root / folder).rglob("*.py")):
            if path.parent.relative_to(root) in SCRIPTS:
                continue
            names = [package, *path.relative_to(root / folder).with_suffix("").parts]
            if names[-1] == "__init__":
                names.pop()
            found.append(Module(".".join(names), path))
    return found


def ranks(table: str | None = None) -> dict[str, float]:
    """The height of each part, from the layer table: a step to the right or a line down the page is one higher."""
    if table is None:
        table = marked_block(ROOT / "CONTRIBUTING.md", "layers")
    heights: dict[str, float] = {}
    step = 0
    for line in table.strip().splitlines():
        for names in re.sub(r"^\S+", "", line).split("<"):
            for name in names.split():
                if name in heights:
                    raise ValueError(f"{name} stands twice in the layer table")
                heights[name] = step
            step += 1
    return heights


def marked_block(path: Path, marker: str) -> str:
    """The text of the fenced block that follows the line ``<!-- marker -->``."""
    found = re.search(
        rf"^<!-- {marker} -->\n+```\w*\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S
    )
    if found is None:
        raise ValueError(f"{path.name} has no block after <!-- {marker} -->")
    return found[1]


def tracked() -> list[Path]:
    """Every file of the repository, new ones included, ignored ones not."""
    import subprocess

    command = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
