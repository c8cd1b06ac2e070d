"""From the Jinja text in a model file to the format that renders the same, without running any Jinja.

A template is recognised when its canonical form (`ockit.prompts.canonical`) is one we know, whole: a known digest
means a template whose rendering was compared with ours. Marks inside a text (``<|im_start|>`` and the like) decide
nothing, because templates with the same marks differ in what they do to a conversation. Everything else is
unknown: None, and the person chooses a format by name or asks for ``--template jinja``.
"""

from __future__ import annotations

import re
from hashlib import sha256

from ockit.prompts.canonical import canonical
from ockit.prompts.known_digests import KNOWN
from ockit.prompts.template import Template
from ockit.prompts.templates import named

# A system text that a ChatML template writes where the conversation has none; it differs from model to model.
_DEFAULT_SYSTEM = re.compile(r"(<\|im_start\|>system\\n)([^<>{}\"\\]+)(<\|im_end\|>)")
_HOLE = "{default}"


def recognise(chat_template: str | None, *, eos: str | None = None) -> Template | None:
    """The format of a model's own template, or None for one we do not know.

    Args:
        chat_template: ``tokenizer.chat_template`` of a GGUF file.
        eos: the spelling of the model's end-of-text token, which some templates write; ``</s>`` if not given.
    """
    if not chat_template:
        return None
    digest, default_system = fingerprint(chat_template)
    known = KNOWN.get(digest) if digest is not None else None
    if known is None:
        return None
    name, changes = known
    template = named(name).changed(**changes)
    if default_system is not None:
        template = template.changed(default_system=default_system)
    return template if eos is None else template.changed(eos=eos)


def fingerprint(chat_template: str) -> tuple[str | None, str | None]:
    """The digest of the canonical form without its default system text, and that text; either may be None."""
    form = canonical(chat_template)
    if form is None:
        return None, None
    found = _DEFAULT_SYSTEM.search(form)
    default = found[2] if found else None
    if default is not None:
        form = form.replace(default, _HOLE)
    return sha256(form.encode("utf-8", "surrogatepass")).hexdigest(), default
