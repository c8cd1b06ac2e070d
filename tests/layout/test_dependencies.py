"""What the code imports is declared; what is declared is pinned; the pins are the closure that is installed."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from layout.tree import ROOT, modules, pyproject

# A CUDA build of torch pins its own, each to its release; pip is whichever one installs.
NOT_OURS = ("nvidia-", "cuda-", "triton", "pip")


@cache
def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    names = [canonicalize_name(pin.name) for pin in found]
    assert names == sorted(set(names)), "constraints.txt is sorted and names nothing twice"
    return dict(zip(names, found, strict=True))


def declared(extra: str | None = None) -> list[Requirement]:
    project = pyproject()["project"]
    lines = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def test_every_pin_is_one_public_version():
    for name, pin in pins().items():
        (exact,) = pin.specifier
        assert exact.operator == "==", name
        assert "+" not in exact.version, f"{name}: a local version exists on one machine only"
        assert "*" not in exact.version, name
        assert pin.url is None, name


def test_every_dependency_has_a_floor_that_its_pin_satisfies():
    extras = pyproject()["project"]["optional-dependencies"]
    for requirement in [*declared(), *(line for extra in extras for line in declared(extra))]:
        assert any(part.operator in (">=", "==") for part in requirement.specifier), requirement
        (exact,) = pins()[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(exact.version), (requirement, exact.version)


def test_the_floors_of_security():
    floors = {canonicalize_name(line.name): str(line.specifier) for line in declared()}
    assert floors["torch"] == ">=2.10"
    assert floors["transformers"] == ">=5.3"
    assert floors["jinja2"] == ">=3.1.6"


def test_the_pins_hold_the_whole_closure():
    """Walks the metadata of what is installed, from the core and `dev`, and finds each distribution pinned."""
    waiting = [*declared(), *declared("dev")]
    seen: set[tuple[str, frozenset[str]]] = set()
    missing = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen or name.startswith(NOT_OURS):
            continue
        seen.add(key)
        try:
            needs = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:
            missing.add(f"{name} is not installed: pip install -c constraints.txt -e '.[dev]'")
            continue
        if name not in pins():
            missing.add(f"{name} is not in constraints.txt")
        for need in needs:
            extras = requirement.extras or {""}
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(need)
    assert missing == set()


def test_what_the_packages_import_is_declared():
    core = {canonicalize_name(line.name) for line in declared()}
    extras = {
        canonicalize_name(line.name) for extra in ("qlora", "gptq", "parquet") for line in declared(extra)
    }
    owners = packages_distributions()
    wrong = []
    for module in modules():
        for line, name in module.imports():
            top = name.split(".")[0]
            if top == "ockit" or top in sys.stdlib_module_names or top in extras:
                continue
            if not {canonicalize_name(owner) for owner in owners.get(top, [])} & core:
                wrong.append(f"{module.path}:{line}: {name}")
    assert wrong == []
