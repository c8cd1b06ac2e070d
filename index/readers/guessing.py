"""Which encoding a text is in that is no UTF-8 and does not say. Knows alphabets, no files; a guess can be wrong.

Of other alphabets and scripts than the Latin, words stand whole in bytes from 0x80 on, and charset-normalizer tells
them by the frequency of their letters. In Latin text such bytes stand between ASCII letters, are too few for that, and
are told by which language has all the letters that they would be. Where nothing tells, it is windows-1252, which the
WHATWG gives to unlabelled pages.
"""

from __future__ import annotations

import re

FALLBACK = "cp1252"

_SAMPLE = 16_384
_REGION = 1 << 20
_HIGH = re.compile(rb"[\x80-\xff]")
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_WIDE = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_ALPHABETS = ("cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "cp1253", "cp1255", "cp1256", "cp874")
"""The more usual first."""

_WEST = tuple(
    map(
        frozenset,
        (
            "äöüß", "àâçéèêëîïôùûüÿœæ", "áéíóúüñ", "àèéìòù", "áâãàçéêíóôõúü", "æøåéö", "åäöé", "ëéïüèóöáê",
            "áéíóúýðþæö", "äöõüšž",
        ),
    )
)  # fmt: skip
_EAST = tuple(
    map(frozenset, ("áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "ąćęłńóśźż", "áéíóöőúüű", "ăâîşţșț", "čćđšž"))
)
_LATIN = {
    FALLBACK: _WEST,
    "cp1250": _EAST,
    "iso8859_2": _EAST,
    "cp1254": (frozenset("çğıöşüâîû"),),
    "cp1257": (frozenset("ąčęėįšųūž"), frozenset("āčēģīķļņšūž")),
    "cp850": _WEST,
    "mac_roman": _WEST,
}
_HALF_KATAKANA = re.compile("[\uff61-\uff9f]")
_OF = {
    "cp932": re.compile("[\u3041-\u30fe]"),
    "euc_jp": re.compile("[\u3041-\u30fe]"),
    "cp949": re.compile("[가-힣]"),
}
"""Text of Japanese has kana, of Korean syllables; without them it is rather Chinese."""
_RUN = re.compile("[^\x00-\x7f]{2,}")
_ANY = re.compile("[^\x00-\x7f]")
_ASCII = re.compile(rb"[A-Za-z]")
_SIGNS = "\xa0°±µ²³ªº©®«»¿¡·§€£’‘“”„‚–—…•™"
_INSIDE = re.compile(
    rf"(?<=[A-Za-z])[^\x00-\x7f{_SIGNS}]|[^\x00-\x7f{_SIGNS}](?=[A-Za-z])|[^\W\x00-\x7f{_SIGNS}]|[\x80-\x9f\ufffd]"
)
"""Signs stand between words; whatever else stands in one should be a letter."""
_APART = 0.6
_ODD = 0.1
_NAMES = {"cp932": "Shift JIS", "cp949": "EUC-KR (UHC)", "cp850": "code page 850", "cp866": "code page 866"}


def guessed(data: bytes) -> str:
    """The name of the codec that a text is most likely in; `FALLBACK` where nothing tells.

    Args:
        data: no UTF-8. A bounded part of it is looked at.
    """
    sample = _sample(data)
    apart = sum(len(word) for word in _WORD.findall(sample) if len(word) > 2 and _ASCII.search(word) is None)
    if apart >= _APART * len(_HIGH.findall(sample)):
        return _other_alphabet(sample)
    return _wide(sample) or _latin(sample)


def shown(codec: str) -> str:
    """What people call it."""
    if codec in _NAMES:
        return _NAMES[codec]
    if codec.startswith("cp125") or codec == "cp874":
        return codec.replace("cp", "windows-")
    return codec.upper().replace("ISO8859_", "ISO-8859-").replace("_", "-")


def _sample(data: bytes) -> bytes:
    """Lines with other bytes than ASCII's, from the first on; no newline is part of a character."""
    first = _HIGH.search(data)
    if first is None:
        return b""
    start = max(data.rfind(b"\n", 0, first.start()) + 1, first.start() - _SAMPLE // 2)
    found, size = [], 0
    for line in data[start : start + _REGION].split(b"\n"):
        if _HIGH.search(line):
            found.append(line)
            size += len(line) + 1
            if size >= _SAMPLE:
                break
    sample = b"\n".join(found)
    if len(sample) <= _SAMPLE:
        return sample
    end = max(sample.rfind(blank, 0, _SAMPLE) for blank in (b"\n", b" "))
    return sample[: end if end > _SAMPLE // 2 else _SAMPLE]


def _other_alphabet(sample: bytes) -> str:
    found = _measured(sample, _ALPHABETS)
    sure = [codec for codec, _, coherence in found if coherence >= 0.3]
    if sure:
        return sure[0]
    likely = {codec for codec, _, _ in found}
    return _wide(sample) or next((codec for codec in _ALPHABETS if codec in likely), FALLBACK)


def _measured(sample: bytes, codecs: tuple[str, ...]) -> list[tuple[str, float, float]]:
    """Those of the codecs in which the text is not odd, the least odd and most like a language first; of equals, in
    the order given: name, oddness, likeness."""
    from charset_normalizer import from_bytes

    matches = from_bytes(sample, cp_isolation=list(codecs), enable_fallback=False, preemptive_behaviour=False)
    found = [(match.encoding, match.chaos, match.coherence) for match in matches if match.chaos < _ODD]
    return sorted(found, key=lambda one: (one[1], -one[2], codecs.index(one[0])))


def _wide(sample: bytes) -> str | None:
    """The encoding of ideographs or syllables: these stand together, not alone between letters."""
    for codec, _, _ in _measured(sample, _WIDE):
        text = sample.decode(codec, "ignore")
        every = len(_ANY.findall(text))
        together = sum(map(len, _RUN.findall(text)))
        telling = len(_OF[codec].findall(text)) if codec in _OF else every
        halves = len(_HALF_KATAKANA.findall(text))
        if every >= 4 and together >= 0.7 * every and telling >= 0.1 * every and halves <= 0.3 * every:
            return codec
    return None


def _latin(sample: bytes) -> str:
    best, share = FALLBACK, 0.0
    for codec, languages in _LATIN.items():
        letters = [one.lower() for one in _INSIDE.findall(sample.decode(codec, "replace"))]
        if not letters and codec == FALLBACK:
            return FALLBACK
        covered = max(sum(one in known for one in letters) for known in languages) / max(1, len(letters))
        if covered > share + (0.1 if best == FALLBACK and share else 0.0):
            best, share = codec, covered
    return best
