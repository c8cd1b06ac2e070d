from __future__ import annotations

import ast
from pathlib import Path

import pytest

import ockit.prompts
from ockit.errors import NotFound, UsageError
from ockit.messages import Conversation, Message
from ockit.prompts.segments import Bos, Control, Ids, Text
from ockit.prompts.templates import known_markers, named, names, with_conditions
from prompts.published import conversation, text_of

PLAIN = {"alpaca", "openchatkit", "vicuna"}


def test_the_family_is_complete():
    wanted = "chatml llama-2 llama-3 mistral gemma phi-3 zephyr alpaca vicuna openchat openchatkit"
    assert set(wanted.split()) <= set(names())
    assert all(named(name).name == name for name in names())


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(NotFound, match="'chatlm'") as caught:
        named("chatlm")
    assert "chatml" in caught.value.hint
    with pytest.raises(NotFound) as caught:
        named("")
    assert set(names()) <= set(caught.value.hint.removeprefix("the nearest: ").split(", "))


@pytest.mark.parametrize("name", names())
def test_a_prompt_ends_with_the_generation_prompt(name):
    template = named(name)
    prompt = template.render(conversation("sys", "one", "two", "three"))
    end = text_of(named(name).render(Conversation())).removeprefix("<s>")
    if template.default_system:
        end = end.partition(template.default_system)[2].lstrip()
    assert text_of(prompt).endswith("three" + text_of(prompt).rpartition("three")[2])
    assert text_of(prompt).endswith(template.generation.replace("{condition}", "GPT4 Correct"))
    assert template.generation.replace("{condition}", "GPT4 Correct") in end


@pytest.mark.parametrize("name", names())
def test_every_word_is_there_once_and_in_order(name):
    text = text_of(named(name).render(conversation("S-y-s", "U-1", "A-1", "U-2")))
    places = [text.find(word) for word in ("U-1", "A-1", "U-2")]
    assert places == sorted(places)
    assert -1 not in places
    assert [text.count(word) for word in ("S-y-s", "U-1", "A-1", "U-2")] == [1] * 4


@pytest.mark.parametrize("name", names())
def test_markers_are_control_and_content_is_text(name):
    every = " ".join(sorted(known_markers()))
    template = named(name)
    prompt = template.render(conversation(every, every, every, every))
    plain = template.render(conversation("s", "u", "a", "u"))
    assert [s for s in prompt.segments if isinstance(s, Control)] == [
        s for s in plain.segments if isinstance(s, Control)
    ]
    assert {s.text for s in plain.segments if isinstance(s, Control)} <= set(template.all_markers)
    assert prompt.segments[0] == Bos()


@pytest.mark.parametrize("name", names())
def test_generated_answers_keep_their_ids_right_after_the_generation_prompt(name):
    first = conversation(None, "one")
    answered = first.add(Message("assistant", " two", (7, 8)))
    template = named(name)
    before = template.render(first).segments
    after = template.render(answered.add(Message("user", "three"))).segments
    place = after.index(Ids((7, 8), " two"))
    if template.fold_into == "first":
        assert after[:place] == before
    assert not any(isinstance(s, Ids) for s in before)


def test_stop_strings_are_given_where_no_token_ends_a_turn():
    assert {name for name in names() if named(name).stop} == PLAIN
    assert "<human>:" in named("openchatkit").stop


@pytest.mark.parametrize("condition", ["GPT4 Correct", "Code", "Math Correct"])
def test_a_condition_names_every_line(condition):
    prompt = named("openchat").render(conversation("s", "u", "a", "u"), condition=condition)
    texts = [s.text for s in prompt.segments if isinstance(s, Text)]
    assert texts == [
        f"{condition} System: s",
        f"{condition} User: u",
        f"{condition} Assistant: a",
        f"{condition} User: u",
        f"{condition} Assistant:",
    ]


def test_a_condition_stands_only_in_the_pattern():
    prompt = named("openchat").render(conversation(None, "{condition} {text} {eos}"), condition="Code")
    assert "Code User: {condition} {text} {eos}<|end_of_turn|>" in text_of(prompt)


def test_a_condition_that_is_not_there():
    with pytest.raises(UsageError, match="openchat") as caught:
        named("openchat").render(Conversation(), condition="code")
    assert "'Math Correct'" in caught.value.hint
    with pytest.raises(UsageError, match="chatml") as caught:
        named("chatml").render(Conversation(), condition="Code")
    assert "openchat" in caught.value.hint
    assert with_conditions() == ("openchat",)


def test_system_text_is_folded_where_there_is_no_place_for_it():
    folded = conversation("S", "U1", "A", "U2")
    assert "user\nS\n\nU1<end_of_turn>" in text_of(named("gemma").render(folded))
    assert "[INST] S\n\nU1 [/INST]" in text_of(named("mistral").render(folded))
    assert "[INST]S\n\nU2[/INST]" in text_of(named("mistral-v3-tekken").render(folded))
    assert "[INST] <<SYS>>\nS\n<</SYS>>\n\nU1 [/INST]" in text_of(named("llama-2").render(folded))
    alone = Conversation((Message("system", "S"),))
    assert "user\nS<end_of_turn>" in text_of(named("gemma").render(alone))


def test_a_default_system_text_stands_in_only_for_none():
    template = named("chatml").changed(default_system="Be SmolLM.")
    assert "system\nBe SmolLM.<|im_end|>" in text_of(template.render(conversation(None, "u")))
    for said in ("", "S"):
        text = text_of(template.render(conversation(said, "u")))
        assert f"system\n{said}<|im_end|>" in text
        assert "SmolLM" not in text


def test_thinking_stays_out_of_later_prompts_with_its_ids():
    answer = Message("assistant", "<think>\nlong\n</think>\n\nshort", (1, 2, 3))
    later = Conversation((Message("user", "u"), answer, Message("user", "v")))
    prompt = named("qwen3").render(later)
    assert "assistant\nshort<|im_end|>" in text_of(prompt)
    assert not any(isinstance(s, Ids) for s in prompt.segments)


def test_rendering_imports_the_standard_library_only():
    folder = Path(ockit.prompts.__file__).parent
    for name in ("template", "templates", "encode", "segments", "vocabulary", "recognise", "canonical"):
        tree = ast.parse((folder / f"{name}.py").read_text("utf-8"))
        modules = {
            alias.name if isinstance(node, ast.Import) else node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        own = {module for module in modules if module.split(".")[0] == "ockit"}
        standard = {"__future__", "collections.abc", "dataclasses", "difflib", "functools", "hashlib"}
        assert modules - own <= standard | {"itertools", "json", "re", "types", "typing"}, name
        assert own <= {"ockit.errors", "ockit.messages"} | {m for m in own if m.startswith("ockit.prompts")}
