"""The kinds of values that settings have: what each takes, in words, and how it is read from text.

Knows no setting. A rule is a field's metadata: its kind, and the least, the greatest and the words that it takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ockit.budgets import FORM, parse_budgets

NOT_TEXT = ("int", "float", "floats", "bool")
"""Kinds that a file writes without quotes."""

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def allowed(rule: Mapping[str, Any]) -> str:
    """What a setting takes, in words, from its field's metadata."""
    kind, low, high, words = rule["kind"], rule.get("min"), rule.get("max"), rule.get("words", ())
    if kind == "word":
        return " or ".join(words)
    plain = {
        "int": "a whole number",
        "float": "a number",
        "floats": "numbers with commas between them",
        "names": "names with commas between them",
    }
    text = (
        plain.get(kind) or {"budgets": FORM, "bool": "true or false", "text": "text", "name": "a name"}[kind]
    )
    if low is not None:
        text += f" of at least {low}" if high is None else f" between {low} and {high}"
    return ", ".join([*words, text]) if words else text


def _text(value: Any, rule: Mapping[str, Any]) -> str | None:
    if not isinstance(value, str):
        raise ValueError
    return value if rule["kind"] == "text" else value or None


def _word(value: Any, rule: Mapping[str, Any]) -> str:
    if not isinstance(value, str) or value.lower() not in rule["words"]:
        raise ValueError
    return value.lower()


def _bool(value: Any, _: Mapping[str, Any]) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in (*_TRUE, *_FALSE):
        return value.lower() in _TRUE
    raise ValueError


def _number(value: Any, rule: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and value.lower() in rule.get("words", ()):
        return value.lower()
    whole = rule["kind"] == "int"
    if isinstance(value, str):
        value = int(value) if whole else float(value)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise ValueError
    if value < rule.get("min", value) or value > rule.get("max", value) or not _is_finite(value):
        raise ValueError
    return value if whole else float(value)


def _is_finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)  # isfinite() fails on a very large int


def _floats(value: Any, rule: Mapping[str, Any]) -> tuple[float, ...]:
    parts = value.split(",") if isinstance(value, str) and value else value or ()
    if not isinstance(parts, list | tuple):
        raise ValueError
    numbers = tuple(_number(part, {**rule, "kind": "float"}) for part in parts)
    if numbers and not sum(numbers):
        raise ValueError
    return numbers


def _names(value: Any, _: Mapping[str, Any]) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _budgets(value: Any, _: Mapping[str, Any]) -> str:
    if not isinstance(value, str):
        raise ValueError
    parse_budgets(value)
    return value


READERS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "name": _text,
    "text": _text,
    "word": _word,
    "bool": _bool,
    "int": _number,
    "float": _number,
    "floats": _floats,
    "names": _names,
    "budgets": _budgets,
}
"""By kind: a value in its type, from a file, a variable or a flag; ValueError where it is none."""
