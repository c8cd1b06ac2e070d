"""Keys in a text, wherever they stand in it: nothing of a file that has one may come into an index.

Knows the forms that cannot be mistaken: blocks of private keys (RFC 7468, OpenSSH, OpenPGP) that have a body, PuTTY's
files, the key of a service account, AWS's secret keys. What stands for a key in an example is none: a key is random,
so that it has letters of both cases, digits, and many different ones. Knows no file names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BLOCK = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_WINDOW = 2000  # characters behind the first line: headers, and as much of a body as tells that it is one
_LINE_END = re.compile(r"(?:\\{1,4}r)?\\{1,4}n|\r\n?|\n")  # also as a string of a program or of JSON has it
_BEFORE = re.compile(
    r"(?:[\s\"'>#*|,.]|//\s|\+\s|[bBrRuUfF]{1,2}(?=[\"']))*"
)  # quotes, comments, joined strings
_BEHIND = " \t\"',.;+\\"
_FIRST_BEHIND = " \t\r\n\"'\\"  # or nothing
_HEADER = re.compile(r"[A-Za-z][A-Za-z-]{0,40}: ")
_ENCODED = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_WORD = 20  # characters of base64 that are no word of a sentence
_LEAST = 60  # characters of the smallest key, one of 32 bytes
_DIFFERENT = 12
_PUTTY = (
    re.compile(r"^\ufeff?[ \t>]{0,40}PuTTY-User-Key-File-\d: \S", re.MULTILINE),
    re.compile(r"^[ \t>]{0,40}Private-Lines: \d", re.MULTILINE),
)
_JSON = re.compile(r'"private_?[kK]ey"\s{0,9}:\s{0,9}"([A-Za-z0-9+/=_-]{32,200})')
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_AWS = re.compile(
    r"(?:AWS_SECRET_ACCESS_KEY|aws_secret_access_key|SecretAccessKey)[\"']?\s{0,9}[=:]\s{0,9}[\"']?"
    r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
)


def held_secret(text: str) -> str | None:
    """What a text holds that nobody else should have, as the end of a sentence; None where it is nothing."""
    for block in _BLOCK.finditer(text):
        if text[block.end() : block.end() + 1] not in _FIRST_BEHIND:
            continue
        if _random(_body(text[block.end() : block.end() + _WINDOW].partition("-----END")[0]), _LEAST):
            return "a private key"
    if all(line.search(text) for line in _PUTTY):
        return "a private key"
    if any(_random(found[1], 32) or _HEX.fullmatch(found[1]) for found in _JSON.finditer(text)):
        return "a private key"
    for found in _AWS.finditer(text):
        if "EXAMPLE" not in found[1] and _random(found[1], 40):  # those of Amazon's own texts have it
            return "a secret key of AWS"
    return None


def _body(behind: str) -> str:
    """What is encoded in the lines behind the first one of a block, up to the first that is no such line."""
    body = ""
    for number, line in enumerate(_lines(behind)):
        start = _BEFORE.match(line)
        rest = line[start.end() if start else 0 :].rstrip(_BEHIND)
        if number and not body and _HEADER.match(rest):
            continue
        words = rest.split()
        alone = number > 0 and len(words) == 1
        for word in words:  # of one line where its ends became blanks, or of a sentence
            if not _ENCODED.fullmatch(word) or (len(word) < _WORD and not alone and word != words[-1]):
                return body
            body += word
        if len(body) > _WINDOW // 2:
            break
    return body


def _lines(text: str) -> Iterator[str]:
    """One after the other: most blocks that are none are so in their first line."""
    at = 0
    for end in _LINE_END.finditer(text):
        yield text[at : end.start()]
        at = end.end()
    yield text[at:]


def _random(text: str, least: int) -> bool:
    """Whether so many characters may be a key rather than something that stands for one."""
    kinds = (str.islower, str.isupper, str.isdigit)
    return len(text) >= least and len(set(text)) >= _DIFFERENT and all(any(map(kind, text)) for kind in kinds)
