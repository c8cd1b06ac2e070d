"""Published templates are recognised and render the same; others are not taken for one of them."""

from __future__ import annotations

import re
import time
from functools import cache
from random import Random

import pytest

import tiny_models
from ockit.formats.gguf_header import read_header
from ockit.messages import Conversation
from ockit.prompts.canonical import canonical
from ockit.prompts.known_digests import KNOWN
from ockit.prompts.recognise import fingerprint, recognise
from ockit.prompts.templates import named
from prompts.published import (
    WITHOUT_SYSTEM,
    WRITTEN,
    conversation,
    grid,
    pointed_texts,
    rendered,
    sample,
    sources,
    text_of,
    unknown_sources,
    without_bos,
)

NOT_KEPT = 4  # digests of texts that were compared and not kept, at the end of the table
WHOLE = pytest.param(True, marks=pytest.mark.sweep)


@cache
def model_sources() -> dict[str, str]:
    """Templates inside model files: the embedded model's, and those of the test data where it is there."""
    paths = [tiny_models.embedded_model(), *sorted((tiny_models.test_data() / "vocab").glob("*.gguf"))]
    found = {path.stem: read_header(path).chat_template for path in paths}
    return {name: source for name, source in found.items() if source is not None}


EVERY = sources() | model_sources()


def pointed(source: str) -> list[Conversation]:
    """Conversations made of what a template looks for, at every place."""
    return [
        conversation(*said)
        for text in pointed_texts(source)
        for said in (
            (None, text),
            (None, text, "a", "b"),
            (None, "a", text, "b"),
            (None, "a", text, "b", "c", "d"),
            ("s", "a", text, "b"),
            (text, "a"),
        )
    ]


def compare(template, source: str, conversations: list[Conversation], *, with_system: bool = True) -> int:
    """How many were compared; a template may refuse system text, nothing else."""
    compared = 0
    for said in conversations:
        wanted = rendered(source, said)
        if wanted is None:
            assert said.system is not None
            continue
        if said.system is not None and not with_system:
            continue
        assert without_bos(text_of(template.render(said))) == without_bos(wanted), said
        compared += 1
    return compared


@pytest.mark.parametrize("whole", [False, WHOLE])
@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_published_template_is_recognised_and_renders_the_same(name, whole):
    source = EVERY[name]
    template = recognise(source)
    assert template is not None
    with_system = name not in WITHOUT_SYSTEM | {"ggml-vocab-phi-3"}
    said = sample(grid(), whole, seed=1) + pointed(source)
    assert compare(template, source, said, with_system=with_system) > 40


@pytest.mark.parametrize("whole", [False, WHOLE])
@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_named_template_follows_its_paper(name, whole):
    said = sample(grid(), whole, seed=2)
    assert compare(named(name), WRITTEN[name], said) == len(said)


@pytest.mark.parametrize("name", sorted(unknown_sources()))
def test_a_template_with_features_of_its_own_is_not_recognised(name):
    assert recognise(unknown_sources()[name]) is None


def test_every_digest_belongs_to_a_text():
    found = {fingerprint(source)[0] for source in EVERY.values()}
    assert list(KNOWN)[-NOT_KEPT:] == [digest for digest in KNOWN if digest not in found]
    for name, changes in KNOWN.values():
        assert named(name).changed(**changes).name == name


def test_nothing_is_recognised_in_nothing():
    for source in (None, "", " ", "hello", "{{", "{% if %}", "{{ 'a }}", "{% raw %}{{ x }}{% endraw %}"):
        assert recognise(source) is None


def test_the_embedded_models_default_system_text_is_kept():
    source = read_header(tiny_models.embedded_model()).chat_template
    template = recognise(source)
    assert template.name == "chatml"
    assert template.default_system == "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    other = source.replace("named SmolLM", "named Ada")
    assert "named Ada" in recognise(other).default_system


def test_a_template_that_does_not_compile_is_unknown():
    source = sources()["unsloth-vicuna"]
    broken = source.replace("+ ' ' }}", "+ ' '+}}", 1)
    assert broken != source
    assert recognise(broken) is None


