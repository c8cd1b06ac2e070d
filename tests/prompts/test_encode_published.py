"""Recognised and named templates give, token for token, what llama.cpp makes of the rendered Jinja template."""

from __future__ import annotations

import pytest

from ockit.prompts.encode import encode
from ockit.prompts.recognise import recognise
from ockit.prompts.templates import named
from prompts.published import WITHOUT_SYSTEM, WRITTEN, conversation, grid, rendered, sample, sources
from prompts.vocabularies import MADE, REAL

TEMPLATES = {name: (recognise(source), source) for name, source in sources().items()}
TEMPLATES |= {f"written {name}": (named(name), source) for name, source in WRITTEN.items()}


def reference(vocabulary, source, said):
    """llama.cpp's ids of the rendered prompt, special tokens parsed."""
    bos = vocabulary.spelling(vocabulary.bos) if vocabulary.bos is not None else ""
    text = rendered(source, said, bos=bos)
    return vocabulary.parsed(text.removeprefix(bos))


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.sweep)])
@pytest.mark.parametrize("vocabulary_name", [*REAL, *MADE])
@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_equal_token_for_token(name, vocabulary_name, whole, vocabulary_named):
    template, source = TEMPLATES[name]
    vocabulary = vocabulary_named(vocabulary_name)
    refuses = rendered(source, conversation("s", "u")) is None or name in WITHOUT_SYSTEM
    fitting = [said for said in grid() if said.system is None or not refuses]
    for said in sample(fitting, whole, seed=len(name + vocabulary_name), share=40):
        wanted = reference(vocabulary, source, said)
        assert encode(template.render(said).segments, vocabulary) == wanted, said
