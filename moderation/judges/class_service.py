"""Text classifiers of transformers as a worker's service. Runs in a child of its own, which alone imports torch.

The directory was checked before (`ockit.engines.model_directory`); nothing is fetched, no code of a model is run, and
only safetensors are read.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ockit.errors import ContextOverflow, ModelFileError, WorkerError

MOST_WINDOWS = 64
"""Of one text; each is read by itself."""
PORTION = 8
"""Windows between two looks at a cancel."""
_LONGEST = 512
_SHORTEST = 8  # tokens of a window


class ClassService:
    """Hosts one classifier."""

    def __init__(self) -> None:
        self._model: Any = None
        self._tokenizer: Any = None
        self._length = 0
        self._several = False
        self._cancelled = False

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        """Run one call: ``load`` (``path``) gives ``labels`` and ``several`` (whether each class is a question of its
        own); ``classify`` (``text``) gives ``rows``, one list of probabilities a window, or None where cancelled."""
        if method == "load":
            return self._load(params["path"])
        if self._model is None:
            raise WorkerError(f"{method!r} was called before a model was loaded")
        if method != "classify":
            raise WorkerError(f"the classifier has no call {method!r}")
        windows = self._windows(params["text"])
        rows: list[list[float]] = []
        for first in range(0, len(windows), PORTION):
            if self._cancelled:
                return None
            rows += self._probabilities(windows[first : first + PORTION])
            yield {"done": len(rows)}
        return {"rows": rows}

    def arm(self) -> None:
        """The next cancel means the call that has come in."""
        self._cancelled = False

    def cancel(self) -> None:
        """Stop after the windows that are being computed."""
        self._cancelled = True

    def _load(self, path: str) -> dict[str, Any]:
        import torch
        import transformers

        torch.set_grad_enabled(False)
        offline = {"local_files_only": True, "trust_remote_code": False}
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(path, **offline)
            self._model, said = transformers.AutoModelForSequenceClassification.from_pretrained(
                path, use_safetensors=True, output_loading_info=True, **offline
            )
        except MemoryError:
            raise
        except Exception as error:  # the libraries raise whatever their parts raise
            raise ModelFileError(
                f"transformers cannot load it: {type(error).__name__}: {str(error)[:300]}",
                where=path,
                hint="the files may be damaged, of a newer kind, or no text classifier",
            ) from error
        if missing := [str(name) for name in said["missing_keys"]]:  # else they would be random numbers
            raise ModelFileError(
                f"the file has no weights for {missing[0]}"
                + (f" and {len(missing) - 1} more" * (len(missing) > 1)),
                where=path,
                hint="this is no trained text classifier",
            )
        if not self._tokenizer.is_fast:  # the slow ones know no windows
            raise ModelFileError("it has no tokenizer.json", where=path, hint="use a model that has one")
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._model.eval()
        if torch.cuda.is_available():
            self._model.to("cuda")
        config = self._model.config
        self._length = _window(self._tokenizer.model_max_length, config)
        self._several = config.problem_type == "multi_label_classification" or config.num_labels == 1
        labels = [str(config.id2label[number]) for number in range(config.num_labels)]
        return {"labels": labels, "several": self._several}

    def _windows(self, text: str) -> list[dict[str, list[int]]]:
        """The text as the model reads it, with the model's own markers, in windows that overlap by an eighth."""
        coded = self._tokenizer(
            text.encode("utf-8", "replace").decode(),
            max_length=self._length,
            stride=self._length // 8,
            truncation=True,
            return_overflowing_tokens=True,
            split_special_tokens=True,  # a marker that the text itself spells is ordinary characters
        )
        n = len(coded["input_ids"])
        if n > MOST_WINDOWS:
            raise ContextOverflow(
                f"the text makes {n} windows of {self._length} tokens; the classifier reads {MOST_WINDOWS} at most",
                hint="the embedded back end reads texts of any length",
            )
        names = [name for name in self._tokenizer.model_input_names if name in coded]
        return [{name: coded[name][row] for name in names} for row in range(n)]

    def _probabilities(self, windows: list[dict[str, list[int]]]) -> list[list[float]]:
        import torch

        batch = self._tokenizer.pad(windows, return_tensors="pt").to(self._model.device)
        logits = self._model(**batch).logits.float()
        found = torch.sigmoid(logits) if self._several else torch.softmax(logits, dim=-1)
        return [[float(value) for value in row] for row in found]


def _window(of_tokenizer: int, config: Any) -> int:
    """Tokens that the model reads at once, its own markers included, at most `_LONGEST`."""
    places = getattr(config, "max_position_embeddings", None)
    if places and config.model_type in ("roberta", "xlm-roberta", "camembert"):
        places -= 2  # the first two are padding's
    return min(n for n in (of_tokenizer, places, _LONGEST) if n and n >= _SHORTEST)
