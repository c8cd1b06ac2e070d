"""What an answer must look like: a JSON schema or a grammar from a file, checked before a model is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ockit.errors import OckitError, SchemaMismatch, UsageError
from ockit.files import read_limited

LARGEST_FILE = 1 << 20
DEEPEST_GRAMMAR = 200


def read_schema(path: Path) -> Any:
    """A JSON schema from a file.

    Raises:
        UsageError: no JSON, no schema, or one that refers to the network.
        NotFound: the file is not there.
    """
    text = _decoded(path)
    try:
        schema = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise UsageError(
            f"the schema is no JSON: {error}", where=f"{path}:{line}", hint="fix it there"
        ) from error
    except RecursionError as error:
        raise UsageError("the schema is nested too deeply", where=str(path), hint="flatten it") from error
    if not isinstance(schema, dict):
        raise UsageError(
            f"this is no JSON schema: an object is needed, not {text.strip()[:40]!r}",
            where=str(path),
            hint='{"type": "object", "properties": {...}}',
        )
    try:
        _check_schema(schema, path)
    except RecursionError as error:
        raise UsageError("the schema is nested too deeply", where=str(path), hint="flatten it") from error
    return schema


def _check_schema(schema: dict[str, Any], path: Path) -> None:
    import jsonschema

    for reference in _references(schema):
        if not reference.startswith("#"):
            raise UsageError(
                f"the schema refers to {reference!r}, outside itself",
                where=str(path),
                hint="copy what it refers to under $defs: nothing is fetched from the network",
            )
    try:
        jsonschema.validators.validator_for(schema).check_schema(schema)
    except jsonschema.SchemaError as error:
        place = "/".join(map(str, error.absolute_path)) or "its top"
        raise UsageError(
            f"this is no JSON schema: at {place}: {error.message}", where=str(path), hint="fix it there"
        ) from error


def read_grammar(path: Path) -> str:
    """A GBNF grammar from a file; whether it parses, the engine says. Raises UsageError or NotFound."""
    text = _decoded(path)
    if not text.strip():
        raise UsageError("the grammar is empty", where=str(path), hint='root ::= "yes" | "no"')
    depth = 0
    for mark in text:
        depth += (mark == "(") - (mark == ")")
        if depth > DEEPEST_GRAMMAR:  # llama.cpp's parser calls itself at each, until its stack is full
            raise UsageError(
                f"the grammar nests more than {DEEPEST_GRAMMAR} parentheses",
                where=str(path),
                hint="name rules instead",
            )
    return text


def check_answer(text: str, schema: Any) -> None:
    """Return if an answer fits a schema. Raises SchemaMismatch that says where it does not."""
    import jsonschema

    try:
        jsonschema.validate(json.loads(text), schema)
    except ValueError as error:
        raise SchemaMismatch(
            f"the answer is no complete JSON: {error}", hint="give it more room: --max-tokens 2000"
        ) from error
    except RecursionError as error:
        raise SchemaMismatch(
            "the answer is nested too deeply to be checked", hint="another --seed or model may do better"
        ) from error
    except jsonschema.ValidationError as error:
        place = "/".join(map(str, error.absolute_path)) or "its top"
        raise SchemaMismatch(
            f"the answer does not fit the schema at {place}: {error.message}",
            hint="another --seed or model may do better",
        ) from error


def first_code_block(text: str) -> str:
    """The content of the first fenced block of Markdown. Raises OckitError where there is none."""
    fence = ""
    block: list[str] = []
    for line in text.splitlines():
        mark = line.strip()
        if fence and mark.startswith(fence) and not mark.strip(fence[0]):
            return "\n".join(block)
        if fence:
            block.append(line)
        elif mark.startswith(("```", "~~~")):
            fence = mark[: len(mark) - len(mark.lstrip(mark[0]))]
    if fence:
        return "\n".join(block)
    raise OckitError(
        "the answer, shown above, has no fenced code block", hint="ask for code in a fenced block"
    )


def _decoded(path: Path) -> str:
    try:
        return read_limited(path, LARGEST_FILE).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"this is not UTF-8 text: {error.reason} at offset {error.start}",
            where=str(path),
            hint="fix it there",
        ) from error


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)
