import pytest
from hypothesis import given
from hypothesis import strategies as st

from ockit.errors import UsageError
from ockit.models.names import checked_name, clean_name, is_name


@pytest.mark.parametrize("name", ["a", "llama-3.2-3b", "Qwen/Qwen3_0.6B", "x.y", "7b", "a" * 100])
def test_names(name):
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-m",
        ".hidden",
        "/abs",
        "a/",
        "a//b",
        "a/../b",
        "~",
        "a b",
        "a:b",
        "tab\t",
        "line\nbreak",
        "model.gguf",
        "MODEL.GGUF",
        "ä",
        "а",  # Cyrillic
        "a" * 101,
        "\x1b[31mred",
        "\x1b]0;title\x07",
        "\x9b1m",
        "a\u202eb",
        "a\u2066b",
        "zero\u200bwidth",
        "\ufeffbom",
        "nul\0",
    ],
)
def test_what_cannot_be_a_name(name):
    with pytest.raises(UsageError) as caught:
        checked_name(name)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Llama-3.2-3B-Instruct-Q4_K_M.gguf", "llama-3.2-3b-instruct-q4_k_m"),
        ("Smollm2 135M 8k", "smollm2-135m-8k"),
        ("  (odd)  [name] ", "odd-name"),
        ("a/b c", "a/b-c"),
        ("\x1b[31mred\u202e", "31mred"),
        ("...", ""),
        ("日本語", ""),
    ],
)
def test_clean_names(text, name):
    assert clean_name(text) == name


@given(st.text(max_size=300))
def test_a_clean_name_is_a_name(text):
    cleaned = clean_name(text)
    assert cleaned == "" or is_name(cleaned)
    assert clean_name(cleaned) == cleaned
