"""Ollama's model store: manifests name layers, layers are blobs named by their sha256.

    manifests/registry.ollama.ai/library/llama3.2/3b      JSON: {"layers": [{"mediaType", "digest", "size"}]}
    blobs/sha256-<hex>                                    the GGUF file, without an ending

Newer versions write ``manifests-v2`` as well, whose files are links to blobs. Nothing here reads a blob.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

MAX_MANIFEST = 1 << 20
DEFAULT_REGISTRIES = ("registry.ollama.ai", "ollama.com")

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
# a projector is found too, so that it can be named as what it is
_MODEL_LAYERS = ("application/vnd.ollama.image.model", "application/vnd.ollama.image.projector")


class Manifests:
    """The manifests of one store."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def directories(self) -> Iterator[Path]:
        """Where manifests lie."""
        for name in ("manifests", "manifests-v2"):
            if (self._root / name).is_dir():
                yield self._root / name

    def models(self, path: Path, problems: list[str]) -> Iterator[tuple[str, Path]]:
        """The models of one manifest: Ollama's name and the blob. What is wrong is added to the problems."""
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._root)):
            problems.append(f"{path}: a link that leads out of {self._root}")
            return
        try:
            with open(path, "rb") as file:
                manifest = json.loads(file.read(MAX_MANIFEST))
            layers = manifest["layers"]
            chosen = [layer["digest"] for layer in layers if layer["mediaType"] in _MODEL_LAYERS]
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
            return
        except (ValueError, KeyError, TypeError, RecursionError):
            problems.append(f"{path}: not a manifest of Ollama")
            return
        for digest in chosen:
            match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
            if match is None:
                problems.append(f"{path}: {digest!r:.80} is not a digest")
                continue
            yield _name(path), self._root / "blobs" / f"sha256-{match[1]}"


def _name(path: Path) -> str:
    """``llama3.2:3b`` from ``registry.ollama.ai/library/llama3.2/3b``."""
    registry, namespace, model, tag = ("", "", "", *path.parts)[-4:]
    if registry not in DEFAULT_REGISTRIES:
        return f"{registry}/{namespace}/{model}:{tag}"
    return f"{model}:{tag}" if namespace == "library" else f"{namespace}/{model}:{tag}"
