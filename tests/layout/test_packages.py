"""The package list, the folders on the disk, the table in CONTRIBUTING.md and the wheel are one and the same."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from layout.tree import ROOT, SCRIPTS, modules, package_dir, pyproject, tracked


def test_the_package_list_is_the_disk():
    listed = pyproject()["tool"]["setuptools"]["packages"]
    on_disk = {module.name for module in modules() if module.path.name == "__init__.py"}
    holding_modules = {
        module.name if module.path.name == "__init__.py" else module.name.rpartition(".")[0]
        for module in modules()
    }
    assert sorted(set(listed)) == listed
    assert set(listed) == on_disk == holding_modules


def test_only_ockit_is_installed():
    assert "ockit" in package_dir()
    assert [name for name in package_dir() if name.split(".")[0] != "ockit"] == []


def test_every_package_folder_is_mapped():
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders == {folder for folder in package_dir().values() if "/" not in folder}


def test_contributing_names_every_folder():
    table = re.findall(r"^\| `(\w+)/` \| `(ockit[.\w]*)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    assert {name: folder for folder, name in table} == package_dir()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this tree, built in a copy (a build leaves files behind), offline."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    for folder in package_dir().values():
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-P", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    done = subprocess.run(
        [*build, "--wheel-dir", "dist"], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = (copy / "dist").glob("ockit-*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel):
    expected = set()
    for name, folder in package_dir().items():
        for path in tracked():
            if path.is_relative_to(ROOT / folder) and not for_the_repository(path):
                expected.add("/".join([*name.split("."), *path.relative_to(ROOT / folder).parts]))
    held = {name for name in wheel.namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert held == expected


def for_the_repository(path):
    return path.name == "README.md" or any(path.is_relative_to(ROOT / folder) for folder in SCRIPTS)


def test_the_wheel_installs_one_top_level_name_and_one_command(wheel):
    read = {name.split("/")[-1]: name for name in wheel.namelist() if ".dist-info/" in name}
    assert wheel.read(read["top_level.txt"]).decode().split() == ["ockit"]
    assert wheel.read(read["entry_points.txt"]).decode() == "[console_scripts]\nockit = ockit.__main__:main\n"
    metadata = wheel.read(read["METADATA"]).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
