"""A loaded model's vocabulary: `ockit.prompts.vocabulary.Vocabulary` on llama.cpp's low-level calls."""

from __future__ import annotations

import ctypes
from functools import cached_property
from typing import Any

from ockit.engines.llama import binding

MARKERS_KEPT = 4096


class LlamaVocabulary:
    """The vocabulary of a ``llama_model*`` (an int address), which must outlive it."""

    def __init__(self, model: Any) -> None:
        self._llama = binding()
        self._vocab = self._llama.llama_model_get_vocab(model)
        self._pieces: dict[int, bytes] = {}
        self._markers: dict[str, int | None] = {}

    @property
    def pointer(self) -> Any:
        """The ``llama_vocab*``."""
        return self._vocab

    @cached_property
    def n_tokens(self) -> int:
        """How many tokens there are."""
        return int(self._llama.llama_vocab_n_tokens(self._vocab))

    @cached_property
    def bos(self) -> int | None:
        """The id put in front of every prompt, where the model wants that."""
        wanted = self._llama.llama_vocab_get_add_bos(self._vocab)
        token = int(self._llama.llama_vocab_bos(self._vocab))
        return token if wanted and token >= 0 else None

    @cached_property
    def eot(self) -> int | None:
        """The id that ends a turn (end of turn, else end of text)."""
        for get in (self._llama.llama_vocab_eot, self._llama.llama_vocab_eos):
            token = int(get(self._vocab))
            if token >= 0:
                return token
        return None

    def tokenize(self, text: str) -> list[int]:
        """Ids of plain text; control markers in it are ordinary characters."""
        return self._tokenize(text, special=False)

    def _tokenize(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", "surrogatepass")
        room = len(data) + 8  # a token stands for at least a byte; SentencePiece may add a space in front
        while True:
            ids = (ctypes.c_int32 * room)()
            n = self._llama.llama_tokenize(self._vocab, data, len(data), ids, room, False, special)
            if n >= 0:
                return ids[:n]
            room = -n

    def marker(self, text: str) -> int | None:
        """The id of the one special token spelled exactly so."""
        if text not in self._markers:
            if len(self._markers) >= MARKERS_KEPT:  # a document may be full of what only looks like markers
                self._markers.clear()
            ids = self._tokenize(text, special=True) if text else []
            special = self._llama.LLAMA_TOKEN_ATTR_CONTROL | self._llama.LLAMA_TOKEN_ATTR_USER_DEFINED
            found = [i for i in ids if self._attributes(i) & special]
            # SentencePiece may put a lone space in front of a marker at the start of a text
            alone = len(found) == 1 and len(ids) - len(found) <= 1 and self.spelling(found[0]) == text
            self._markers[text] = found[0] if alone else None
        return self._markers[text]

    def spelling(self, token: int) -> str:
        """The text of a token as its vocabulary writes it."""
        text = self._llama.llama_vocab_get_text(self._vocab, token) or b""
        return str(text.decode("utf-8", "replace"))

    def is_control(self, token: int) -> bool:
        """Whether the model treats the id as a control token."""
        return bool(self._attributes(token) & self._llama.LLAMA_TOKEN_ATTR_CONTROL) or self.ends_turn(token)

    def ends_turn(self, token: int) -> bool:
        """Whether the id ends generation."""
        return bool(self._llama.llama_vocab_is_eog(self._vocab, token))

    def strips(self, token: int) -> tuple[bool, bool]:
        """Whether a special token eats white space before it, after it."""
        attributes = self._attributes(token)
        left, right = self._llama.LLAMA_TOKEN_ATTR_LSTRIP, self._llama.LLAMA_TOKEN_ATTR_RSTRIP
        return bool(attributes & left), bool(attributes & right)

    def piece(self, token: int) -> bytes:
        """The bytes of a token as text; empty for control tokens. Any length: the buffer grows to it."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._read_piece(token)
        return known

    @cached_property
    def longest_piece(self) -> int:
        """Bytes of the longest token; reads the whole vocabulary."""
        return max((len(self.piece(token)) for token in range(self.n_tokens)), default=1)

    def _read_piece(self, token: int) -> bytes:
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            n = self._llama.llama_token_to_piece(self._vocab, token, buffer, room, 0, False)
            if n >= 0:
                return buffer.raw[:n]
            room = -n

    def _attributes(self, token: int) -> int:
        return int(self._llama.llama_vocab_get_attr(self._vocab, token))
