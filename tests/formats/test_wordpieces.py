"""Words of BERT's tokenizers: compared with the tokenizers library itself."""

from __future__ import annotations

import random
import unicodedata

import pytest

from ockit.formats.wordpieces import split_words


@pytest.fixture(scope="module")
def theirs():
    """What the library makes of a text."""
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    normalizer, cutter = BertNormalizer(), BertPreTokenizer()
    return lambda text: [word for word, _ in cutter.pre_tokenize_str(normalizer.normalize_str(text))]


def test_every_character_of_the_plane_of_living_scripts_is_cut_as_there(theirs):
    codes = [code for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    other = [code for code in codes if split_words(f"a{chr(code)}b") != theirs(f"a{chr(code)}b")]
    # the library's tables are of Unicode 8, from 2015: what came later it takes for letters
    assert len(other) < 250
    assert not [code for code in other if code < 0x500]
    assert {unicodedata.category(chr(code))[0] for code in other} <= {"M", "P", "C", "S"}


def test_random_text_is_cut_as_there(theirs):
    chance = random.Random(1)
    signs = [chr(code) for code in range(0x20, 0x250)] + list(
        "ΣσςАяЁאबि한글日本語ｱ１€\u0301\u200d\u00ad\u2028🙂\t\n\r\0\x1c\x85\ufffd"
    )
    for _ in range(3000):
        text = "".join(chance.choices(signs, k=chance.randrange(40)))
        assert split_words(text) == theirs(text), repr(text)


def test_control_tokens_are_words_like_others():
    assert split_words("[CLS] [MASK]") == ["[", "cls", "]", "[", "mask", "]"]


def test_any_string_will_do():
    assert split_words("") == []
    assert split_words("a\ud800b \0 \udfff") == ["ab"]
