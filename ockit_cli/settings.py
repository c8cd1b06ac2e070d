"""The settings: what each is, which values it takes, and where its value comes from.

A value is the default, under the person's ``config.toml``, under a variable ``OCKIT_*``, under a flag; for
sampling, a model's own defaults stand between the default and the file. Each value knows its origin. Knows no
command and no model; project directories are never read: nothing is trusted because it lies where one stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from ockit import toml_lines
from ockit.environment import Directories
from ockit.errors import NotFound, UsageError
from ockit.files import lock, private_dir, read_text, write_atomic
from ockit.messages import Sampling
from ockit.setting_values import NOT_TEXT, READERS, allowed

FILE_NAME = "config.toml"
_LARGEST_FILE = 256 << 10
_NOT_SETTINGS = frozenset(("OCKIT_HOME", "OCKIT_DEBUG", "OCKIT_TEST_DATA"))
_SAMPLING = {entry.name: entry for entry in fields(Sampling)}


def _key(kind: str, default: Any, doc: str, **more: Any) -> Any:
    return field(default=default, metadata={"kind": kind, "doc": doc, **more})


def _sampling_key(name: str, kind: str, doc: str, **more: Any) -> Any:
    entry = _SAMPLING[name]
    return _key(kind, entry.default, doc, min=entry.metadata["min"], max=entry.metadata["max"], **more)


@dataclass(frozen=True)
class Settings:
    """Every setting, checked; ``origins`` tells for each where its value comes from."""

    model: str | None = _key(
        "name", None, "The model: a name of `ockit models list`, or a path to a GGUF file."
    )
    system: str | None = _key("text", None, "The system text of a new conversation.")
    template: str | None = _key("name", None, "The chat template, where the model's own is not to be used.")
    condition: str | None = _key("name", None, "The condition of a conditioned template, such as `Code`.")
    temperature: float = _sampling_key(
        "temperature", "float", "How freely words are chosen; 0 takes the likeliest.", flag="--temp"
    )
    top_k: int = _sampling_key("top_k", "int", "Choose among the k likeliest tokens; 0 is all of them.")
    top_p: float = _sampling_key(
        "top_p", "float", "Choose among the likeliest tokens that together have this share."
    )
    min_p: float = _sampling_key(
        "min_p", "float", "Drop tokens less likely than this share of the likeliest one."
    )
    repeat_penalty: float = _sampling_key(
        "repeat_penalty", "float", "Make repeated tokens less likely; 1 is off."
    )
    max_tokens: int | None = _sampling_key("max_tokens", "int", "The longest answer, in tokens.")
    seed: int | None = _sampling_key(
        "seed", "int", "The seed of the choice, for answers that can be repeated."
    )
    ctx_size: int = _key(
        "int", 0, "Tokens of context; 0 is the model's own, up to 8192.", min=0, max=2**31 - 1
    )
    threads: int = _key(
        "int", 0, "Threads that write the answer; 0 is what was measured best.", min=0, max=1024
    )
    threads_prefill: int = _key(
        "int", 0, "Threads that read the prompt; 0 is what was measured best.", min=0, max=1024
    )
    gpu_layers: int | Literal["auto", "all"] = _key(
        "int", "auto", "Layers on the graphics card.", min=0, max=100_000, words=("auto", "all")
    )
    tensor_split: tuple[float, ...] = _key(
        "floats", (), "Shares of several graphics cards, such as `3,1`.", min=0
    )
    gpu_memory: str | None = _key(
        "budgets", None, "GiB that each graphics card may be given, such as `0:10,1:12`; decides the layers."
    )
    ram: float | None = _key(
        "float", None, "GiB of main memory that a model may take.", min=0.01, max=1_000_000.0
    )
    main_gpu: int = _key("int", 0, "The graphics card that holds what is not split.", min=0, max=1023)
    flash_attention: Literal["auto", "on", "off"] = _key(
        "word", "auto", "The attention kernel that needs less memory.", words=("auto", "on", "off")
    )
    memory_check: bool = _key("bool", True, "Refuse a model that does not fit into memory before loading it.")
    stall_seconds: float = _key(
        "float",
        120.0,
        "Seconds without a sign of life after which a model's process is ended.",
        min=1.0,
        max=86400.0,
    )
    log: bool = _key("bool", True, "Save conversations.", flag="--no-log")
    theme: Literal["ansi", "dark", "light", "mono"] = _key(
        "word", "ansi", "The colours of the chat.", words=("ansi", "dark", "light", "mono")
    )
    moderation: bool = _key("bool", True, "Check questions, answers and what was found in documents.")
    index: tuple[str, ...] = _key(
        "names", (), "Documents that answers come from: names of `ockit indexes list`, such as `docs,mail`."
    )
    passages: int = _key(
        "int", 4, "Passages of documents that a question is given at most.", min=1, max=50, flag="-k"
    )
    edit_mode: Literal["emacs", "vi"] = _key(
        "word", "emacs", "The keys that edit a line in the chat.", words=("emacs", "vi")
    )
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def origin(self, key: str) -> str:
        """``default``, ``config.toml:LINE``, ``OCKIT_X`` or ``--flag``."""
        return self.origins.get(key, "default")


KEYS: Mapping[str, Field[Any]] = MappingProxyType(
    {entry.name: entry for entry in fields(Settings) if entry.name != "origins"}
)


def config_path(directories: Directories) -> Path:
    """The person's settings file, whether it is there or not."""
    return directories.config / FILE_NAME


