"""A text as it was meant, where it was written so that a classifier would not read it.

Undone, in this order: compatibility forms (NFKC), invisible characters, piles of accents, look-alike letters of other
scripts inside Latin words, base64, letters spelled apart (``b o m b``, ``b.o.m.b``), digits for letters (``b0mb``).
What only looks like that stays: names of letters and digits, versions, hashes, pictures in base64, the alphabet. Every
place in the result leads back to its place in the original. Knows no classifier.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from ockit.moderation.spelling import SIGNS, reads_as_words, split, without_leet

Words = Callable[[], Mapping[str, int]]
"""Gives known words in lower case with their rank by frequency; asked only where something looks spelled."""

_Edit = tuple[int, int, str]
_DEPTH = 2
"""Wrappings inside each other that are undone."""

_MARKED = re.compile("[^\u0300-\u036f][\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe20-\ufe2f]+")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007f]{1,8}")
_MIXED = re.compile(
    "[A-Za-z\u0370-\u052f]*(?:[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z])[A-Za-z\u0370-\u052f]*"
)
_LOOKALIKES = str.maketrans(
    "аесорхуіјѕԁһӏвкмнтгпАВЕКМНОРСТУХІЈЅαεορυινκτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aecopxyijsdhlbkmhtrnABEKMHOPCTYXIJSaeopuivktABEZHIKMNOPTYX",
)
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{16,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}(?![\w+/=-])")
_ONE = r"[^\W_](?![^\W_])"  # a letter or digit with none behind it
_APART = re.compile(
    rf"(?<![^\W_]){_ONE}(?: {{1,4}}{_ONE}(?![.\-_*·•|~/,][^\W_])){{3,}}"
    rf"|(?<![^\W_]){_ONE}(?P<gap>[.\-_*·•|~/,\n\t]){_ONE}(?:(?P=gap){_ONE})*"
    rf"(?: {{1,3}}(?:{_ONE}(?:(?P=gap){_ONE})+|[aiAI]\b))*"
)
_FEWEST_APART = 4
_GAPS = re.compile(r"[^\w]+|_+")
_LEET = re.compile(rf"(?<![\w@$.])(?=\S{{0,40}}?[A-Za-z])[\w{re.escape(SIGNS)}]{{3,40}}(?![\w@$])")
_INNER = re.compile(rf"[A-Za-z$@][{re.escape(SIGNS)}]+[A-Za-z$@]|^[$!]+[A-Za-z]{{2}}")


@dataclass(frozen=True)
class Normalized:
    """A text and where it comes from.

    Attributes:
        text: the text as it was meant.
        changed: whether it differs from the original.
        unwrapped: start and end, in `text`, of what was base64.
    """

    text: str
    changed: bool = False
    unwrapped: tuple[tuple[int, int], ...] = ()
    _starts: array[int] = field(default_factory=lambda: array("I"), repr=False)
    _ends: array[int] = field(default_factory=lambda: array("I"), repr=False)

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original, `end` excluded, that these characters of `text` were made of."""
        if not self.changed or start >= end:
            return start, end
        return self._starts[start], self._ends[end - 1]


def normalized(text: str, words: Words) -> Normalized:
    """A text as it was meant. Any string will do. Time grows with its length: give pieces of at most some 100,000
    characters."""
    return _undone(text, words, _DEPTH)


def _undone(text: str, words: Words, depth: int) -> Normalized:
    draft = _Draft(text)
    draft.apply(_clean_edits(draft.text))
    draft.apply(_lookalike_edits(draft.text))
    wrapped = list(_base64_edits(draft.text, words, depth)) if depth else []
    edits = list(wrapped)
    for more in (_apart_edits(draft.text, words), _leet_edits(draft.text, words)):
        edits = sorted([*edits, *_elsewhere(more, edits)])
    inside, unwrapped, shift = set(wrapped), [], 0
    for start, end, new in edits:
        if (start, end, new) in inside:
            unwrapped.append((start + shift, start + shift + len(new)))
        shift += len(new) - (end - start)
    draft.apply(edits)
    return draft.result(tuple(unwrapped))


def _elsewhere(edits: Iterator[_Edit], taken: list[_Edit]) -> Iterator[_Edit]:
    """The edits that touch none of others; both are in order."""
    at = 0
    for edit in edits:
        while at < len(taken) and taken[at][1] <= edit[0]:
            at += 1
        if at == len(taken) or edit[1] <= taken[at][0]:
            yield edit


