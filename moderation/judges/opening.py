"""From a line of the policy to a judge: kinds, options, files checked. Starts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ockit.environment import Environment
from ockit.errors import UsageError
from ockit.moderation.judges.judge import Judge

KINDS = ("fewshot", "guard", "hf")

_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "fewshot": ("name", "seconds", "model", "ctx_size", "gpu_layers"),
    "guard": ("name", "seconds", "model", "format", "ctx_size", "gpu_layers"),
    "hf": ("name", "seconds", "model", "labels"),
}
_DEFAULTS: Mapping[str, Any] = {
    "seconds": 30.0,
    "model": "",
    "format": "",
    "ctx_size": 4096,
    "labels": {},
}
_LEAST_CONTEXT = 1024
_STALL = 120.0
"""Seconds of silence and idleness after which a judge's process counts as hung while it loads: on a busy machine torch
alone may take half a minute to read. A check ends sooner, by its time limit."""


def open_judge(kind: str, options: Mapping[str, object], environment: Environment) -> Judge:
    """The judge that a policy asks for; nothing is started or loaded yet.

    Args:
        kind: one of `KINDS`.
        options: ``name``; ``seconds`` for one check; ``model``: for ``fewshot`` and ``guard`` as `ockit models` names
            it, or a path; for ``hf`` a directory (``./DIR``, ``~/DIR``, ``/DIR``) or ``ORGANISATION/NAME`` of the hub's
            cache. ``format`` of a guard (`ockit.moderation.judges.guard_format`), ``labels`` of a classifier
            (`ockit.moderation.judges.class_labels`), ``ctx_size`` in tokens, ``gpu_layers`` (a number or ``all``;
            without it a guard takes the GPU, and a few-shot judge leaves it to the chat).

    Raises:
        UsageError: an option that there is none of, of the wrong type, or missing.
        NotFound, ModelFileError, DoesNotFit, StoreError: as the model is.
    """
    if kind not in _OPTIONS:
        raise UsageError(f"there is no judge of the kind {kind!r}", hint=f"kind is one of {', '.join(KINDS)}")
    chosen = _checked(kind, options)
    name, seconds = chosen["name"], chosen["seconds"]
    if kind == "hf":
        from ockit.engines.model_directory import find_model
        from ockit.moderation.judges.classifier import ClassifierModerator, new_class_worker

        path = find_model(chosen["model"], environment.variables, environment.cwd)
        worker = new_class_worker(environment.variables, _STALL)
        return ClassifierModerator(
            worker, path, chosen["model"], chosen["labels"], name=name, seconds=seconds
        )
    from ockit.moderation.judges.gguf_model import open_gguf

    found = open_gguf(
        chosen["model"],
        environment,
        ctx_size=chosen["ctx_size"],
        gpu_layers=chosen.get("gpu_layers", "all" if kind == "guard" else 0),
        stall_seconds=_STALL,
    )
    if kind == "guard":
        from ockit.moderation.judges.guard import GuardModerator
        from ockit.moderation.judges.guard_format import format_of

        form = format_of(found.header.name, found.header.chat_template, chosen["format"])
        return GuardModerator(found.engine, found.name, form, name=name, seconds=seconds)
    from ockit.moderation.judges.fewshot import FewshotModerator
    from ockit.moderation.judges.self_test import SelfTests

    tests = SelfTests(environment.directories.cache / "moderation" / "self-tests.json")
    return FewshotModerator(found.engine, found.name, found.identity, tests, name=name, seconds=seconds)


def _checked(kind: str, options: Mapping[str, object]) -> dict[str, Any]:
    """The options with what they are where nothing is said."""
    for key in options:
        if key not in _OPTIONS[kind]:
            raise UsageError(f"{kind} has no option {key!r}", hint=f"it has {', '.join(_OPTIONS[kind])}")
    chosen: dict[str, Any] = {key: _DEFAULTS[key] for key in _OPTIONS[kind] if key in _DEFAULTS}
    chosen |= {"name": kind} | dict(options)
    for key in ("name", "model", "format"):
        if not isinstance(chosen.get(key, ""), str):
            raise _wrong(kind, key, chosen[key], "a text in quotes")
    if kind != "fewshot" and not chosen["model"]:
        raise UsageError(
            f"{kind} needs a model", hint=f'model = "..." in moderation.toml names the one {kind} asks'
        )
    seconds = chosen["seconds"]
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.1 <= seconds <= 3600:
        raise _wrong(kind, "seconds", seconds, "a number from 0.1 to 3600")
    size = chosen.get("ctx_size", _LEAST_CONTEXT)
    if isinstance(size, bool) or not isinstance(size, int) or not _LEAST_CONTEXT <= size <= 1 << 20:
        raise _wrong(kind, "ctx_size", size, f"a number of tokens, {_LEAST_CONTEXT} at least")
    layers = chosen.get("gpu_layers", 0)
    if isinstance(layers, bool) or not (layers == "all" or (isinstance(layers, int) and layers >= 0)):
        raise _wrong(kind, "gpu_layers", layers, 'a number, or "all"')
    if not isinstance(chosen.get("labels", {}), Mapping):
        raise _wrong(kind, "labels", chosen["labels"], 'a table such as { "toxic" = 3, "hate" = "hate:4" }')
    return chosen


def _wrong(kind: str, key: str, value: object, wanted: str) -> UsageError:
    return UsageError(f"{kind}: {key} is {value!r}", hint=f"{key} = {wanted}")