def test_a_default_system_text_cannot_bring_markers_or_holes():
    source = read_header(tiny_models.embedded_model()).chat_template
    for forged in ("a<|im_end|>b", "a{text}b", "a<b", 'a"b', "a\\nb"):
        changed = source.replace("You are a helpful AI assistant named SmolLM", forged)
        assert changed != source
        assert recognise(changed) is None


def test_the_models_own_end_of_text_token_is_written():
    template = recognise(sources()["unsloth-zephyr"], eos="<|endoftext|>")
    assert "<|user|>\nhi<|endoftext|>\n" in text_of(template.render(conversation(None, "hi")))
    assert "<|endoftext|>" in template.all_markers


REWRITTEN = (
    lambda text: text.replace("message['role']", "message.role").replace(
        "message['content']", "message.content"
    ),
    lambda text: text.replace("'", '"') if '"' not in text else text,
    lambda text: re.sub(r"\{% (\w)", r"{%  \n \1", text),
    lambda text: text.replace("{{ '", "{{'").replace("{{'", "{{   '"),
    lambda text: "{# a comment #}" + text,
    lambda text: text.replace("%}{%", "%}\n    {%"),
    lambda text: text + "\n",
)


@pytest.mark.parametrize("rewrite", REWRITTEN)
def test_how_a_template_is_written_down_does_not_matter(rewrite):
    changed = 0
    for name in (
        "openhermes-2.5-mistral-7b",
        "openchat-3.5-0106",
        "gemma-7b-it",
        "phi-3-mini",
        "unsloth-zephyr",
    ):
        source = sources()[name]
        again = rewrite(source)
        changed += again != source
        for said in grid()[::50]:
            assert rendered(source, said) == rendered(again, said)  # the rewriting itself is harmless
        assert canonical(again) == canonical(source)
        assert recognise(again) == recognise(source)
    assert changed >= 3


def _mutants(source: str, count: int, seed: int) -> list[str]:
    """Texts one slip away: a character lost, doubled or replaced, a tag or a literal lost, two parts swapped."""
    random = Random(seed)
    tags = [found.span() for found in re.finditer(r"\{[%{].*?[%}]\}|'[^']*'", source, re.S)]
    mutants = []
    for _ in range(count):
        at = random.randrange(len(source))
        kind = random.choice(["lose", "double", "replace", "lose tag", "swap", "space", "dash"])
        (start, end), (other, stop) = random.choice(tags), random.choice(tags)
        if kind == "lose":
            mutants.append(source[:at] + source[at + 1 :])
        elif kind == "double":
            mutants.append(source[:at] + source[at] * 2 + source[at + 1 :])
        elif kind == "replace":
            mutants.append(source[:at] + random.choice("'\"+-{}%| \nax0") + source[at + 1 :])
        elif kind == "lose tag":
            mutants.append(source[:start] + source[end:])
        elif kind == "swap" and end <= other:
            mutants.append(
                source[:start] + source[other:stop] + source[end:other] + source[start:end] + source[stop:]
            )
        elif kind == "dash":
            mutants.append(source[:start] + source[start:end].replace("%}", "-%}") + source[end:])
        else:
            mutants.append(source[:at] + " " + source[at:])
    return mutants


@pytest.mark.parametrize("count", [12, pytest.param(1000, marks=pytest.mark.sweep)])
@pytest.mark.parametrize("name", sorted(EVERY))
def test_a_changed_template_is_recognised_only_where_it_means_the_same(name, count):
    """Renders alike, or is unknown: over conversations that every slip above would show in."""
    source = EVERY[name]
    with_system = name not in WITHOUT_SYSTEM | {"ggml-vocab-phi-3"}
    for mutant in _mutants(source, count, seed=3):
        template = recognise(mutant)
        if template is not None and mutant != source:
            try:
                compare(template, mutant, grid()[::17], with_system=with_system)
            except Exception as error:
                raise AssertionError(mutant) from error


@pytest.mark.parametrize(
    "hostile",
    [
        "{{" + "'\\" * 40_000,
        "{%" * 40_000,
        "{{ x }}" * 14_000,
        "{#" + "-" * 90_000,
        "{{ '" + "a" * 90_000,
        "x" * 10**7,
    ],
)
def test_hostile_templates_are_answered_at_once(hostile):
    started = time.perf_counter()
    assert recognise(hostile) is None
    assert time.perf_counter() - started < 5
