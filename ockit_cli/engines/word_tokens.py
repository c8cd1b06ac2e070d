"""Token ids of plain text for an embedder: words as BERT's tokenizers cut them, each cut into pieces by llama.cpp.

Knows a vocabulary and nothing of batches. Control tokens never come out of a text, whatever it spells; the model's own
markers are put around the ids.
"""

from __future__ import annotations

import unicodedata
from functools import cached_property
from typing import Any

from ockit.engines.llama import binding
from ockit.formats.wordpieces import LONGEST_WORD, split_words

_ROOM = LONGEST_WORD + 4
_REMEMBERED = 200_000
"""Words whose ids are kept; natural text and code repeat themselves."""
_FIRST_LOOK = 64


class WordTokens:
    """The tokenizer of one loaded model.

    Args:
        model: the ``llama_model*``; it must outlive this.
        max_tokens: ids of a text at most, markers included.
    """

    def __init__(self, model: Any, max_tokens: int) -> None:
        self._llama = binding()
        self._vocabulary = self._llama.llama_model_get_vocab(model)
        self._first = self._llama.llama_vocab_bos(self._vocabulary)
        self._last = self._llama.llama_vocab_sep(self._vocabulary)
        self._unknown = self._piece_of_nothing()
        self._max_tokens = max_tokens
        self._ids: dict[str, tuple[int, ...]] = {}
        self._buffer = (self._llama.llama_token * _ROOM)()

    def encode(self, text: str) -> list[int]:
        """Ids with the markers around them; what does not fit is cut off at the end.

        A long text is looked at only as far as it is needed.
        """
        room = self._max_tokens - 2
        look = _FIRST_LOOK * room
        content = self._content(split_words(text[:look]), room + 1)
        if len(text) > look and len(content) <= room:  # mostly blanks, or words without end
            content = self._content(split_words(text), room)
        return [self._first, *content[:room], self._last]

    def _content(self, words: list[str], enough: int) -> list[int]:
        content: list[int] = []
        for word in words:
            ids = self._ids.get(word)
            content += ids if ids is not None else self._learn(word)
            if len(content) >= enough:
                break
        return content

    def _learn(self, word: str) -> tuple[int, ...]:
        if len(word) > LONGEST_WORD:
            return (self._unknown,)
        if word.isascii() or not any(unicodedata.category(sign).startswith("M") for sign in word):
            spelled = word.encode()
            n = self._llama.llama_tokenize(
                self._vocabulary, spelled, len(spelled), self._buffer, _ROOM, False, False
            )
            ids = tuple(self._buffer[: max(n, 0)])
        else:  # llama.cpp drops the vowel signs of Indian scripts
            ids = self._longest_pieces("▁" + word)
        if len(self._ids) >= _REMEMBERED:
            self._ids.clear()
        self._ids[word] = ids
        return ids

    def _longest_pieces(self, rest: str) -> tuple[int, ...]:
        """WordPiece itself: always the longest piece that the rest of the word begins with."""
        ids = []
        while rest:
            end = next((end for end in range(len(rest), 0, -1) if rest[:end] in self._pieces), 0)
            if not end:
                return (self._unknown,)
            ids.append(self._pieces[rest[:end]])
            rest = rest[end:]
        return tuple(ids)

    @cached_property
    def _pieces(self) -> dict[str, int]:
        """The vocabulary as llama.cpp spells it; read when it is first needed."""
        text = self._llama.llama_vocab_get_text
        size = self._llama.llama_vocab_n_tokens(self._vocabulary)
        return {text(self._vocabulary, number).decode("utf-8", "replace"): number for number in range(size)}

    def _piece_of_nothing(self) -> int:
        """The id of a word that no pieces make up."""
        spelled = "\u2ff0".encode()  # a sign for describing ideographs, in no vocabulary of words
        buffer = (self._llama.llama_token * _ROOM)()
        n = self._llama.llama_tokenize(self._vocabulary, spelled, len(spelled), buffer, _ROOM, False, False)
        return int(buffer[0]) if n == 1 else int(self._llama.llama_vocab_pad(self._vocabulary))
