"""Tiny random models in the layout of sentence-transformers: an embedder and a cross-encoder, made in seconds."""

from __future__ import annotations

import json
from pathlib import Path

WORDS = "the a cat dog sat ran on under mat tree blue red one two ##s ##ing ##ed how what is".split()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *"abcdefghijklmnopqrstuvwxyz.,?![]"]
VOCABULARY += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


def _config(**more: object) -> object:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        **more,
    )


def _tokenizer(directory: Path) -> None:
    from transformers import BertTokenizerFast

    directory.mkdir(parents=True, exist_ok=True)
    (directory / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    BertTokenizerFast(str(directory / "vocab.txt"), do_lower_case=True).save_pretrained(directory)
    (directory / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")


def tiny_embedder(directory: Path, *, seed: int = 1, prompts: dict[str, str] | None = None) -> Path:
    """A BERT of two layers with mean pooling."""
    import torch
    from transformers import BertModel

    torch.manual_seed(seed)
    _tokenizer(directory)
    BertModel(_config()).save_pretrained(directory, safe_serialization=True)
    names = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for n, (path, kind) in enumerate(names)
    ]
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "1_Pooling").mkdir(exist_ok=True)
    pooling = {
        "word_embedding_dimension": 32,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_cls_token": False,
    }
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    (directory / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 48, "do_lower_case": False})
    )
    (directory / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts or {}}))
    config = json.loads((directory / "tokenizer_config.json").read_text())
    (directory / "tokenizer_config.json").write_text(json.dumps({**config, "do_lower_case": True}))
    return directory


def tiny_reranker(directory: Path, *, labels: int = 1) -> Path:
    """A BERT of two layers that gives `labels` numbers for a pair of texts."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(2)
    _tokenizer(directory)
    BertForSequenceClassification(_config(num_labels=labels)).save_pretrained(
        directory, safe_serialization=True
    )
    return directory
