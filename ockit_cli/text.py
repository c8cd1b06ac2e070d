"""Text made safe for a terminal: what would steer it, hide or reorder text is shown as ``<U+202E>``.

Knows characters and graphemes; knows no terminal and no colour. `ockit.console` is the one caller that matters:
every string on its way out passes here, whoever wrote it.

Stays: everything a font draws, spaces, newline, tab. Stays where it belongs, inside a grapheme: the joiners
(emoji families, Persian and Indic spelling), variation selectors behind a character that has variants, tag
sequences of flags. Shown: control characters (ESC, BEL, BS, C1, a carriage return without its newline), bidi
controls, invisible characters, surrogates, non-characters, code points without a character, and private use
(only the font knows what those look like, so a reader cannot know what they say).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

# Characters of which nothing but being drawn is true, in one scan; a test compares the list with `_drawn`.
_PLAIN = re.compile(
    "[\n\t -~\xa0-\xac\xae-\u034e\u0350-\u0377\u037a-\u037f\u0391-\u03a1\u03a3-\u052f\u0904-\u0939\u2010-\u2027"
    "\u2030-\u205e\u20a0-\u20bf\u2100-\u218b\u2190-\u2426\u2460-\u2b73\u3000-\u303f\u3041-\u3096\u3099-\u30ff"
    "\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9f\U0001f300-\U0001f6d7]+"
)
_SIMPLE = re.compile("[^\n\t -~]")
_WORDS = re.compile("( *)([^ ]+)")

# Select Graphic Rendition of ECMA-48, in its common form; a terminal draws with it and does nothing else.
_SGR = re.compile("(\x1b\\[[0-9;]*m)")

_INVISIBLE = frozenset(
    "\u034f"  # combining grapheme joiner: changes sorting, never the picture
    "\u115f\u1160\u3164\uffa0"  # Hangul fillers: letters that are blank
    "\u17b4\u17b5"  # Khmer inherent vowels
    "\u2065"  # between the invisible operators and the bidi controls
)
# Format characters (Cf) that are drawn: the number signs and marks that stand in front of their digits.
_VISIBLE_FORMAT = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)

_ZWNJ, _ZWJ, _MONGOLIAN_SEPARATOR = "\u200c", "\u200d", "\u180e"
_JOINERS = frozenset((_ZWNJ, _ZWJ, _MONGOLIAN_SEPARATOR))
_BLACK_FLAG, _TAG_END = "\U0001f3f4", "\U000e007f"
# The subdivisions of CLDR: two letters of the country, one to three of the region (gbeng, usca).
_FLAG_TAGS = re.compile(
    "[\U000e0061-\U000e007a]{2}[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,3}\U000e007f"
)
_LONGEST_FLAG = 6

# Extended_Pictographic of Unicode's emoji-data.txt; its reserved ranges stand for the emoji of coming versions.
_PICTOGRAPH = (
    "\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u2388\u23cf\u23e9-\u23f3"
    "\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2605\u2607-\u2612\u2614-\u2685\u2690-\u2705"
    "\u2708-\u2712\u2714\u2716\u271d\u2721\u2728\u2733\u2734\u2744\u2747\u274c\u274e\u2753-\u2755\u2757\u2763-\u2767"
    "\u2795-\u2797\u27a1\u27b0\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001f0ff\U0001f10d-\U0001f10f\U0001f12f\U0001f16c-\U0001f171\U0001f17e\U0001f17f\U0001f18e"
    "\U0001f191-\U0001f19a\U0001f1ad-\U0001f1e5\U0001f201-\U0001f20f\U0001f21a\U0001f22f\U0001f232-\U0001f23a"
    "\U0001f23c-\U0001f23f\U0001f249-\U0001f3fa\U0001f400-\U0001f53d\U0001f546-\U0001f64f\U0001f680-\U0001f6ff"
    "\U0001f774-\U0001f77f\U0001f7d5-\U0001f7ff\U0001f80c-\U0001f80f\U0001f848-\U0001f84f\U0001f85a-\U0001f85f"
    "\U0001f888-\U0001f88f\U0001f8ae-\U0001f8ff\U0001f90c-\U0001f93a\U0001f93c-\U0001f945\U0001f947-\U0001faff"
    "\U0001fc00-\U0001fffd"
)
_SKIN_TONE = "\U0001f3fb-\U0001f3ff"
# Scripts whose spelling uses joiners: Arabic to Sinhala, Myanmar, Khmer, Mongolian and the Brahmic ones beyond.
_JOINING_SCRIPT = (
    "\u0600-\u07ff\u0840-\u0dff\u1000-\u109f\u1780-\u18af\u1a20-\u1aaf\u1b00-\u1bff\ua840-\ua8ff\ua930-\ua9ff"
    "\uaa60-\uaaff\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefe\U00010ac0-\U00010aff\U00010d00-\U00010d3f"
    "\U00010f30-\U00010f6f\U00011000-\U00011fff\U0001e900-\U0001e95f"
)
_MONGOLIAN = "\u1807\u180a\u1820-\u18aa"
_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_SELECTOR = "[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
# What a selector may stand behind, by the selector; those that are not here belong nowhere yet.
_VARIANTS = (
    ("[\ufe0e\ufe0f]", f"[0-9#*{_PICTOGRAPH}]"),  # text or emoji style
    (
        "[\ufe00-\ufe02]",
        f"[0\u1000-\u109f\u2190-\u22ff\u2a00-\u2aff\u3001\u3002\ua840-\ua87f\uff01-\uff1f{_IDEOGRAPH}]",
    ),
    ("[\U000e0100-\U000e01ef]", f"[{_IDEOGRAPH}]"),
    ("[\u180b-\u180d\u180f]", f"[{_MONGOLIAN}]"),
)


def _shown(char: str) -> str:
    return f"<U+{ord(char):04X}>"


@cache
def _class(members: str) -> re.Pattern[str]:
    return re.compile(members)


@lru_cache(maxsize=4096)
def _drawn(char: str) -> bool:
    """Whether a character may be shown as itself, wherever it stands."""
    if char in "\n\t" or char in _VISIBLE_FORMAT:
        return True
    if char in _INVISIBLE or _class(_SELECTOR).match(char):
        return False
    category = unicodedata.category(char)
    if category == "Cn":  # Python's tables are older than the newest emoji
        return _class(f"[{_PICTOGRAPH}]").match(char) is not None
    return category[0] != "C" and category not in ("Zl", "Zp")


@lru_cache(maxsize=1024)
def _selects(base: str, char: str) -> bool:
    """Whether `char` is a variation selector that belongs behind `base`."""
    return any(
        _class(selector).match(char) and _class(bases).match(base) for selector, bases in _VARIANTS if base
    )


def _is_letter(char: str, members: str) -> bool:
    return unicodedata.category(char)[0] in "LM" and _class(f"[{members}]").match(char) is not None


@lru_cache(maxsize=1024)
def _may_join(base: str, joiner: str) -> bool:
    """Whether a joiner has something to join behind `base`."""
    if not base:
        return False
    if joiner == _MONGOLIAN_SEPARATOR:
        return _is_letter(base, _MONGOLIAN)
    if joiner == _ZWJ and _class(f"[{_PICTOGRAPH}{_SKIN_TONE}]").match(base):
        return True
    return _is_letter(base, _JOINING_SCRIPT)


@lru_cache(maxsize=4096)
def _joins(base: str, joiner: str, follower: str) -> bool:
    """Whether a joiner stands inside a grapheme; `follower` is empty at the end of the text."""
    if joiner == _ZWJ and _class(f"[{_PICTOGRAPH}{_SKIN_TONE}]").match(base):
        return bool(follower) and _class(f"[{_PICTOGRAPH}]").match(follower) is not None
    if unicodedata.combining(base) == 9:  # behind a virama it decides how the consonant is drawn
        return True
    if joiner == _ZWJ and _class("[\u0600-\u07ff\u0840-\u08ff]").match(base):
        return True  # a letter drawn in its joined form at the end of an abbreviation
    members = _MONGOLIAN if joiner == _MONGOLIAN_SEPARATOR else _JOINING_SCRIPT
    return bool(follower) and _is_letter(follower, members)


class StreamSanitizer:
    """The sanitizer for text that comes in pieces: however it is cut, the output is that of the whole.

    Holds back what only the next character decides (a carriage return, a joiner, a flag's tags); `flush` ends
    the text and gives the rest.
    """

    def __init__(self) -> None:
        self._base = ""  # the character that a joiner or a selector would belong to
        self._selected = False  # it already has its selector
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be shown of everything fed so far and not yet given."""
        if not text:
            return ""
        if not self._held and not _SIMPLE.search(text):
            self._base, self._selected = text[-1], False
            return text
        out: list[str] = []
        position = 0
        while position < len(text):
            plain = None if self._held else _PLAIN.match(text, position)
            if plain is not None:
                run = plain.group()
                out.append(run)
                self._base, self._selected = run[-1], False
                position = plain.end()
            else:
                self._step(text[position], out)
                position += 1
        return "".join(out)

    def flush(self) -> str:
        """The rest, once no more text comes; the sanitizer is as new afterwards."""
        out: list[str] = []
        self._release("", out)
        self._base, self._selected = "", False
        return "".join(out)

    def _step(self, char: str, out: list[str]) -> None:
        if self._held[:1] > "\U000e0000":  # tags of a flag, so far
            tags = self._held + char
            if _FLAG_TAGS.fullmatch(tags):
                out.append(tags)
                self._held, self._base = "", ""
                return
            if "\U000e0020" <= char <= "\U000e007e" and len(tags) < _LONGEST_FLAG:
                self._held = tags
                return
        self._release(char, out)
        if char == "\r":
            self._held = char
            return
        if _drawn(char):
            out.append(char)
        elif char in _JOINERS and _may_join(self._base, char):
            self._held = char
            return
        elif not self._selected and _selects(self._base, char):
            out.append(char)
            self._selected = True
            return
        elif self._base == _BLACK_FLAG and not self._selected and "\U000e0061" <= char <= "\U000e007a":
            self._held = char
            return
        else:
            out.append(_shown(char))
            char = ""
        self._base, self._selected = char, False

    def _release(self, follower: str, out: list[str]) -> None:
        """Give what was held, now that the character behind it is known."""
        held, self._held = self._held, ""
        if not held:
            return
        if held == "\r":
            if follower != "\n":
                out.append(_shown(held))
            self._base, self._selected = "", False
            return
        if held in _JOINERS and _joins(self._base, held, follower):
            out.append(held)
        else:
            out.extend(map(_shown, held))
        self._base, self._selected = "", False


def sanitize(text: str) -> str:
    """The whole of a text, made safe. Newlines and tabs stay, ``\\r\\n`` becomes ``\\n``."""
    if not _SIMPLE.search(text):
        return text
    stream = StreamSanitizer()
    return stream.feed(text) + stream.flush()


def marks(text: str) -> list[tuple[int, str]]:
    """What `sanitize` shows in the place of characters of one line: (position, what stands there instead).

    A line has no newline in it; everything else of the line is drawn as it is.
    """
    safe = sanitize(text)
    found = []
    at = 0
    if safe != text:
        for position, char in enumerate(text):
            if safe[at] == char:  # "<" itself is always drawn
                at += 1
            else:
                found.append((position, _shown(char)))
                at += len(found[-1][1])
    return found


def sanitize_styled(text: str) -> str:
    """A whole text made safe, but for its SGR sequences (``ESC [ digits ; ... m``: colour, bold ...), which stay.

    For what ockit itself has styled, which does so between graphemes only.
    """
    if "\x1b" not in text:
        return sanitize(text)
    parts = _SGR.split(text)
    return "".join(part if i % 2 else sanitize(part) for i, part in enumerate(parts))


def without_styles(text: str) -> str:
    """The text without its SGR sequences."""
    return _SGR.sub("", text)


def one_line(text: str) -> str:
    """A file name or a value in a message: safe, and on one line (newlines and tabs are shown too)."""
    return sanitize(text.replace("\r\n", "\r\r\n")).replace("\n", _shown("\n")).replace("\t", _shown("\t"))


def width(text: str) -> int:
    """Columns that one line of sanitized text takes in a terminal."""
    if text.isascii():
        return len(text)
    import wcwidth

    return max(0, wcwidth.wcswidth(text))


def shorten(text: str, columns: int) -> str:
    """One line cut at a grapheme's border to at most `columns` columns, the last one ``…`` where it was cut."""
    if width(text) <= columns:
        return text
    if columns < 1:
        return ""
    if text.isascii():
        return text[: columns - 1] + "…"
    import wcwidth

    kept, used = [], 0
    for grapheme in wcwidth.iter_graphemes(text):
        used += width(grapheme)
        if used > columns - 1:
            break
        kept.append(grapheme)
    return "".join(kept) + "…"


def folded(text: str, columns: int, hang: int = 0, used: int = 0) -> str:
    """Sanitized text with newlines between words, so that a terminal need not break a line within one.

    A word that is wider than a line stays whole: it is one to the person who copies it. Lines that fit, and lines
    with tabs (their width depends on the terminal), stay as they are.

    Args:
        hang: columns by which what does not fit is indented; a line that is indented itself keeps its own indentation
            where that is more, and a word that fits only without it goes without.
        used: columns that are taken in front of the first line.
    """
    first, *others = text.split("\n")
    return "\n".join(
        [_folded(first, columns, hang, used), *(_folded(line, columns, 0, 0) for line in others)]
    )


def _folded(line: str, columns: int, hang: int, used: int) -> str:
    if used + width(line) <= columns or "\t" in line:
        return line
    hang = max(hang, len(line) - len(line.lstrip(" ")))
    if hang > columns // 2:
        hang = 0
    pieces: list[str] = []
    for gap, word in _WORDS.findall(line):
        size = width(word)
        if used + len(gap) + size <= columns or (size > columns and not pieces):
            pieces += gap, word
            used += len(gap) + size
        else:
            indent = max(0, min(hang, columns - size))
            pieces += "\n", " " * indent, word
            used = indent + size
        if used > columns:  # the terminal breaks it
            used = (used - 1) % columns + 1
    return "".join(pieces)
