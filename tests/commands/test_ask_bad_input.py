"""Bad input to ``ockit ask``: one message each, the documented exit code, no traceback."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

import raw_gguf as raw
from asking import QUICK, error_of, saved
from tiny_models import write_model

MIB = 1 << 20


@pytest.fixture
def ask(run_ockit: Any) -> Any:
    def run(*args: str, **options: Any) -> Any:
        return run_ockit("ask", *args, **{"env": QUICK, **options})

    return run


# models


def png(path: Path) -> None:
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + b"\0" * 1000)


def truncated(path: Path) -> None:
    write_model(path)
    path.write_bytes(path.read_bytes()[:60_000])


def tiny_array_bomb(path: Path) -> None:
    """49 bytes that claim 2^63 array entries."""
    path.write_bytes(raw.file(raw.entry("a", raw.ARRAY, raw.array(raw.U8, 1 << 63)), n_entries=1))
    assert path.stat().st_size == 49


def huge(path: Path) -> None:
    """A sound file of 4 TiB of weights, all of them a hole."""
    write_model(path)
    size = 1 << 20, 1 << 19
    entries = raw.entry("general.architecture", raw.STRING, raw.string("llama"))
    entries += raw.entry("llama.context_length", raw.U32, struct.pack("<I", 4096))
    entries += raw.entry("llama.embedding_length", raw.U32, struct.pack("<I", size[1]))
    entries += raw.entry("llama.block_count", raw.U32, struct.pack("<I", 1))
    entries += raw.entry("llama.attention.head_count", raw.U32, struct.pack("<I", 4096))
    entries += raw.entry("tokenizer.ggml.model", raw.STRING, raw.string("gpt2"))
    tokens = b"".join(raw.string(str(i)) for i in range(8))
    entries += raw.entry("tokenizer.ggml.tokens", raw.ARRAY, raw.array(raw.STRING, 8, tokens))
    tensors = raw.tensor("token_embd.weight", (size[1], size[0]), 0, 0)
    path.write_bytes(raw.file(entries, tensors, n_entries=7, n_tensors=1, data=b""))
    length = path.stat().st_size
    os.truncate(path, length + size[0] * size[1] * 4)


BROKEN = {
    "png": (png, "GGUF"),
    "truncated": (truncated, ""),
    "49 bytes": (tiny_array_bomb, ""),
    "empty": (lambda path: path.write_bytes(b""), ""),
    "magic alone": (lambda path: path.write_bytes(b"GGUF"), ""),
    "text": (lambda path: path.write_text("Hello\n" * 100), "GGUF"),
    "zip": (lambda path: path.write_bytes(b"PK\x03\x04" + b"\0" * 100), "GGUF"),
    "huge": (huge, "memory"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_model(name: str, ask: Any, tmp_path: Path) -> None:
    write, said = BROKEN[name]
    path = tmp_path / "model.gguf"
    write(path)
    error = error_of(ask("-m", str(path), "x", timeout=10), 1)
    assert said in error
    assert "model.gguf" in error


def test_a_directory_a_missing_file_an_unreadable_one(ask: Any, tmp_path: Path) -> None:
    assert "directory" in error_of(ask("-m", str(tmp_path), "x"), 1)
    assert "no such file" in error_of(ask("-m", str(tmp_path / "no.gguf"), "x"), 3)
    locked = write_model(tmp_path / "locked.gguf")
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        pytest.skip("the superuser can read everything")
    assert "permission" in error_of(ask("-m", str(locked), "x"), 1).lower()


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_something_that_is_no_file(kind: str, ask: Any, tmp_path: Path) -> None:
    import socket

    path = tmp_path / "thing.gguf"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        path = Path("/dev/zero")
    error_of(ask("-m", str(path), "x", timeout=10), 1)


def test_an_unknown_model_names_the_nearest(ask: Any) -> None:
    error = error_of(ask("-m", "smollm2-135-instruct", "x"), 3)
    assert "near: smollm2-135m-instruct" in error
    error_of(ask("-m", "\x1b[31mred", "x"), 3)


def test_a_context_that_no_memory_holds(ask: Any) -> None:
    assert "memory" in error_of(ask("--ctx-size", str(10**9), "x"), 1)
    assert "memory" in error_of(ask("--ctx-size", str(2**31 - 1), "x"), 1)


# parameters


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--temp", "nan"], "nan"),
        (["--temp", "-1"], "-1"),
        (["--temp", "inf"], "inf"),
        (["--temp", "warm"], "warm"),
        (["--top-p", "2"], "2"),
        (["--top-k", "-3"], "-3"),
        (["--min-p", "1.5"], "1.5"),
        (["--repeat-penalty", "0"], "0"),
        (["--max-tokens", "0"], "0"),
        (["--max-tokens", "99999999999"], "99999999999"),
        (["--ctx-size", "-5"], "-5"),
        (["--ctx-size", "99999999999999999999"], "99999999999999999999"),
        (["--threads", "-1"], "-1"),
        (["--threads", "100000"], "100000"),
        (["--gpu-layers", "some"], "some"),
        (["--tensor-split", "a,b"], "a,b"),
        (["--main-gpu", "-1"], "-1"),
        (["--seed", "-1"], "-1"),
        (["--seed", "4294967295"], "4294967295"),
        (["--seed", "9" * 400], "99"),
        (["--stop", ""], "stop string is empty"),
        (["--option", "nonsense"], "KEY=VALUE"),
        (["--option", "a=b"], "'a'"),
        (["--option", "=b"], "KEY=VALUE"),
        (["--option", "dry_multiplier=x"], "dry_multiplier"),
        (["--option", "repeat_last_n=-2"], "repeat_last_n"),
        (["--option", "logit_bias=1"], "logit_bias"),
        (["--option", "logit_bias=1:nan"], "logit_bias"),
        (["--option", "logit_bias=1:2,x:3"], "logit_bias"),
        (["--option", "logit_bias=99999999999999:1"], "logit_bias"),
        (["--option", "grammar=root ::= x"], "grammar"),
        (["--temp"], "--temp"),
        (["--nonsense"], "--nonsense"),
        (["--flash-attention", "maybe"], "flash-attention"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_parameter_that_cannot_be(args: list[str], said: str, ask: Any, ockit_home: Path) -> None:
    assert said in error_of(ask("--max-tokens", "4", "hi", *args), 2)
    if "grammar" not in said:  # only the model's process can tell
        assert saved(ockit_home) == []


# questions


@pytest.mark.parametrize("args", [[], [""], ["  ", "\n"]], ids=["none", "empty", "blank"])
def test_no_question(args: list[str], ask: Any, ockit_home: Path) -> None:
    assert "there is no question" in error_of(ask(*args), 2)
    assert saved(ockit_home) == []


def test_stdin_that_is_no_utf8(ask: Any, ockit_home: Path) -> None:
    error = error_of(ask("hi", input=b"one\ntwo\nthr\xe9e\n"), 2)
    assert "0xe9" in error
    assert "standard input:3" in error
    assert saved(ockit_home) == []


def test_a_nul_byte(ask: Any, tmp_path: Path) -> None:
    assert "NUL" in error_of(ask("hi", input=b"one\ntwo\0\n"), 2)
    (tmp_path / "binary").write_bytes(b"ELF\0\0")
    error = error_of(ask("-f", str(tmp_path / "binary"), "hi"), 2)
    assert "NUL" in error
    assert "binary:1" in error


def test_a_prompt_with_bytes_that_are_no_text(run_ockit: Any) -> None:
    command = [*run_ockit.command(), "ask", "--max-tokens", "2", b"caf\xe9"]
    done = subprocess.run(
        command, env=run_ockit.variables(QUICK), capture_output=True, check=False, input=b""
    )
    assert done.returncode in (0, 2), done
    assert b"Traceback" not in done.stderr
    assert b"internal error" not in done.stderr


def test_attached_files_that_cannot_be_read(ask: Any, tmp_path: Path) -> None:
    assert "missing.txt" in error_of(ask("-f", "missing.txt", "hi"), 3)
    assert "directory" in error_of(ask("-f", str(tmp_path), "hi"), 2)
    (tmp_path / "latin").write_bytes(b"caf\xe9")
    assert "latin:1" in error_of(ask("-f", str(tmp_path / "latin"), "hi"), 2)


# large input


MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.returncode)
"""