def variable(key: str) -> str:
    """The environment variable of a setting."""
    return f"OCKIT_{key.upper()}"


def flag(key: str) -> str:
    """The command-line flag of a setting."""
    return str(KEYS[key].metadata.get("flag") or f"--{key.replace('_', '-')}")


def load(
    directories: Directories, variables: Mapping[str, str], flags: Mapping[str, Any] | None = None
) -> Settings:
    """The settings of one run. A flag that is None was not given. Raises UsageError with a bad value's place."""
    path = config_path(directories)
    values, origins = _of_file(_read(path), path)
    for name in sorted(variables):
        if not name.startswith("OCKIT_") or not variables[name]:
            continue
        key = name.removeprefix("OCKIT_").lower()
        if key in KEYS and name == variable(key):
            values[key], origins[key] = checked(key, variables[name], name), name
        elif name not in _NOT_SETTINGS and (near := get_close_matches(name, map(variable, KEYS), 1, 0.85)):
            raise UsageError(
                f"the variable {name} is no setting of ockit", hint=f"{near[0]}={variables[name]}"
            )
    for key, value in (flags or {}).items():
        if value is not None:
            values[key], origins[key] = checked(key, value, flag(key)), flag(key)
    return Settings(**values, origins=MappingProxyType(origins))


def sampling(
    settings: Settings, overrides: Mapping[str, Any] | None = None, *, model: Mapping[str, Any] | None = None
) -> Sampling:
    """How to choose tokens: default < `model` (its own defaults) < settings < `overrides`, by Sampling's names.

    Values of overrides may be text (``--option KEY=VALUE``); None was not given. Raises UsageError.
    """
    values = {key: sampling_value(key, value, "the model's defaults") for key, value in (model or {}).items()}
    for key in _SAMPLING.keys() & KEYS.keys():
        if settings.origin(key) != "default":
            values[key] = getattr(settings, key)
    for key, value in (overrides or {}).items():
        if value is not None:
            values[key] = sampling_value(key, value, flag(key) if key in KEYS else f"--option {key}")
    return Sampling().changed(**values)


def sampling_value(key: str, value: Any, origin: str) -> Any:
    """One value of Sampling, converted from text and checked. Raises UsageError; unknown keys too."""
    entry = _SAMPLING.get(key)
    if entry is None:
        raise _unknown(key, list(_SAMPLING))
    if key == "stop":
        return (value,) if isinstance(value, str) else tuple(value)
    if key == "logit_bias" and isinstance(value, str):
        return _biases(value)
    if "min" not in entry.metadata:
        return value
    kind = "float" if "float" in str(entry.type) else "int"
    return _convert(key, value, {"kind": kind, **entry.metadata}, origin)


