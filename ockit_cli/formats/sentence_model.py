"""What the directory of a sentence-transformers model says of itself, from its small files: architecture, vocabulary,
pooling, the length of text it reads. Knows no weights and imports no model library.

The files are those that sentence-transformers writes: ``modules.json``, ``1_Pooling/config.json``,
``sentence_bert_config.json``, and the ``config.json``, ``tokenizer_config.json`` and ``vocab.txt`` of its transformer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ockit.errors import ModelFileError
from ockit.files import read_limited

WEIGHTS = "model.safetensors"
FILES = (
    WEIGHTS,
    "config.json",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "vocab.txt",
)
"""What decides the vectors of a BERT model, below its directory."""

_LARGEST = 16 << 20
_MARKERS = {"cls": "[CLS]", "sep": "[SEP]", "unk": "[UNK]", "pad": "[PAD]", "mask": "[MASK]"}


@dataclass(frozen=True)
class BertFacts:
    """A BERT model that llama.cpp can run as it is.

    Attributes:
        n_layers, n_embd, n_heads, n_ff: its shape: blocks, length of a vector, heads, inner length of a block.
        n_positions: tokens that have a place, at most.
        n_types: rows of the token types' matrix.
        norm_eps: what its layer norms add to a variance.
        pooling: ``mean`` or ``cls``.
        max_tokens: tokens of a text that are read, markers included.
        tokens: the vocabulary in the order of its ids.
        markers: ids of ``cls``, ``sep``, ``unk``, ``pad`` and ``mask``.
    """

    n_layers: int
    n_embd: int
    n_heads: int
    n_ff: int
    n_positions: int
    n_types: int
    norm_eps: float
    pooling: str
    max_tokens: int
    tokens: tuple[str, ...]
    markers: dict[str, int]


def read_bert(directory: Path) -> BertFacts:
    """The facts of a directory.

    Raises:
        NotFound: a file is missing.
        ModelFileError: a file is damaged, or the model is of another kind than llama.cpp runs exactly.
    """
    config = _object(directory / "config.json")
    place = str(directory / "config.json")
    expected = {
        "model_type": ("bert", None),
        "hidden_act": ("gelu", None),
        "position_embedding_type": ("absolute", "absolute"),
    }
    for key, (value, default) in expected.items():
        _must(config.get(key, default) == value, f"{key} is {config.get(key)!r}, not {value!r}", place)
    tokenizer = _object(directory / "tokenizer_config.json")
    lowered = tokenizer.get("do_lower_case") is True and tokenizer.get("tokenize_chinese_chars", True) is True
    stripped = tokenizer.get("strip_accents") in (None, True)
    _must(
        lowered and stripped,
        "its tokenizer keeps case or accents, or does not part Chinese characters",
        str(directory / "tokenizer_config.json"),
    )
    tokens = tuple(
        read_limited(directory / "vocab.txt", _LARGEST).decode("utf-8", "replace").rstrip("\n").split("\n")
    )
    size = _whole(config, "vocab_size", place)
    _must(
        len(tokens) == size, f"{len(tokens)} tokens, but a vocab_size of {size}", str(directory / "vocab.txt")
    )
    ids = {token: number for number, token in enumerate(tokens)}
    markers = {kind: ids.get(_spelling(tokenizer, kind), -1) for kind in _MARKERS}
    missing = [_spelling(tokenizer, kind) for kind, number in markers.items() if number < 0]
    _must(not missing, f"the vocabulary has no {', '.join(missing)}", str(directory / "vocab.txt"))
    pooling, max_tokens = read_limits(directory)
    epsilon = config.get("layer_norm_eps")
    _must(isinstance(epsilon, float) and 0 < epsilon < 1, f"layer_norm_eps is {epsilon!r}", place)
    facts = BertFacts(
        _whole(config, "num_hidden_layers", place),
        _whole(config, "hidden_size", place),
        _whole(config, "num_attention_heads", place),
        _whole(config, "intermediate_size", place),
        _whole(config, "max_position_embeddings", place),
        _whole(config, "type_vocab_size", place),
        float(epsilon or 0),
        pooling,
        max_tokens,
        tokens,
        markers,
    )
    _must(facts.n_embd % facts.n_heads == 0, f"{facts.n_heads} heads do not share {facts.n_embd}", place)
    return facts


def read_limits(directory: Path) -> tuple[str, int]:
    """The pooling, ``mean`` or ``cls``, and how many tokens of a text are read, markers included.

    Raises: as `read_bert`.
    """
    path = directory / "config.json"
    n_positions = _whole(_object(path), "max_position_embeddings", str(path))
    path = directory / "sentence_bert_config.json"
    read = _object(path).get("max_seq_length") or n_positions
    _must(type(read) is int and read > 2, f"max_seq_length is {read!r}", str(path))
    return _pooling(directory), min(read, n_positions)


def _pooling(directory: Path) -> str:
    path = directory / "modules.json"
    modules = _parsed(path)
    kinds = []
    if isinstance(modules, list):
        kinds = [str(module.get("type")).rpartition(".")[2] for module in modules if isinstance(module, dict)]
    _must(
        kinds in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]),
        f"its modules are {', '.join(kinds) or 'not listed'}",
        str(path),
    )
    path = directory / "1_Pooling" / "config.json"
    modes = _object(path)
    on = [key for key, value in modes.items() if key.startswith("pooling_mode_") and value is True]
    known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    _must(len(on) == 1 and on[0] in known, f"its pooling is {', '.join(on) or 'not named'}", str(path))
    return known[on[0]]


def _spelling(tokenizer: dict[str, Any], kind: str) -> str:
    named = tokenizer.get(f"{kind}_token", _MARKERS[kind])
    return str(named.get("content") if isinstance(named, dict) else named)


def _whole(config: dict[str, Any], key: str, place: str) -> int:
    value = config.get(key)
    _must(type(value) is int and 0 < value < 1 << 24, f"{key} is {value!r}", place)
    return int(value or 0)


def _object(path: Path) -> dict[str, Any]:
    found = _parsed(path)
    _must(isinstance(found, dict), "this is no JSON object", str(path))
    return dict(found)


def _parsed(path: Path) -> Any:
    try:
        return json.loads(read_limited(path, _LARGEST))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"this is no JSON: {str(error)[:100]}", where=str(path), hint="fetch the model again"
        ) from error


def _must(holds: bool, otherwise: str, place: str) -> None:
    if not holds:
        raise ModelFileError(
            f"not an embedder that llama.cpp runs exactly: {otherwise}",
            where=place,
            hint="ockit index --embedder DIRECTORY runs any sentence-transformers model, through torch",
        )