def measured(run_ockit: Any, args: list[str], data: bytes) -> tuple[int, int, str]:
    """(exit code, peak memory in MiB of the largest process, stderr) of a run fed with so much input."""
    command = [sys.executable, "-c", MEASURED, *run_ockit.command(), *args]
    done = subprocess.run(
        command, input=data, env=run_ockit.variables(QUICK), capture_output=True, check=True, timeout=120
    )
    peak, code = done.stdout.decode().splitlines()[-1].split()
    return int(code), int(peak) // 1024, done.stderr.decode()


def test_a_hundred_megabytes_on_stdin(run_ockit: Any) -> None:
    data = b"All work and no play. " * (100 * MIB // 22)
    code, peak, stderr = measured(run_ockit, ["ask", "Summarise."], data)
    assert code == 4
    assert "error: standard input is larger than 16 MiB" in stderr
    assert peak < 200


@pytest.mark.parametrize("char", ["a", "\x01", "🌍", " \n"], ids=["letters", "controls", "emoji", "space"])
def test_as_much_as_is_read_but_more_than_fits(char: str, run_ockit: Any) -> None:
    data = b"x" + char.encode() * (15 * MIB // len(char.encode())) + b"."
    code, peak, stderr = measured(run_ockit, ["ask", "What is this?"], data)
    assert code == 4, stderr
    assert stderr.startswith("error: ")
    assert "Traceback" not in stderr
    assert peak < 700


def test_many_large_files(ask: Any, tmp_path: Path, ockit_home: Path) -> None:
    args = []
    for number in range(4):
        (tmp_path / f"{number}.txt").write_bytes(b"word " * (2 * MIB))
        args += ["-f", str(tmp_path / f"{number}.txt")]
    error_of(ask(*args, "hi"), 4)


def test_a_file_larger_than_any_context(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "large.txt").write_bytes(b"")
    os.truncate(tmp_path / "large.txt", 40 * MIB)
    error_of(ask("-f", str(tmp_path / "large.txt"), "hi"), 4)


def test_truncate_answers_and_says_what_was_cut(ask: Any, ockit_home: Path) -> None:
    data = b"".join(b"Line %d of a long report.\n" % n for n in range(400_000))
    assert len(data) > 10 * MIB
    error_of(ask("--max-tokens", "4", "Summarise.", input=data), 4)
    done = ask("--truncate", "--ctx-size", "256", "--max-tokens", "4", "Summarise.", input=data)
    assert done.code == 0, done
    assert "attached text was cut to its first" in done.stderr
    asked = saved(ockit_home)[-1][0].text
    assert asked.startswith("standard input:\n\nLine 0 of a long report.\nLine 1")
    assert asked.endswith("\n\nSummarise.")
    answer = saved(ockit_home)[-1][1]
    assert answer.usage is not None
    assert 230 < answer.usage.prompt_tokens <= 252


def test_truncate_takes_the_beginning_of_what_is_too_large_to_read(ask: Any) -> None:
    data = ("é" * (10 * MIB)).encode()
    done = ask("--truncate", "--ctx-size", "256", "--max-tokens", "4", "Summarise.", input=data)
    assert done.code == 0, done
    assert "attached text was cut" in done.stderr


def test_truncate_cannot_shorten_the_question_itself(ask: Any) -> None:
    error_of(ask("--truncate", "word " * 2000), 4)


def test_an_overflow_is_counted_in_tokens(ask: Any, ockit_home: Path) -> None:
    error = error_of(ask("--ctx-size", "256", "word " * 300), 4)
    assert "tokens" in error
    assert "--ctx-size" in error
    assert saved(ockit_home)[0][0].text.startswith("word word")
    assert ask("--ctx-size", "512", "--max-tokens", "2", "word " * 300).code == 0


def test_a_tight_limit_on_descriptors(run_ockit: Any) -> None:
    """The model's process cannot be started: one message."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))

    command = [*run_ockit.command(), "ask", "--max-tokens", "2", "hi"]
    done = subprocess.run(
        command, env=run_ockit.variables(QUICK), capture_output=True, check=False, input=b"", preexec_fn=limit
    )
    assert done.returncode in (0, 1), done
    assert b"Traceback" not in done.stderr
