"""The rules by which segments become ids, each alone."""

from __future__ import annotations

import pytest

import tiny_models
from ockit.errors import OckitError
from ockit.prompts.encode import encode
from ockit.prompts.segments import Bos, Control, Ids, Text, from_json, to_json
from ockit.prompts.templates import named
from prompts.published import conversation
from prompts.vocabularies import load


def read(ids, vocabulary) -> str:
    return b"".join(map(vocabulary.piece, ids)).decode()


def test_nothing_is_nothing(vocabulary_named):
    for name in ("smollm2", "llama-spm"):
        assert encode([], vocabulary_named(name)) == []
        assert encode([Text(""), Ids((), "")], vocabulary_named(name)) == []


def test_the_begin_of_text_stands_once_at_the_front_where_the_model_wants_it(vocabulary_named):
    spm, smollm2 = vocabulary_named("llama-spm"), vocabulary_named("smollm2")
    assert encode([Bos(), Bos(), Text("")], spm) == [1]
    assert encode([Bos(), Text("a"), Bos(), Text("a")], spm) == [1, *spm.tokenize("a"), 1, *spm.tokenize("a")]
    assert encode([Bos(), Text("a")], smollm2) == smollm2.tokenize("a")


def test_text_between_control_tokens_is_one_text(vocabulary_named):
    for name in ("smollm2", "llama-spm", "phi-3"):
        vocabulary = vocabulary_named(name)
        assert encode([Text("Hel"), Text("lo wor"), Text("ld")], vocabulary) == vocabulary.tokenize(
            "Hello world"
        )


def test_a_marker_the_vocabulary_lacks_is_text(vocabulary_named):
    vocabulary = vocabulary_named("llama-spm")
    ids = encode([Control("<|im_start|>"), Text("user")], vocabulary)
    assert ids == vocabulary.tokenize("<|im_start|>user")


def test_markers_that_eat_white_space(vocabulary_named):
    vocabulary = vocabulary_named("phi-3")
    user, end = vocabulary.marker("<|user|>"), vocabulary.marker("<|end|>")
    assert vocabulary.strips(user) == (False, True)
    hi = vocabulary.tokenize("hi ")
    assert encode([Control("<|user|>"), Text("\n \t hi "), Control("<|end|>"), Text("\n")], vocabulary) == [
        user,
        *hi,
        end,
    ]
    no_break = encode([Control("<|user|>"), Text("\u00a0hi")], vocabulary)
    assert read(no_break[1:], vocabulary) == " \u00a0hi"


@pytest.mark.parametrize("name", ["smollm2", "llama-spm", "phi-3", "spm-control", "qwen2"])
@pytest.mark.parametrize("text", ["b", " b", "\nb", "\n\n<human>: b", "  ", "é", "\t", "▁", "."])
def test_text_after_an_answers_ids_gets_no_space_in_front(vocabulary_named, name, text):
    vocabulary = vocabulary_named(name)
    answer = tuple(vocabulary.tokenize("Yes"))
    ids = encode([Text("a"), Ids(answer, "Yes"), Text(text)], vocabulary)
    head = len(vocabulary.tokenize("a")) + len(answer)
    assert read(ids[head:], vocabulary) == (
        text if "spm" not in name and name != "phi-3" else text.replace("▁", " ")
    )


def test_the_token_that_ended_an_answer_is_not_doubled(vocabulary_named):
    vocabulary = vocabulary_named("smollm2")
    end = vocabulary.marker("<|im_end|>")
    rest = [Control("<|im_end|>"), Text("\n")]
    assert encode([Ids((5000, end), "x"), *rest], vocabulary) == encode(
        [Ids((5000,), "x"), *rest], vocabulary
    )
    assert encode([Ids((5000, end), "x"), Text("\n"), *rest], vocabulary).count(end) == 2


@pytest.mark.parametrize("token", [-1, 10**6])
def test_ids_of_another_vocabulary_are_refused(vocabulary_named, token):
    with pytest.raises(OckitError, match=str(token)) as caught:
        encode([Ids((5, token), "x")], vocabulary_named("smollm2"))
    assert caught.value.hint


def test_a_character_that_is_a_control_token_cannot_be_said(tmp_path):
    made = tiny_models.pair_vocabulary("<|endoftext|>", "<|im_start|>").retyped({"Q": tiny_models.CONTROL})
    vocabulary = load(tiny_models.write_model(tmp_path / "m.gguf", vocabulary=made))
    with pytest.raises(OckitError, match="'Q'"):
        encode([Text("some Quite long text")], vocabulary)


def test_a_word_that_ends_turns_is_broken_in_text(vocabulary_named):
    vocabulary = vocabulary_named("qwen2")
    end = vocabulary.marker("</s>")
    assert vocabulary.is_control(end)
    raw = [text for text in ("</s>", " </s>", "x</s>", "\n</s>\n") if end in vocabulary.tokenize(text)]
    for text in (*raw, "<s>a</s>" * 50):
        ids = encode([Text(text)], vocabulary)
        assert end not in ids
        assert read(ids, vocabulary) == text


def test_segments_survive_the_pipe():
    prompt = named("llama-2").render(conversation("s", "u", "a", "<s>[INST]")).segments
    assert tuple(from_json(to_json(prompt))) == prompt