def _biases(text: str) -> tuple[tuple[int, float], ...]:
    """``ID:BIAS,ID:BIAS`` as pairs."""
    try:
        return tuple(
            (int(token), float(bias)) for token, bias in (pair.split(":") for pair in text.split(","))
        )
    except ValueError as error:
        raise UsageError(
            f"logit_bias is {text!r}, not ID:BIAS,ID:BIAS", hint="--option logit_bias=198:-5,504:1.5"
        ) from error


def checked(key: str, value: Any, origin: str, where: str | None = None) -> Any:
    """The value of a setting, converted from text and checked.

    `origin` is what the person would know the value by (a variable, a flag), `where` the place in a file.
    Raises UsageError that names both.
    """
    if key not in KEYS:
        raise _unknown(key, list(KEYS), where)
    return _convert(key, value, KEYS[key].metadata, key if where else origin, where)


def set_value(directories: Directories, key: str, text: str) -> Any:
    """Write one setting into the person's file, every other line untouched; gives the value.

    Raises UsageError for a bad key or value, and for a file that would not be valid afterwards; StoreError.
    """
    if key not in KEYS:
        raise _unknown(key, list(KEYS))
    value = checked(key, text, key)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"the value of {key} is not valid UTF-8", hint="type it in UTF-8") from error
    _edit(directories, lambda old: toml_lines.replaced(old, key, "" if value is None else value))
    return value


def unset_value(directories: Directories, key: str) -> bool:
    """Take one setting out of the person's file; whether it was there. Raises as `set_value` does."""
    if key not in KEYS:
        raise _unknown(key, list(KEYS))
    return _edit(directories, lambda old: toml_lines.removed(old, key))


def _edit(directories: Directories, change: Callable[[str], str]) -> bool:
    path = config_path(directories)
    private_dir(path.parent)
    with lock(path.with_name(f".{FILE_NAME}.lock")):
        old = _read(path)
        toml_lines.parse(old, str(path))
        new = change(old)
        if new == old:
            return False
        _of_file(new, path)
        write_atomic(path, new)
    return True


def _read(path: Path) -> str:
    try:
        return read_text(path, _LARGEST_FILE)
    except NotFound:
        return ""


def _of_file(text: str, path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Values and origins of the text of a settings file."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if not text.strip():
        return values, origins
    found = toml_lines.parse(text, str(path))
    lines = {statement.key: statement.first for statement in toml_lines.statements(text)}
    for key, value in found.items():
        line = f":{lines[key]}" if key in lines else ""  # a key spelled with escapes has none
        values[key] = checked(key, value, FILE_NAME, f"{path}{line}")
        origins[key] = f"{FILE_NAME}{line}"
    return values, origins


def _convert(key: str, value: Any, rule: Mapping[str, Any], origin: str, where: str | None = None) -> Any:
    try:
        if (
            where
            and isinstance(value, str)
            and rule["kind"] in NOT_TEXT
            and value not in rule.get("words", ())
        ):
            raise ValueError  # a file has types, and `temperature = "0.7"` is text
        return READERS[rule["kind"]](value, rule)
    except ValueError as error:
        raise UsageError(
            f"{origin} is {_quoted(value)}, but must be {allowed(rule)}",
            where=where,
            hint=_remedy(key, origin, where),
        ) from error


def _remedy(key: str, origin: str, where: str | None) -> str:
    if where:
        return f"ockit config unset {key}"
    if origin.startswith("/"):
        return "/params shows what holds"
    if origin.startswith("OCKIT_"):
        return f"unset {origin}"
    return f"ockit config show explains {key}" if key in KEYS else "ockit ask --help lists the parameters"


def _quoted(value: Any) -> str:
    text = toml_lines.literal(value) if isinstance(value, bool | str) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _unknown(key: str, known: Sequence[str], where: str | None = None) -> UsageError:
    near = get_close_matches(key.lower().replace("-", "_"), known, 1)
    hint = f"the nearest name is {near[0]}" if near else f"the names are: {', '.join(known)}"
    return UsageError(f"there is no setting {key!r}", where=where, hint=hint)
