"""What a file that is no GGUF file looks like, and what to do with it.

Knows first bytes only; opens nothing.
"""

from __future__ import annotations

import codecs

_DOWNLOAD = "the download gave a web page, not the file; fetch the file itself"

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs.github.com/spec/",
        "a git-lfs pointer, not the model itself",
        "fetch it with: git lfs pull",
    ),
    (
        b"PK\x03\x04",
        "a zip archive or a PyTorch checkpoint",
        "ockit runs GGUF files; look for a .gguf of this model",
    ),
    (
        b"\x80\x02",
        "a Python pickle (an old PyTorch checkpoint)",
        "ockit never loads pickles; look for a .gguf",
    ),
    (b"\x1f\x8b", "a gzip archive", "unpack it first: gunzip FILE"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it first: unzstd FILE"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it first: unxz FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-zip archive", "unpack it first"),
    (b"\x89HDF\r\n", "an HDF5 (Keras) file", "ockit runs GGUF files; look for a .gguf of this model"),
    (
        b"lmgg",
        "a GGML file from before GGUF",
        "llama.cpp reads GGUF only; look for a newer file of this model",
    ),
    (b"fmgg", "a GGML (ggmf) file from before GGUF", "look for a newer, GGUF file of this model"),
    (b"tjgg", "a GGML (ggjt) file from before GGUF", "look for a newer, GGUF file of this model"),
    (
        b"FUGG",
        "a GGUF file with its bytes swapped (big-endian)",
        "look for a little-endian file of this model",
    ),
    (b"\x7fELF", "a program", "name a .gguf file"),
    (b"%PDF-", "a PDF document", "name a .gguf file"),
    (b"{", "a JSON document", "name the .gguf file itself"),
)


def describe(head: bytes, file_size: int) -> tuple[str, str]:
    """What the first bytes look like (``a zip archive ...``) and what to do about it.

    Args:
        head: the first 512 bytes, or fewer where the file is smaller.
        file_size: the size of the whole file in bytes.
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    # safetensors: the length of a JSON header in eight bytes, then the header
    tensors = head[8:9] == b"{" and int.from_bytes(head[:8], "little") + 8 <= file_size
    guesses: list[tuple[bool, str, str]] = [
        *((head.startswith(beginning), name, hint) for beginning, name, hint in _BEGINNINGS),
        (text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")), "a web page (HTML)", _DOWNLOAD),
        (tensors, "a safetensors file", "ockit runs GGUF files; look for a .gguf of this model"),
        (head[257:262] == b"ustar", "a tar archive", "unpack it first: tar xf FILE"),
        (not head.strip(b"\0"), "nothing but zeros: a download that did not finish", "fetch the file again"),
        (_is_text(head), "a text file", "name a .gguf file"),
    ]
    return next(
        ((name, hint) for fits, name, hint in guesses if fits),
        ("an unknown kind of file", "name a .gguf file"),
    )


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut at the end
    except UnicodeDecodeError:
        return False
    return True
