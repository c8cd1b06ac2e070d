"""The chat formats that ockit knows by name.

Each is proved equal, token for token, to the Jinja template that the models of its family publish
(`docs/templates.md` says how far). It does not know models: `ockit.prompts.recognise` finds the format of a
model's own template, with the parameters in which models differ (default system text, spelling of the end-of-text
token).
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from types import MappingProxyType

from ockit.errors import NotFound
from ockit.prompts.template import Rendered, Template

__all__ = ["Rendered", "Template", "known_markers", "named", "names", "with_conditions"]

_EVERYONE = frozenset({"system", "user", "assistant"})
_CHATML = ("<|im_start|>", "<|im_end|>")
_HEADERS = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
_COHERE = (
    "<|START_OF_TURN_TOKEN|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|SYSTEM_TOKEN|>",
    "<|USER_TOKEN|>",
    "<|CHATBOT_TOKEN|>",
)
_GEMMA = ("<start_of_turn>", "<end_of_turn>")
_PHI = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
_INST = ("[INST]", "[/INST]")

_TEMPLATES = (
    Template(
        # Taori et al., Stanford Alpaca (2023), in the multi-turn form that fine-tuning tools use.
        "alpaca",
        system="{text}\n\n",
        user="### Instruction:\n{text}\n\n",
        assistant="### Response:\n{text}{eos}\n\n",
        generation="### Response:\n",
        default_system="Below is an instruction that describes a task. "
        "Write a response that appropriately completes the request.",
        stop=("\n### Instruction:", "### Instruction:"),
    ),
    Template(
        "chatml",
        system="<|im_start|>system\n{text}<|im_end|>\n",
        user="<|im_start|>user\n{text}<|im_end|>\n",
        assistant="<|im_start|>assistant\n{text}<|im_end|>\n",
        generation="<|im_start|>assistant\n",
        markers=_CHATML,
    ),
    Template(
        # Cohere Command R and R+.
        "command-r",
        system="<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>{text}<|END_OF_TURN_TOKEN|>",
        user="<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{text}<|END_OF_TURN_TOKEN|>",
        assistant="<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{text}<|END_OF_TURN_TOKEN|>",
        generation="<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
        trim=frozenset({"user", "assistant"}),
        markers=_COHERE,
    ),
    Template(
        # DeepSeek R1 and its distilled models: the prompt opens the thinking part, later prompts leave it out.
        "deepseek-r1",
        system="{text}",
        user="<｜User｜>{text}",
        assistant="<｜Assistant｜>{text}<｜end▁of▁sentence｜>",
        generation="<｜Assistant｜><think>\n",
        thinking_end="</think>",
        markers=("<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<think>"),
    ),
    Template(
        "gemma",
        user="<start_of_turn>user\n{text}<end_of_turn>\n",
        assistant="<start_of_turn>model\n{text}<end_of_turn>\n",
        generation="<start_of_turn>model\n",
        trim=frozenset({"user", "assistant"}),
        markers=_GEMMA,
    ),
    Template(
        "granite",
        system="<|start_of_role|>system<|end_of_role|>{text}<|end_of_text|>\n",
        user="<|start_of_role|>user<|end_of_role|>{text}<|end_of_text|>\n",
        assistant="<|start_of_role|>assistant<|end_of_role|>{text}<|end_of_text|>\n",
        generation="<|start_of_role|>assistant<|end_of_role|>",
        markers=("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"),
    ),
    Template(
        "llama-2",
        user="{bos}[INST] {text} [/INST]",
        assistant=" {text} {eos}",
        generation="",
        fold="<<SYS>>\n{system}\n<</SYS>>\n\n{text}",
        trim=frozenset({"user", "assistant"}),
        trim_folded=True,
        markers=_INST,
    ),
    Template(
        "llama-3",
        system="<|start_header_id|>system<|end_header_id|>\n\n{text}<|eot_id|>",
        user="<|start_header_id|>user<|end_header_id|>\n\n{text}<|eot_id|>",
        assistant="<|start_header_id|>assistant<|end_header_id|>\n\n{text}<|eot_id|>",
        generation="<|start_header_id|>assistant<|end_header_id|>\n\n",
        trim=_EVERYONE,
        markers=_HEADERS,
    ),
    Template(
        # The dates are the ones Meta's template falls back to: a clock in front of the prompt would make every
        # earlier turn unusable from the cache.
        "llama-3.1",
        system="<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
        "Today Date: 26 Jul 2024\n\n{text}<|eot_id|>",
        user="<|start_header_id|>user<|end_header_id|>\n\n{text}<|eot_id|>",
        assistant="<|start_header_id|>assistant<|end_header_id|>\n\n{text}<|eot_id|>",
        generation="<|start_header_id|>assistant<|end_header_id|>\n\n",
        default_system="",
        trim=_EVERYONE,
        markers=_HEADERS,
    ),
    Template(
        # Mistral 7B Instruct 0.1 and 0.2, Mixtral 8x7B.
        "mistral",
        user="[INST] {text} [/INST]",
        assistant="{text}{eos}",
        generation="",
        markers=_INST,
    ),
    Template(
        # The same tokenizer generation with the spaces of Mistral's own reference.
        "mistral-v1",
        user=" [INST] {text} [/INST]",
        assistant=" {text}{eos}",
        generation="",
        markers=_INST,
    ),
    Template(
        # Mistral 7B Instruct 0.3, Mistral Large 2407.
        "mistral-v3",
        user="[INST] {text}[/INST]",
        assistant=" {text}{eos}",
        generation="",
        fold_into="last",
        trim=frozenset({"assistant"}),
        markers=_INST,
    ),
    Template(
        # Mistral Nemo 2407.
        "mistral-v3-tekken",
        user="[INST]{text}[/INST]",
        assistant="{text}{eos}",
        generation="",
        fold_into="last",
        markers=_INST,
    ),
    Template(
        # Mistral Large 2411.
        "mistral-v7",
        system="[SYSTEM_PROMPT] {text}[/SYSTEM_PROMPT]",
        user="[INST] {text}[/INST]",
        assistant=" {text}{eos}",
        generation="",
        markers=(*_INST, "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
    ),
    Template(
        # The line of the OpenChat 3.5 model card; the condition names the data the answer should be like.
        "openchat",
        system="{condition} System: {text}<|end_of_turn|>",
        user="{condition} User: {text}<|end_of_turn|>",
        assistant="{condition} Assistant: {text}<|end_of_turn|>",
        generation="{condition} Assistant:",
        markers=("<|end_of_turn|>",),
        conditions=("GPT4 Correct", "Code", "Math Correct"),
    ),
    Template(
        # OpenChatKit's inference format (2023): plain text, one line a turn.
        "openchatkit",
        system="{text}\n\n",
        user="<human>: {text}\n",
        assistant="<bot>: {text}\n",
        generation="<bot>:",
        stop=("\n<human>:", "<human>:", "\n<bot>:"),
    ),
    Template(
        "phi-3",
        system="<|system|>\n{text}<|end|>\n",
        user="<|user|>\n{text}<|end|>\n",
        assistant="<|assistant|>\n{text}<|end|>\n",
        generation="<|assistant|>\n",
        markers=_PHI,
    ),
    Template(
        "phi-4",
        system="<|im_start|>system<|im_sep|>{text}<|im_end|>",
        user="<|im_start|>user<|im_sep|>{text}<|im_end|>",
        assistant="<|im_start|>assistant<|im_sep|>{text}<|im_end|>",
        generation="<|im_start|>assistant<|im_sep|>",
        markers=("<|im_start|>", "<|im_sep|>", "<|im_end|>"),
    ),
    Template(
        # Qwen3: ChatML that leaves the thinking part of earlier answers out.
        "qwen3",
        system="<|im_start|>system\n{text}<|im_end|>\n",
        user="<|im_start|>user\n{text}<|im_end|>\n",
        assistant="<|im_start|>assistant\n{text}<|im_end|>\n",
        generation="<|im_start|>assistant\n",
        thinking_end="</think>",
        thinking_strip="\n",
        markers=_CHATML,
    ),
    Template(
        # LMSYS, Vicuna 1.1 and later.
        "vicuna",
        system="{text} ",
        user="USER: {text} ",
        assistant="ASSISTANT: {text}{eos}",
        generation="ASSISTANT:",
        default_system="A chat between a curious user and an artificial intelligence assistant. "
        "The assistant gives helpful, detailed, and polite answers to the user's questions.",
        stop=("\nUSER:", "USER:"),
    ),
    Template(
        "zephyr",
        system="<|system|>\n{text}{eos}\n",
        user="<|user|>\n{text}{eos}\n",
        assistant="<|assistant|>\n{text}{eos}\n",
        generation="<|assistant|>\n",
        markers=("<|system|>", "<|user|>", "<|assistant|>"),
    ),
)

_BY_NAME = MappingProxyType({template.name: template for template in _TEMPLATES})


def named(name: str) -> Template:
    """The template of that name.

    Raises:
        NotFound: there is none; the hint names the nearest.
    """
    template = _BY_NAME.get(name)
    if template is not None:
        return template
    near = get_close_matches(name.lower(), _BY_NAME, n=3, cutoff=0.4) or names()
    raise NotFound(f"there is no chat template {name!r}", hint="the nearest: " + ", ".join(near))


def names() -> tuple[str, ...]:
    """Every template's name, sorted."""
    return tuple(sorted(_BY_NAME))


def with_conditions() -> tuple[str, ...]:
    """The names of the templates that take ``--condition``."""
    return tuple(name for name in names() if _BY_NAME[name].conditions)


@cache
def known_markers() -> frozenset[str]:
    """The spelling of every marker of every named template: none of them may come out of content."""
    return frozenset(marker for template in _TEMPLATES for marker in template.all_markers)