class _Draft:
    """A text that is edited, with the place in the original of every character once one was changed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._changed = False
        self._starts = self._ends = array("I")

    def apply(self, edits: Iterator[_Edit] | list[_Edit]) -> None:
        """Replace pieces of the text; edits are in order and do not overlap."""
        found = list(edits)
        if not found:
            return
        if not self._changed:
            self._starts = array("I", range(len(self.text)))
            self._ends = array("I", range(1, len(self.text) + 1))
            self._changed = True
        pieces: list[str] = []
        starts, ends = array("I"), array("I")
        at = 0
        for start, end, new in found:
            pieces += (self.text[at:start], new)
            starts += self._starts[at:start] + array("I", [self._starts[start]]) * len(new)
            ends += self._ends[at:start] + array("I", [self._ends[end - 1]]) * len(new)
            at = end
        pieces.append(self.text[at:])
        self._starts, self._ends = starts + self._starts[at:], ends + self._ends[at:]
        self.text = "".join(pieces)

    def result(self, unwrapped: tuple[tuple[int, int], ...]) -> Normalized:
        return Normalized(self.text, self._changed, unwrapped, self._starts, self._ends)


def _clean_edits(text: str) -> Iterator[_Edit]:
    """Compatibility forms, invisible characters, piles of accents."""
    if text.isascii():
        for match in _CONTROLS.finditer(text):
            yield match.start(), match.end(), ""
        return
    plain = {sign: _plain(sign) for sign in set(text)}
    odd = "".join(sign for sign, other in plain.items() if other != sign)
    if not odd and not _MARKED.search(text):
        return
    pattern = re.compile(f"{_FLAG.pattern}|{_MARKED.pattern}" + (f"|[{re.escape(odd)}]" if odd else ""))
    for match in pattern.finditer(text):
        found = match.group()
        if found.startswith("\U0001f3f4"):
            new = "\U0001f3f4"  # a region's flag is spelled with tags; they hide nothing there
        elif len(found) == 1:
            new = plain[found]
        else:
            composed = unicodedata.normalize("NFKC", "".join(plain[sign] for sign in found))
            new = composed if len(found) <= 2 else composed[:1]
        if new != found:
            yield match.start(), match.end(), new


def _plain(sign: str) -> str:
    code = ord(sign)
    if 0xE0020 <= code <= 0xE007E:  # tags: an alphabet that is never drawn
        return chr(code - 0xE0000)
    category = unicodedata.category(sign)
    if category in ("Cf", "Cs", "Co") or sign in "\u034f\u115f\u1160\u3164\uffa0" or 0xFE00 <= code <= 0xFE0F:
        return ""
    if category == "Cc":
        return sign if sign in "\t\n\r" else ""
    other = unicodedata.normalize("NFKC", sign)
    # an ellipsis, a fraction's bar: no letter hides in a sign, and a second pass would be for nothing
    says = other.isspace() or any(letter.isalnum() for letter in other) or 0xFE00 <= code <= 0xFFEF
    return other if says else sign


def _lookalike_edits(text: str) -> Iterator[_Edit]:
    """Words of Latin letters with some of another script that look the same."""
    if text.isascii():
        return
    for match in _MIXED.finditer(text):
        latin = match.group().translate(_LOOKALIKES)
        if latin.isascii():
            yield match.start(), match.end(), latin


def _base64_edits(text: str, words: Words, depth: int) -> Iterator[_Edit]:
    for match in _BASE64.finditer(text):
        whole = match.group()
        for candidate in dict.fromkeys((whole, whole.split("\n")[0].rstrip("\r"))):
            inside = _decoded(candidate)
            if inside is not None:
                start = match.start()
                yield start, start + len(candidate), _undone(inside, words, depth - 1).text
                break


def _decoded(wrapped: str) -> str | None:
    """The text inside base64, or None where it holds something else: a hash, a key, a picture."""
    letters = "".join(wrapped.split()).rstrip("=").replace("-", "+").replace("_", "/")
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    try:
        data = binascii.a2b_base64(letters + "=" * (-len(letters) % 4))
        wide = data.count(0) * 2 >= len(data) - 1 > 4  # UTF-16, as PowerShell wants its commands
        inside = data.decode("utf-16-le" if wide else "utf-8")
    except ValueError:
        return None
    shown = sum(sign.isprintable() or sign in "\t\r\n" for sign in inside)
    spoken = sum(sign.isalpha() or sign == " " for sign in inside)
    if len(inside) < 6 or shown < len(inside) or spoken < 0.6 * len(inside):
        return None
    return inside


def _apart_edits(text: str, words: Words) -> Iterator[_Edit]:
    """Letters that are spelled one by one, with the same sign between them."""
    for match in _APART.finditer(text):
        found = match.group()
        wide = "  " if match["gap"] is None else " "  # what parts words where something else parts letters
        groups = [_GAPS.sub("", group).lower() for group in re.split(f"{wide}+", found)]
        letters = "".join(groups)
        if (
            len(letters) < _FEWEST_APART
            or sum(map(str.isalpha, letters)) < 0.6 * len(letters)
            or _is_alphabet(letters)
        ):
            continue
        known = words()
        parts: list[str] = []
        for group in groups:
            spelled = group if group.isalpha() else without_leet(group, known) or _as_letters(group)
            for piece in spelled.split():
                parts += [piece] if piece in known and len(groups) > 1 else split(piece, known)
        if parts and reads_as_words(parts, known):
            yield match.start(), match.end(), " ".join(parts)


def _as_letters(group: str) -> str:
    return group.translate(str.maketrans("0134578", "oieastb"))


def _is_alphabet(letters: str) -> bool:
    """Whether letters follow each other as in the alphabet: a list of options, not a word."""
    steps = sum(ord(b) - ord(a) == 1 for a, b in pairwise(letters))
    return steps >= 0.6 * (len(letters) - 1)


def _leet_edits(text: str, words: Words) -> Iterator[_Edit]:
    """Words with digits and signs for some letters; not those that merely end or begin with a number."""
    for match in _LEET.finditer(text):
        found = match.group().rstrip("!|+")
        if found.isalpha() or found.startswith("@") or not _INNER.search(found):
            continue
        word = without_leet(found.lower(), words())
        if word is not None and word != found.lower():
            yield match.start(), match.start() + len(found), word
