"""The chat templates that models publish, rendered by Jinja itself, and the conversations they are compared over."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import product
from pathlib import Path
from random import Random

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ockit.messages import Conversation, Message
from ockit.prompts.segments import Bos, Control, Ids, Text
from ockit.prompts.template import Rendered

FOLDER = Path(__file__).parent / "chat_templates"

# Formats that were published without Jinja: texts of our own, written after the papers and model cards.
WRITTEN = {
    "llama-2": "{% for m in messages if m.role != 'system' %}"
    "{% set head = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' if loop.first and messages[0].role == "
    "'system' else '' %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + (head + m.content).strip() + ' [/INST]' "
    "}}{% else %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "openchatkit": "{% for m in messages %}{% if m.role == 'system' %}{{ m.content + '\n\n' }}{% else %}"
    "{{ {'user': '<human>', 'assistant': '<bot>'}[m.role] + ': ' + m.content + '\n' }}{% endif %}{% endfor %}"
    "{{ '<bot>:' }}",
    "zephyr": "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + eos_token + '\n' }}{% endfor %}"
    "{{ '<|assistant|>\n' }}",
    "alpaca": "{{ (messages[0].content if messages[0].role == 'system' else 'Below is an instruction that describes a "
    "task. Write a response that appropriately completes the request.') + '\n\n' }}"
    "{% for m in messages if m.role != 'system' %}{% if m.role == 'user' %}"
    "{{ '### Instruction:\n' + m.content + '\n\n' }}{% else %}{{ '### Response:\n' + m.content + eos_token + '\n\n' "
    "}}{% endif %}{% endfor %}{{ '### Response:\n' }}",
}

# Whose published template drops or refuses system text, while ours keeps it.
WITHOUT_SYSTEM = {"phi-3-mini", "phi-3-medium"}

TEXTS = (
    "hi",
    " leading",
    "trailing ",
    "  both  ",
    "\nnewlines\n\n",
    "\ttabs\t",
    "inner  double   spaces",
    "",
    " ",
    " \n\t ",
    "é ß 漢字 नमस्ते",
    "emoji 👩‍👩‍👧 🇩🇪 ✊🏿",
    "CR\r\nLF\r\n",
    "\u00a0no-break\u2003em\u00a0",
    "{text} {eos} {bos} {{ x }} {% y %}",
    "a" * 40 + "\n" * 5 + "    if x:\n\t\treturn '####'",
)
SYSTEMS = (None, "Be brief.", " Be\nbrief. \n", "")


def sources() -> dict[str, str]:
    """Every published template that ockit must know, by file name."""
    return {
        path.stem: path.read_text("utf-8")
        for path in sorted(FOLDER.glob("*.jinja"))
        if not path.stem.startswith("unknown-")
    }


def unknown_sources() -> dict[str, str]:
    """Published templates with features that ockit does not reproduce."""
    return {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("unknown-*.jinja"))}


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    def raise_exception(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
    environment.globals["raise_exception"] = raise_exception
    return environment


@cache
def _compiled(source: str):
    return _environment().from_string(source)


def rendered(source: str, conversation: Conversation, bos: str = "<s>", eos: str = "</s>") -> str | None:
    """What Jinja makes of a conversation; None where the template refuses it."""
    try:
        return _compiled(source).render(
            messages=[{"role": m.role, "content": m.text} for m in conversation.messages],
            add_generation_prompt=True,
            bos_token=bos,
            eos_token=eos,
            tools=None,
            date_string="26 Jul 2024",
        )
    except TemplateError:
        return None


def conversation(system: str | None, *texts: str) -> Conversation:
    """User and assistant in turn, a system text in front."""
    turns = [Message("user" if index % 2 == 0 else "assistant", text) for index, text in enumerate(texts)]
    return Conversation(tuple(turns)).with_system(system)


def grid() -> list[Conversation]:
    """Every text at every place of one to three turns, under every system text."""
    found = []
    for system, text, turns in product(SYSTEMS, TEXTS, (1, 2, 3)):
        for place in range(2 * turns - 1):
            said = ["What is 1+1?", "It is 2.", "And 2+2?", "That is 4.", "Thanks!"][: 2 * turns - 1]
            said[place] = text
            found.append(conversation(system, *said))
    return found + [conversation(text, "hi", "hello", "bye") for text in TEXTS]


def sample(items: list, whole: bool, seed: int, share: int = 10) -> list:
    """All of them for a sweep, else a seeded tenth."""
    return items if whole else Random(seed).sample(items, max(1, len(items) // share))


def pointed_texts(source: str) -> list[str]:
    """What a template compares messages with: its own string literals, and what others look for."""
    literals = re.findall(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", source)
    words = {(a or b).replace("\\n", "\n") for a, b in literals}
    words = {word for word in words if 1 < len(word) < 60}
    thinking = {"<think>\nwhy\n</think>\n\nbecause", "</think>", "a</think>b</think> c"}
    return sorted(words | thinking | {"<tool_response>x</tool_response>", "None", "<<SYS>>"})


def text_of(prompt: Rendered, bos: str = "<s>") -> str:
    """A prompt as one string, `bos` once in front."""
    said = {Control: lambda s: s.text, Text: lambda s: s.text, Ids: lambda s: s.text}
    parts: list[str] = []
    for segment in prompt.segments:
        if isinstance(segment, Bos):
            parts += [bos] if "".join(parts) != bos else []
        else:
            parts.append(said[type(segment)](segment))
    return "".join(parts)


def without_bos(text: str, bos: str = "<s>") -> str:
    """Whether a model begins with it is the vocabulary's matter."""
    return text.removeprefix(bos)
