"""Whatever is put in a model's place is refused in one sentence: what it is, where, what to do."""

from __future__ import annotations

import os
import resource
import socket
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ockit.errors import ExitCode, ModelFileError, NotFound
from ockit.formats.gguf_header import read_header
from raw_gguf import ARRAY, BOOL, F32, STRING, U8, U32, array, entry, file, string, tensor


def refusal(path: Path) -> ModelFileError:
    """The error of a file that must be refused, at once and in little memory."""
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    took, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 1
    assert peak < 64 << 20
    assert caught.value.where == str(path)
    assert caught.value.exit_code is ExitCode.FAILURE
    assert len(caught.value.what) < 300
    return caught.value


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "model.gguf"
        path.write_bytes(data)
        return path

    return write


def test_nothing_there(tmp_path: Path) -> None:
    for path in (
        tmp_path / "no.gguf",
        tmp_path / "no" / "no.gguf",
        tmp_path / ("x" * 300),
        Path("a\0b.gguf"),
    ):
        with pytest.raises(NotFound) as caught:
            read_header(path)
        assert caught.value.exit_code is ExitCode.NOT_FOUND
        assert caught.value.hint


def test_a_link_to_nowhere_says_where_it_leads(tmp_path: Path) -> None:
    link = tmp_path / "link.gguf"
    link.symlink_to("gone.gguf")
    with pytest.raises(NotFound, match=r"leads to gone\.gguf"):
        read_header(link)
    ring = tmp_path / "ring.gguf"
    ring.symlink_to(ring)
    assert "cannot be read" in refusal(ring).what


def test_directories_pipes_devices_and_sockets_are_not_opened(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    listening = socket.socket(socket.AF_UNIX)
    with listening:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's name may have 100 bytes
        listening.bind("socket.gguf")
        os.chdir(here)
        assert "a directory" in refusal(tmp_path).what
        assert "a named pipe" in refusal(pipe).what
        assert "a device" in refusal(Path("/dev/zero")).what
        assert "a socket" in refusal(tmp_path / "socket.gguf").what


def test_an_unreadable_file(written: Callable[[bytes], Path]) -> None:
    path = written(file())
    path.chmod(0)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)  # root may read everything
    try:
        assert "cannot be read: Permission denied" in refusal(path).what
    finally:
        os.seteuid(me)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"GG", "past the end"),
        (b"GGUF\3\0\0\0", "past the end"),
        (struct.pack("<Q", 20) + b'{"a":{"dtype":"F32"}}', "safetensors"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git-lfs pointer"),
        (b"\n <!DOCTYPE html><html><body>Not Found</body></html>", "web page"),
        (b"<html>", "web page"),
        (b"\x80\x02}q\0.", "pickle"),
        (b"\x1f\x8b\x08\0abc", "gzip"),
        (b"lmggabcdefgh", "GGML file from before GGUF"),
        (b"tjggabcdefgh", "GGML"),
        (b"FUGG\0\0\0\3", "big-endian"),
        (b'{"model_type": "llama"}', "JSON"),
        (bytes(4096), "did not finish"),
        ("ein Märchen, kein Modell\n".encode(), "text file"),
        (b"\x93NUMPY\x01\0v\0", "unknown kind"),
        (bytes(257) + b"ustar\x00" + bytes(300), "tar archive"),
    ],
)
def test_other_kinds_of_files_are_told_apart(
    written: Callable[[bytes], Path], data: bytes, what: str
) -> None:
    error = refusal(written(data))
    assert what in error.what
    assert error.hint


def test_a_pytorch_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"x")
    assert "named .gguf but is a zip archive or a PyTorch checkpoint" in refusal(path).what


