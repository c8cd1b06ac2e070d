"""The words under which a text is found: identifiers whole and split at camelCase, snake_case and digits.

Knows no database. What it gives is written into the full-text tables and asked of them, so both sides must be made by
the same version: a change of what it gives is a change of `WORDS_VERSION`. Stemming is the database's (FTS5 porter).
"""

from __future__ import annotations

import re
import unicodedata

WORDS_VERSION = 1

# A run of letters and digits, with the underscores between them: what a person calls a word or a name.
_RUN = re.compile(r"[^\W_]+(?:_+[^\W_]+)*")
# Its parts: an acronym before a new word (HTTPServer), a capitalised or small word, capitals, digits, the rest.
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_]+|[^\W_]")
# Scripts that put no blanks between words: every two neighbouring characters are a word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_LONGEST = 64  # characters; a longer run is data (base64, a hash), of which nobody asks the whole


def split_words(text: str) -> list[list[str]]:
    """For each name or word of a text its forms, in small letters: the whole first, then the parts it is made of
    where there are two or more. Accents are taken off, wide and ligature forms are made plain (NFKD)."""
    found = []
    for run in _RUN.findall(_plain(text)):
        if run.isascii():
            if len(run) <= _LONGEST:
                found.append(_forms(run))
        else:
            found += _other_script(run)
    return found


def index_words(text: str) -> str:
    """What the full-text tables keep of a text: its words in order, with a blank between two."""
    return " ".join([form for forms in split_words(text) for form in forms])


def _forms(run: str) -> list[str]:
    whole = run.lower()
    if run.isalpha() and (run == whole or run[1:] == whole[1:]):
        return [whole]
    parts = _PART.findall(whole if run.isupper() else run)
    if len(parts) < 2:
        return [whole]
    return [whole.replace("_", ""), *(part.lower() for part in parts)]


def _other_script(run: str) -> list[list[str]]:
    found: list[list[str]] = []
    end = 0
    for unspaced in _UNSPACED.finditer(run):
        if end < unspaced.start():
            found += _pieces(run[end : unspaced.start()])
        text = unspaced[0]
        found += [[text[at : at + 2]] for at in range(max(1, len(text) - 1))]
        end = unspaced.end()
    return found + _pieces(run[end:]) if end < len(run) else found


def _pieces(run: str) -> list[list[str]]:
    """A run of another script between unspaced ones: its parts at underscores, each one word."""
    return [[part.lower()] for part in run.split("_") if 0 < len(part) <= _LONGEST]


def _plain(text: str) -> str:
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join([character for character in decomposed if not unicodedata.combining(character)])
    return unicodedata.normalize("NFC", bare)  # what is left apart (Hangul) is put together again
