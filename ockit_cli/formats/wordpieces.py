"""Words as BERT's own tokenizers cut them, before each is cut into word pieces.

Follows ``BertNormalizer`` (lower case, accents stripped, Chinese characters apart), ``BertPreTokenizer`` and the limit
of ``WordPiece`` in github.com/huggingface/tokenizers. llama.cpp's tokenizer for these models differs from them for
combining accents, for signs of other scripts and for words of more than 100 characters; given one word that was cut
here, it agrees. Text that looks like a control token is text: ``[CLS]`` is three words. Knows no vocabulary.
"""

from __future__ import annotations

import unicodedata

LONGEST_WORD = 100
"""Characters; a longer word is one unknown token (``max_input_chars_per_word``)."""

_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class _Spaced(dict[int, str | None]):
    """For `str.translate`: what each character becomes, worked out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        found = self[code] = _replacement(code)
        return found


def _replacement(code: int) -> str | None:
    character = chr(code)
    if character in "\t\n\r":
        return " "
    category = unicodedata.category(character)
    if code in (0, 0xFFFD) or category in ("Cc", "Cf", "Cs", "Co", "Mn"):
        return None
    if category in ("Zs", "Zl", "Zp"):
        return " "
    ascii_sign = code < 128 and not character.isalnum()
    if ascii_sign or category[0] == "P" or any(low <= code <= high for low, high in _IDEOGRAPHS):
        return f" {character} "
    return character


_SPACED = _Spaced()


def split_words(text: str) -> list[str]:
    """The words of a text in lower case without accents, in order. Any string will do, lone surrogates too."""
    # lower() makes one of two letters of a sigma, by its place in the word; the tokenizers always make the first
    plain = unicodedata.normalize("NFD", text.replace("Σ", "σ")).lower()
    return plain.translate(_SPACED).split()
