"""Bytes to text whose lines are those of an editor. Knows encodings and line ends; knows no format.

UTF-8 is tried first, because hardly any other text is valid UTF-8. A byte order mark is believed before that. UTF-16
and UTF-32 without a mark are told by where their zero bytes stand. What is left is guessed
(`ockit.index.readers.guessing`), unless the caller knows of an encoding.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_MARKS = (  # the longer first: the mark of UTF-32-LE begins with that of UTF-16-LE
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 8192
_FEW_ZEROS = 100
"""A file that calls itself text may have one zero byte in this many: a log that a crash left a hole in."""

_FEW_WRONG = 20
"""At most one character in so many beyond ASCII may be none of the encoding that was guessed."""

_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b\b")) + b"\x7f"
_WIDE = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]")
_PLAIN = re.compile("[\t\n\r -~\u2010-\u2026]")
_MANY_WIDE = 16
_HIGH = re.compile("[^\x00-\x7f]+")
_UNWANTED = re.compile("[\x00\ud800-\udfff]")
_TEXT_CODECS = re.compile(  # as `codecs.lookup` spells them
    r"ascii|utf-(?:8(?:-sig)?|(?:16|32)(?:-[bl]e)?)|iso8859-\d+|cp\d+|koi8-[rtu]|kz1048|ptcp154|tis-620|hp-roman8"
    r"|mac-\w+|big5(?:hkscs)?|gb2312|gbk|gb18030|hz|johab|shift_jis\w*|euc_\w+|iso2022_\w+"
)


@dataclass(frozen=True)
class Decoded:
    """Text with ``\\n`` line ends, and what had to be guessed or replaced, in sentences."""

    text: str
    notices: tuple[str, ...] = ()


def looks_like_text(head: bytes, *, generous: bool = False) -> bool:
    """Whether bytes are the beginning of a text in some encoding.

    Args:
        generous: the file's name says that it is text, so a few bytes that are not are no reason to leave it out.
    """
    if not head or _encoding_by_zeros(head) is not None:
        return True
    zeros = head.count(0)
    if zeros and not (generous and zeros * _FEW_ZEROS <= len(head)):
        return False
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls - zeros > len(head) // (20 if generous else 100):
        return False
    if generous or _is_utf8(head):
        return True
    high = sum(byte >= 0x80 for byte in head)
    return high <= len(head) * 3 // 10  # text in an older encoding; more of it is a compressed or random file


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """The text of a file, its lines ended by ``\\n``; a non-empty text's last line too.

    A carriage return ends a line together with its newline, or alone in a file without any newline; elsewhere an
    editor does not end the line at it, and it becomes a blank, so that line numbers stay the editor's. A zero
    character, which databases cut texts at, and a lone surrogate become U+FFFD.

    Args:
        declared: an encoding the file names itself (HTML, XML, Python), tried after UTF-8.
    """
    notices = []
    encoding = _encoding_by_zeros(data[:_SAMPLE])
    data = _without_mark(data)
    if encoding is not None:
        text = data.decode(encoding, "replace")
        if "\ufffd" in text:
            notices.append(f"what is no {encoding.upper()} in it was replaced")
    else:
        text, notice = _bytewise(data, declared)
        notices += [notice] if notice else []
    if _UNWANTED.search(text):
        text, count = _UNWANTED.subn("\ufffd", text)
        notices.append(f"{count} zero characters or lone surrogates were replaced")
    return Decoded(normalised(text), tuple(notices))


def normalised(text: str) -> str:
    """The text with ``\\n`` line ends, see `decode`."""
    if "\r" in text:
        old_mac = "\n" not in text
        text = text.replace("\r\n", "\n").replace("\r", "\n" if old_mac else " ")
    return text if not text or text.endswith("\n") else text + "\n"


def clean(text: str) -> str:
    """Text that came out of a parser, without zero characters and lone surrogates."""
    return _UNWANTED.sub("\ufffd", text)


def _without_mark(data: bytes) -> bytes:
    for mark, _ in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :]
    return data


def _encoding_by_zeros(head: bytes) -> str | None:
    """The encoding that a mark or the zero bytes tell; None for bytewise encodings and for what is no text."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding if encoding != "utf-8" else None
    if 0 not in head:
        return None
    for encoding, width, zeros, low in (
        ("utf-32-le", 4, (2, 3), 0),
        ("utf-32-be", 4, (0, 1), 3),
        ("utf-16-le", 2, (1,), 0),
        ("utf-16-be", 2, (0,), 1),
    ):
        units = len(head) // width
        if units < 2 or len(head) % width or head[low::width].count(0):
            continue
        share = min(head[place::width].count(0) for place in zeros) / units
        # Latin letters have a zero here; of other alphabets only blanks and newlines have, but their letters all have
        # a byte below 0x20, which no letter of a bytewise encoding is
        alphabet = width == 2 and max(head[zeros[0] :: width]) <= 0x20
        if share < (0.95 if width == 4 else 0.75 if units < 8 else 0.4) and not alphabet:
            continue
        sample = head.decode(encoding, "replace")
        odd = sum(not (mark.isprintable() or mark in "\t\n\r\f\ufeff") for mark in sample)
        if odd * 20 <= len(sample):
            return encoding
    return next(
        (encoding for encoding in ("utf-16-le", "utf-16-be") if _is_ideographic(head, encoding)), None
    )


def _is_ideographic(head: bytes, encoding: str) -> bool:
    """Whether 16-bit units are Chinese, Japanese or Korean nearly all, and many. Of bytes by chance half are."""
    if sum(byte >= 0x80 for byte in head) * 20 < len(head):
        return False  # pairs of ASCII letters would be ideographs too
    text = head[: len(head) // 2 * 2].decode(encoding, "replace")
    wide = len(_WIDE.findall(text))
    return (
        wide >= _MANY_WIDE
        and wide * 2 >= len(text)
        and (wide + len(_PLAIN.findall(text))) * 100 >= len(text) * 95
    )


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True


def _bytewise(data: bytes, declared: str | None) -> tuple[str, str | None]:
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError:
        broken = data.decode("utf-8", "replace")
    wrong = broken.count("\ufffd")
    whole = sum(map(len, _HIGH.findall(broken))) - wrong
    if wrong * 10 <= whole:  # nearly all of it is UTF-8: damaged in places, not another encoding
        return broken, f"{wrong} places that are no UTF-8 were replaced"
    if declared and (text := _declared(data, declared)) is not None:
        return text, None
    from ockit.index.readers.guessing import FALLBACK, guessed, shown

    codec = guessed(data)
    text = data.decode(codec, "replace")
    if codec != FALLBACK and text.count("\ufffd") * _FEW_WRONG > len(text) - len(
        text.encode("ascii", "ignore")
    ):
        codec = FALLBACK  # the part that was looked at does not speak for the rest
        text = data.decode(codec, "replace")
    return text, f"it is no UTF-8 and was read as {shown(codec)}"


def _declared(data: bytes, encoding: str) -> str | None:
    codec = text_codec(encoding)
    if codec is None or codec.startswith("utf-"):  # these would be told by their bytes
        return None
    return data.decode(codec, "replace")


def text_codec(encoding: str) -> str | None:
    """Python's name for an encoding that somebody declares; None where there is none such, or none that texts are
    written in. Of the others some are no text, and some (punycode, idna) take time that grows with its square."""
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        return None
    return name if _TEXT_CODECS.fullmatch(name) else None