def test_a_pointer_says_how_to_fetch_the_file(written: Callable[[bytes], Path]) -> None:
    error = refusal(written(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 98362432\n"))
    assert error.hint == "fetch it with: git lfs pull"


def test_versions(written: Callable[[bytes], Path]) -> None:
    assert read_header(written(file(version=2))).version == 2
    assert read_header(written(file(version=3))).version == 3
    assert "version 1" in refusal(written(file(version=1))).what
    assert "big-endian GGUF file (version 3)" in refusal(written(file(version=3 << 24))).what
    assert "version is 4" in refusal(written(file(version=4))).what
    assert "version is 0" in refusal(written(file(version=0))).what


def test_49_bytes_that_claim_an_array_of_two_to_the_63(written: Callable[[bytes], Path]) -> None:
    data = file(entry("k", ARRAY, array(U8, 1 << 63)), n_entries=1)
    assert len(data) == 49
    error = refusal(written(data))
    assert "9223372036854775808" in error.what
    assert "at byte" in error.what


HUGE = [2**16 + 1, 2**31, 2**32, 2**61, 2**63 - 1, 2**63, 2**64 - 1]


@pytest.mark.parametrize("huge", HUGE)
def test_huge_counts(written: Callable[[bytes], Path], huge: int) -> None:
    for kind in (U8, U32, STRING):
        refusal(written(file(entry("k", ARRAY, array(kind, huge)), n_entries=1)))
    refusal(written(file(n_entries=huge)))
    refusal(written(file(n_tensors=huge)))
    refusal(written(file(struct.pack("<Q", huge) + b"key", n_entries=1)))
    refusal(written(file(entry("k", STRING, struct.pack("<Q", huge)), n_entries=1)))
    refusal(written(file(entry("k", ARRAY, array(STRING, 1, struct.pack("<Q", huge))), n_entries=1)))
    refusal(written(file(tensor("t", (huge, huge, huge, huge)), n_tensors=1)))
    refusal(written(file(tensor("t", (32,), 0, huge // 32 * 32), n_tensors=1)))


def test_a_sparse_file_does_not_make_counts_believable(tmp_path: Path) -> None:
    """A terabyte of nothing behind the header: the limits that do not depend on the size must hold."""
    path = tmp_path / "sparse.gguf"
    for head in (
        file(n_entries=10**9),
        file(n_tensors=10**10),
        file(entry("k", ARRAY, array(STRING, 10**10)), n_entries=1),
        file(entry("tokenizer.ggml.tokens", ARRAY, array(STRING, 10**8)), n_entries=1),
        file(entry("k", STRING, struct.pack("<Q", 1 << 35)), n_entries=1),
        file(struct.pack("<Q", 1 << 35), n_entries=1),
        file(
            entry("tokenizer.ggml.tokens", ARRAY, array(STRING, 9, struct.pack("<Q", 1 << 35))), n_entries=1
        ),
    ):
        path.write_bytes(head)
        os.truncate(path, 1 << 40)
        refusal(path)


def test_long_texts_have_a_limit_together(tmp_path: Path) -> None:
    path = tmp_path / "long.gguf"
    text = string(b"a" * (15 << 20))
    path.write_bytes(
        file(*(entry(f"k{i}", STRING, text) for i in range(5)), n_entries=5),
    )
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="bytes of text"):
        read_header(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 160 << 20


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ((entry("", U32, bytes(4)),), "empty"),
        ((entry(b"\xff\xfe", U32, bytes(4)),), "not UTF-8"),
        ((entry("k", STRING, string(b"\xc3")),), "not UTF-8"),
        ((entry("k", 13, bytes(4)),), "unknown type 13"),
        ((entry("k", ARRAY, array(ARRAY, 1, array(U8, 0))),), "array of arrays"),
        ((entry("k", ARRAY, array(99, 1)),), "unknown type 99"),
        ((entry("k", U32, bytes(4)), entry("k", U8, bytes(1))), "occurs twice"),
        ((entry("general.alignment", U32, struct.pack("<I", 0)),), "power of two"),
        ((entry("general.alignment", U32, struct.pack("<I", 48)),), "power of two"),
        ((entry("general.alignment", U32, struct.pack("<I", 1 << 31)),), "power of two"),
        ((entry("general.alignment", F32, bytes(4)),), "32-bit unsigned"),
        ((entry("general.alignment", ARRAY, array(U32, 1, bytes(4))),), "32-bit unsigned"),
        ((entry("tokenizer.ggml.merges", ARRAY, array(STRING, 1, string("ab"))),), "no ' '"),
        ((entry("tokenizer.ggml.merges", ARRAY, array(STRING, 1, string(" b"))),), "no ' '"),
    ],
)
def test_impossible_metadata(written: Callable[[bytes], Path], parts: tuple[bytes, ...], what: str) -> None:
    assert what in refusal(written(file(*parts, n_entries=len(parts)))).what


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ((tensor("", (32,)),), "empty"),
        ((tensor("a\0b", (32,)),), "zero byte"),
        ((tensor("n" * 64, (32,)),), "64 bytes; the limit is 63"),
        ((tensor(b"\xff", (32,)),), "not UTF-8"),
        ((tensor("t", ()),), "0 dimensions"),
        ((tensor("t", (1, 1, 1, 1, 1)),), "5 dimensions"),
        ((tensor("t", (0,)),), "impossible shape"),
        ((tensor("t", (32, 0)),), "impossible shape"),
        ((tensor("t", (1 << 40, 1 << 40)),), "impossible shape"),
        ((tensor("t", (33,), 2),), "blocks of 32"),
        ((tensor("t", (32,), 4),), "Q4_2"),
        ((tensor("t", (32,), 43),), "unknown type 43"),
        ((tensor("t", (32,), 0, 1),), "not a multiple of 32"),
        ((tensor("t", (32,), 0, 32),), "expected 0"),
        ((tensor("t", (1024,)),), "past the end"),
        ((tensor("t", (32,)), tensor("t", (32,), 0, 128)), "occurs twice"),
        ((tensor("t", (32,)), tensor("u", (32,), 0, 64)), "expected 128"),
    ],
)
def test_impossible_tensors(written: Callable[[bytes], Path], parts: tuple[bytes, ...], what: str) -> None:
    assert what in refusal(written(file(*parts, n_tensors=len(parts), data=bytes(256)))).what


def test_sound_files_of_the_same_builders_are_read(written: Callable[[bytes], Path]) -> None:
    header = read_header(
        written(
            file(
                entry("general.alignment", U32, struct.pack("<I", 64)),
                entry("b", BOOL, b"\1"),
                entry("a", ARRAY, array(STRING, 2, string("x") + string("y"))),
                entry("n", ARRAY, array(U32, 0)),
                tensor("t", (32, 1)),
                tensor("u", (32,), 2, 128),
                n_entries=4,
                n_tensors=2,
                data=bytes(32 + 256),
            )
        )
    )
    assert header.metadata["b"] is True
    assert header.array("a") is not None
    assert header.array("a").values == ("x", "y")  # type: ignore[union-attr]
    assert header.strings("a") == [b"x", b"y"]
    assert header.numbers("n") == []
    assert [tensor.offset for tensor in header.tensors] == [header.data_offset, header.data_offset + 128]
    assert header.data_offset % 64 == 0


def test_names_out_of_the_file_are_cut_in_messages(written: Callable[[bytes], Path]) -> None:
    error = refusal(written(file(entry("k" * 60_000, 77, b""), n_entries=1)))
    assert "kkk...' has the unknown type 77" in error.what


def test_every_truncation_of_a_model_is_refused(tiny: Path, written: Callable[[bytes], Path]) -> None:
    data = tiny.read_bytes()
    path = written(data)
    for length in [*range(0, 3000, 7), *range(3000, len(data), 4999), len(data) - 32]:
        path.write_bytes(data[:length])
        assert "at byte" in refusal(path).what or length < 4


def test_a_file_that_shrinks_after_it_was_read(tiny: Path, written: Callable[[bytes], Path]) -> None:
    path = written(tiny.read_bytes())
    header = read_header(path)
    path.write_bytes(tiny.read_bytes()[:500])
    for key in ("tokenizer.ggml.tokens", "tokenizer.ggml.token_type"):
        with pytest.raises(ModelFileError, match="past the end"):
            header.strings(key) or header.numbers(key)
    path.unlink()
    with pytest.raises(NotFound):
        header.strings("tokenizer.ggml.tokens")


def test_no_descriptor_is_left_open(tiny: Path, written: Callable[[bytes], Path]) -> None:
    path = written(file(version=9))
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        for _ in range(300):
            read_header(tiny)
            with pytest.raises(ModelFileError):
                read_header(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
