"""Our table of tensor types against the library that is installed."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from ockit.formats.ggml_types import BY_NAME, FILE_TYPES, REMOVED, TYPES


def test_the_table_is_the_one_of_the_installed_ggml() -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    library = next(Path(llama_cpp.__file__).parent.glob("lib/libggml-base.*"))
    ggml = ctypes.CDLL(str(library))
    ggml.ggml_type_name.restype = ctypes.c_char_p
    ggml.ggml_blck_size.restype = ctypes.c_int64
    ggml.ggml_type_size.restype = ctypes.c_size_t
    for number, kind in TYPES.items():
        assert ggml.ggml_type_name(number).decode().upper() == kind.name
        assert ggml.ggml_blck_size(number) == kind.block
        assert ggml.ggml_type_size(number) == kind.size
    assert not set(TYPES) & set(REMOVED)
    for number in REMOVED:
        assert ggml.ggml_blck_size(number) == 0


def test_every_file_type_names_a_tensor_type() -> None:
    assert {expected for _, expected in FILE_TYPES.values()} <= set(BY_NAME)


def test_the_official_package_agrees() -> None:
    gguf = pytest.importorskip("gguf")
    for official in gguf.GGMLQuantizationType:
        block, size = gguf.GGML_QUANT_SIZES[official]
        kind = TYPES[official.value]
        if official.name == "Q8_1":  # never in a file; the package has its size of 2023
            continue
        assert (kind.name, kind.block, kind.size) == (official.name, block, size)
    labels = {
        kind.value: kind.name.removeprefix("MOSTLY_").removeprefix("ALL_") for kind in gguf.LlamaFileType
    }
    for number, (label, _) in FILE_TYPES.items():
        assert labels.get(number, label).removesuffix("_MOE") == label
