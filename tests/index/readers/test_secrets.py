"""Keys are found wherever they stand and however they are encoded, and no file that has one is read."""

from __future__ import annotations

import codecs
import json
import os
import time
from pathlib import Path

import pytest

import made_documents as made
from ockit.index.readers.child_process import ReaderChild
from ockit.index.readers.reading import ReadFile, ReadRequest, Unread
from ockit.index.readers.secrets import held_secret

BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDhX7w0a9Jm3kQv\n" * 3
KEY = f"-----BEGIN PRIVATE KEY-----\n{BODY}-----END PRIVATE KEY-----\n"
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
AWS = "AWS_SECRET_ACCESS_KEY=" + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYq0dk3Lm9Zx"


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
def test_blocks_of_every_kind(kind: str) -> None:
    block = KEY.replace("PRIVATE", f"{kind}PRIVATE")
    indented = "key: |\n" + "".join(f"    {line}\n" for line in block.split("\n"))
    quoted = "\n".join(f'    "{line}\\n"' for line in block.split("\n"))
    joined = "(\n" + "".join(f'    b"{line}\\n"\n' for line in block.split("\n")) + ")"
    added = " +\n".join(f"  '{line}\\n'" for line in block.split("\n"))
    nested = json.dumps(json.dumps({"key": block}))
    remarked = "".join(f"// {line}\n" for line in block.split("\n"))
    mailed = "".join(f"> {line}\n" for line in block.split("\n"))
    for text in (joined, added, nested, remarked, mailed, block.replace("\n", " ")):
        assert held_secret(text) == "a private key"
    for text in (block, f"# Notes\n\nSome words.\n\n{block}", indented, quoted, block.replace("\n", "\r\n")):
        assert held_secret(text) == "a private key"


def test_the_smallest_key_is_one() -> None:
    small = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v3VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
    assert held_secret(f"-----BEGIN PRIVATE KEY-----\n{small}\n-----END PRIVATE KEY-----") == "a private key"


def test_other_forms() -> None:
    headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"
    assert held_secret(f"-----BEGIN RSA PRIVATE KEY-----\n{headers}{BODY}") is not None
    assert held_secret(f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{BODY}") is not None
    putty = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 2\nAAAA\nPrivate-Lines: 1\nAAAA\n"
    assert held_secret(putty) is not None
    assert held_secret(f"So:\n{putty}".replace("\n", "\r\n> ")) is not None
    assert held_secret(json.dumps({"type": "service_account", "private_key": KEY})) is not None
    assert held_secret(json.dumps({"private_key": "0x" + "4f" * 32})) is not None
    for line in (AWS, f"export {AWS}", AWS.lower()[:22] + AWS[22:], AWS.replace("=", ' = "') + '"'):
        assert held_secret(f"REGION=eu-1\n{line}\nDEBUG=1\n") == "a secret key of AWS"


def test_texts_about_keys_hold_none() -> None:
    for text in (
        "A PEM file begins with -----BEGIN PRIVATE KEY-----.\nThen there are many lines of letters and digits.\n",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n" + "x" * 80,
        f"-----BEGIN CERTIFICATE-----\n{BODY}-----END CERTIFICATE-----\n",
        f"-----BEGIN PUBLIC KEY-----\n{BODY}-----END PUBLIC KEY-----\n",
        "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        "AWS_SECRET_ACCESS_KEY=${SECRET_FROM_THE_VAULT_OF_THIS_COMPANY}\n",
        '{"private_key_id": "' + "a" * 40 + '", "private_key": "see the vault"}',
        f"A file that begins with `-----BEGIN PRIVATE KEY-----`\n{SHA1}\n{SHA1} is one.\n",
        "It begins with -----BEGIN PRIVATE KEY----- and as RFC 5958 has it the lines of Base64 are 64 long each\n",
        f"-----BEGIN PRIVATE KEY-----\nThe key 1 itself:\n{BODY}",
        "export AWS_SECRET_ACCESS_KEY=" + "x" * 40,
        "The first lines PuTTY-User-Key-File-2 and -3 are,\nPuTTY-User-Key-File-2 and\nPrivate-Lines: 8\n",
        "PuTTY-User-Key-File-3: ssh-ed25519\nis the first line.\n",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC...\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n" + f"{'x' * 64}\n" * 9 + "-----END PRIVATE KEY-----\n",
        '{"private_key": "YOUR_PRIVATE_KEY_GOES_HERE_REPLACE_ME_PLEASE"}',
        f'if text.startswith("-----BEGIN PRIVATE KEY-----"):\n    return "{SHA1}a1b2c3d4"\n' * 2,
        (Path(__file__).parents[2] / "hostile_tree.py").read_text(encoding="utf-8"),
    ):
        assert held_secret(text) is None


def test_looking_takes_no_long_time() -> None:
    started = time.monotonic()
    headers = "-----BEGIN PRIVATE KEY-----\n" + "A: b\n" * 9
    for text in (
        headers * 20_000,
        "-----BEGIN " * 200_000,
        "-----BEGIN PRIVATE KEY-----" * 50_000,
        KEY[:28] * 50_000,
        '"private_key" ' * 100_000,
    ):
        assert held_secret(text) is None
    assert time.monotonic() - started < 3


def test_no_file_with_a_key_is_read(tmp_path: Path) -> None:
    prose = "# How to deploy\n\nCopy this to the server.\n\n"
    contents = {
        "deploy.md": (prose + KEY).encode(),
        "bom.txt": codecs.BOM_UTF8 + KEY.encode(),
        "wide.txt": codecs.BOM_UTF16_LE + (prose + KEY).encode("utf-16-le"),
        "bare.txt": (prose + KEY).encode("utf-16-be"),
        "far.txt": (prose * 2000 + KEY).encode(),
        "account.json": json.dumps({"private_key": KEY}, indent=1).encode(),
        "page.html": f"<p>Words<pre>{KEY}</pre>".encode(),
        "letter.docx": made.docx("".join(map(made.docx_paragraph, KEY.split("\n")))),
        "env.txt": AWS.encode(),
        "none.md": prose.encode(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    with ReaderChild(os.environ) as child:
        asked = [ReadRequest(tmp_path / name, name) for name in contents]
        outcomes = {request.path: outcome for request, outcome in child.read_many(asked)}
    assert isinstance(outcomes.pop("none.md"), ReadFile)
    for outcome in outcomes.values():
        assert isinstance(outcome, Unread)
        assert (outcome.reason, outcome.skipped) == ("secret", True)
        assert "MII" not in outcome.what
