"""What can be changed inside a chat with /set: how answers are chosen, and those settings that a running chat takes."""

from __future__ import annotations

from difflib import get_close_matches

from ockit.errors import UsageError
from ockit.messages import Sampling
from ockit.repl.talk import Talk
from ockit.settings import KEYS, checked, sampling, sampling_value

LOADING = (
    "ctx_size threads threads_prefill gpu_layers tensor_split main_gpu flash_attention gpu_memory ram".split()
)
"""Settings that only a newly loaded model takes."""

LOOKS = ("theme", "edit_mode")
"""Settings of the screen."""

GIVEN = ("passages",)
"""Settings of what a question is given of the documents."""

SAMPLING = tuple(name for name in Sampling.__dataclass_fields__ if name != "grammar")
"""What /set takes of the way answers are chosen."""


def set_one(talk: Talk, key: str, text: str) -> None:
    """Set one parameter of the answer, of the model or of the screen. Raises UsageError."""
    key = {"temp": "temperature"}.get(key, key).replace("-", "_")
    if key in LOADING or key in LOOKS or key in GIVEN:
        settings = talk.with_setting(key, checked(key, text, f"/set {key}"))
        if key in LOADING:
            opened = talk.open(settings, talk.assistant.model.entry.name)
            for notice in opened.notices:
                talk.console.notice(notice)
        elif key in GIVEN:
            talk.assistant.grounding.k, talk.settings = settings.passages, settings
        else:
            talk.face.restyle(settings)
            talk.settings = settings
    elif key in ("model", "system", "template", "condition", "index"):
        raise UsageError(f"{key} has a command of its own", hint=f"/{key} {text}")
    elif key in KEYS and key not in SAMPLING:
        raise UsageError(f"{key} cannot be changed inside a chat", hint=f"ockit config set {key} {text}")
    elif key not in SAMPLING:
        known = (*SAMPLING, *LOADING, *LOOKS, *GIVEN)
        near = get_close_matches(key, known, 1)
        hint = f"/set {near[0]} {text}" if near else "/params shows what can be set"
        raise UsageError(f"there is no parameter {key!r}", hint=hint)
    else:
        value = sampling_value(key, text, f"/set {key}")
        sampling(talk.settings, talk.parameters | {key: value})  # raises where it is out of range
        talk.parameters[key] = value
        talk.changed.add(key)
