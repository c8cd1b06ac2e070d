"""Keys in a text, wherever they stand in it: nothing of a file that has one may come into an index.

Knows the forms that cannot be mistaken: blocks of private keys (RFC 7468, OpenSSH, OpenPGP) that have a body, PuTTY's
files, the key of a service account, AWS's secret keys. Knows no file names; a text about keys holds none.
"""

from __future__ import annotations

import re

_BLOCK = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_BODY = 1000  # characters behind the first line, in which a body begins
_ENCODED = re.compile(r"[A-Za-z0-9+/]{32}")  # base64; no word is that long
_PUTTY = re.compile(r"^\ufeff?PuTTY-User-Key-File-\d", re.MULTILINE)
_JSON = re.compile(r'"private_?[kK]ey"\s{0,9}:\s{0,9}"(?:0x)?[A-Za-z0-9+/=_-]{32}')
_AWS = re.compile(
    r"(?:AWS_SECRET_ACCESS_KEY|aws_secret_access_key|SecretAccessKey)[\"']?\s{0,9}[=:]\s{0,9}[\"']?"
    r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])"
)


def held_secret(text: str) -> str | None:
    """What a text holds that nobody else should have, as the end of a sentence; None where it is nothing."""
    for block in _BLOCK.finditer(text):
        body = text[block.end() : block.end() + _BODY].partition("-----END")[0]
        if _ENCODED.search(body):
            return "a private key"
    if _PUTTY.search(text) or _JSON.search(text):
        return "a private key"
    if any("EXAMPLE" not in found[1] for found in _AWS.finditer(text)):  # those of Amazon's own texts have it
        return "a secret key of AWS"
    return None
