"""Looks at the vocabularies of GGUF files through ockit's class and through plain llama.cpp, in a process of its own.

Reads ``{"path": ..., "texts": [...]}`` lines, answers each with a JSON line: the number of tokens, the ids whose
piece differs from what llama.cpp says into a large buffer, the longest pieces (hex), and for every text whether it
came back.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

from ockit.engines.llama import binding
from ockit.engines.vocabulary import LlamaVocabulary

ROOM = 1 << 16


def look(path: str, texts: list[str]) -> dict[str, Any]:
    llama = binding()
    params = llama.llama_model_default_params()
    params.vocab_only = True
    model = llama.llama_model_load_from_file(path.encode(), params)
    vocabulary = LlamaVocabulary(model)
    pointer = llama.llama_model_get_vocab(model)
    buffer = ctypes.create_string_buffer(ROOM)
    wrong, pieces = [], []
    for token in range(vocabulary.n_tokens):
        n = llama.llama_token_to_piece(pointer, token, buffer, ROOM, 0, False)
        piece = vocabulary.piece(token)
        pieces.append(piece)
        if n < 0 or piece != buffer.raw[:n]:
            wrong.append(token)
    back = [
        b"".join(pieces[token] for token in vocabulary.tokenize(text)).decode("utf-8", "replace")
        for text in texts
    ]
    llama.llama_model_free(model)
    longest = sorted(set(pieces), key=len)[-50:]
    return {
        "n_tokens": vocabulary.n_tokens,
        "wrong": wrong,
        "longest": [piece.hex() for piece in longest],
        "back": back,
    }


for line in sys.stdin:
    asked = json.loads(line)
    sys.stdout.write(json.dumps(look(asked["path"], asked["texts"])) + "\n")
    sys.stdout.flush()
