"""Models of sentence-transformers as a worker's services: embedders, and cross-encoders that rerank.

The directory was checked before (`ockit.engines.model_directory`); nothing is fetched and no code of a model is run.
Frames are those of `ockit.engines.embedding_service`.
"""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ockit.engines.model_directory import identity_of
from ockit.errors import ModelFileError, WorkerError
from ockit.protocols import EmbedderInfo

PORTION = 64
"""Texts between two looks at a cancel."""

_ROLES = {"query": ("query",), "passage": ("document", "passage")}


class _TorchService:
    """What both have in common."""

    def __init__(self) -> None:
        self._model: Any = None
        self._cancelled = False

    def arm(self) -> None:
        """The next cancel means the call that has come in."""
        self._cancelled = False

    def cancel(self) -> None:
        """Stop after the portion that is being computed."""
        self._cancelled = True

    def _loaded(self, kind: str, path: str) -> Any:
        import sentence_transformers
        import torch

        torch.set_grad_enabled(False)
        try:
            return getattr(sentence_transformers, kind)(
                path,
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
        except MemoryError:
            raise
        except Exception as error:  # the libraries raise whatever their parts raise
            raise ModelFileError(
                f"sentence-transformers cannot load it: {type(error).__name__}: {str(error)[:300]}",
                where=path,
                hint="the files may be damaged or of a newer kind",
            ) from error


class SentenceService(_TorchService):
    """Hosts one embedder."""

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        """Run one call: ``load`` (``name``, ``path``) gives an `EmbedderInfo`, ``embed`` (``texts``, ``role``)
        frames."""
        if method == "load":
            path = params["path"]
            self._model = self._loaded("SentenceTransformer", path)
            return asdict(self._described(params["name"], path))
        if self._model is None:
            raise WorkerError(f"{method!r} was called before a model was loaded")
        if method != "embed":
            raise WorkerError(f"the embedder has no call {method!r}")
        texts, prefix = params["texts"], _prefix(self._model, params["role"])
        order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
        for first in range(0, len(order), PORTION):
            if self._cancelled:
                break
            rows = order[first : first + PORTION]
            portion = [texts[row].encode("utf-8", "replace").decode() for row in rows]
            vectors = self._model.encode(
                portion, prompt=prefix, normalize_embeddings=True, show_progress_bar=False
            )
            yield {"rows": rows, "vectors": base64.b64encode(vectors.astype("<f4").tobytes()).decode()}
        return {"cancelled": self._cancelled}

    def _described(self, name: str, path: str) -> EmbedderInfo:
        pooling = next(
            (module.pooling_mode for module in self._model if hasattr(module, "pooling_mode")), None
        )
        limit = self._model.max_seq_length
        return EmbedderInfo(
            name,
            identity_of(Path(path)),
            len(self._model.encode(["ockit"], show_progress_bar=False)[0]),
            str(pooling or "its own"),
            int(limit) if limit else 512,
            _prefix(self._model, "query"),
            _prefix(self._model, "passage"),
        )


class RerankService(_TorchService):
    """Hosts one cross-encoder that gives one number for a question and a passage."""

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        """Run one call: ``load`` (``path``), then ``score`` (``query``, ``texts``): frames with ``scores``."""
        if method == "load":
            self._model = self._loaded("CrossEncoder", params["path"])
            if self._model.num_labels != 1:
                raise ModelFileError(
                    f"it tells {self._model.num_labels} classes apart; a reranker gives one score",
                    where=params["path"],
                    hint="--rerank takes a cross-encoder for passages, such as ms-marco-MiniLM-L-6-v2",
                )
            return None
        if self._model is None:
            raise WorkerError(f"{method!r} was called before a model was loaded")
        if method != "score":
            raise WorkerError(f"the reranker has no call {method!r}")
        from torch.nn import Sigmoid

        query, texts = (_clean(params["query"]), [_clean(text) for text in params["texts"]])
        for first in range(0, len(texts), PORTION):
            if self._cancelled:
                break
            pairs = [(query, text) for text in texts[first : first + PORTION]]
            found = self._model.predict(pairs, activation_fn=Sigmoid(), show_progress_bar=False)
            yield {"scores": [float(score) for score in found]}
        return {"cancelled": self._cancelled}


def _clean(text: str) -> str:
    """Without lone surrogates, which the tokenizers refuse."""
    return text.encode("utf-8", "replace").decode()


def _prefix(model: Any, role: str) -> str:
    prompts = model.prompts or {}
    return next((str(prompts[key]) for key in _ROLES[role] if prompts.get(key)), "")
