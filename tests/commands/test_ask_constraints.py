"""``ockit ask --schema`` and ``--grammar``: answers of a real model hold to them, and bad ones are told by line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from asking import QUICK, error_of, json_of, saved

SCHEMAS: dict[str, dict[str, Any]] = {
    "nested": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "home": {
                "type": "object",
                "properties": {"city": {"type": "string", "maxLength": 10}, "zip": {"type": "integer"}},
                "required": ["city", "zip"],
                "additionalProperties": False,
            },
        },
        "required": ["name", "home"],
        "additionalProperties": False,
    },
    "array": {
        "type": "array",
        "items": {"type": "boolean"},
        "minItems": 2,
        "maxItems": 4,
    },
    "enum": {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green", "blue"]}, "kind": {"const": "paint"}},
        "required": ["colour", "kind"],
        "additionalProperties": False,
    },
    "numbers": {
        "type": "object",
        "properties": {
            "age": {"type": "integer"},
            "height": {"type": "number"},
            "other": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
        },
        "required": ["age", "height", "other"],
        "additionalProperties": False,
    },
    "length": {"type": "string", "minLength": 3, "maxLength": 8},
    "referring": {
        "$defs": {"word": {"type": "string", "maxLength": 6}},
        "type": "array",
        "items": {"$ref": "#/$defs/word"},
        "minItems": 1,
        "maxItems": 2,
    },
}


@pytest.fixture
def ask(run_ockit: Any) -> Any:
    def run(*args: str, **options: Any) -> Any:
        return run_ockit("ask", *args, **{"env": QUICK, **options})

    return run


@pytest.fixture
def schema(tmp_path: Path) -> Any:
    def write(content: Any) -> str:
        path = tmp_path / "schema.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write


@pytest.mark.parametrize("name", SCHEMAS)
def test_answers_fit_the_schema(name: str, ask: Any, schema: Any, ockit_home: Path) -> None:
    for seed in (1, 2):
        done = ask(
            "--schema",
            schema(SCHEMAS[name]),
            "--seed",
            str(seed),
            "--temp",
            "1",
            "--max-tokens",
            "300",
            "Anna, 30.",
        )
        assert done.code == 0, done
        jsonschema.validate(json.loads(done.stdout), SCHEMAS[name])
    assert all(session[1].state == "complete" for session in saved(ockit_home))


def test_an_answer_that_was_cut_exits_6(ask: Any, schema: Any, ockit_home: Path) -> None:
    done = ask("--schema", schema(SCHEMAS["nested"]), "--max-tokens", "5", "Anna, 30.")
    error = error_of(done, 6)
    assert "no complete JSON" in error
    assert "--max-tokens" in error
    assert done.stdout.startswith("{")
    assert saved(ockit_home)[0][1].text.startswith("{")


def test_bounds_that_no_grammar_holds_are_checked_afterwards(ask: Any, schema: Any) -> None:
    """Never an answer outside the schema with exit code 0."""
    limited = {"type": "integer", "minimum": 10**6, "maximum": 10**6 + 1}
    done = ask("--schema", schema(limited), "--seed", "1", "--max-tokens", "20", "A number?")
    assert "than the m" in error_of(done, 6)


def test_json_is_printed_even_so(ask: Any, schema: Any) -> None:
    found = json_of(ask("--schema", schema(SCHEMAS["nested"]), "--max-tokens", "5", "--json", "Anna"), 6)
    assert found["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("content", "said", "place"),
    [
        ('{"type": "object",\n  "properties": {\n', "no JSON", "schema.json:3"),
        ("", "no JSON", "schema.json:1"),
        ('{"type": "nonsense"}', "no JSON schema", "schema.json"),
        ('{"$ref": "https://example.org/schema.json"}', "outside itself", "schema.json"),
        ('{"items": {"$ref": "other.json#/a"}}', "outside itself", "schema.json"),
        ("[1, 2", "no JSON", "schema.json:1"),
        ("[]", "no JSON schema", "schema.json"),
        ("3", "no JSON schema", "schema.json"),
        ('{"$ref": "#/$defs/missing"}', "missing", ""),
        ("true", "no JSON schema", "schema.json"),
        ("[" * 100_000, "nested too deeply", "schema.json"),
        ('{"items":' * 900 + "{}" + "}" * 900, "too deeply", ""),
        ('{"type": "string", "pattern": "^[a"}', "pattern", ""),
    ],
)
def test_a_bad_schema_exits_2(content: str, said: str, place: str, ask: Any, schema: Any) -> None:
    error = error_of(ask("--schema", schema(content), "x"), 2)
    assert said in error
    assert place in error


def test_a_schema_that_is_not_there(ask: Any) -> None:
    assert "missing.json" in error_of(ask("--schema", "missing.json", "x"), 3)
    assert "missing.gbnf" in error_of(ask("--grammar", "missing.gbnf", "x"), 3)


def test_a_schema_that_is_no_text(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe{}")
    assert "not UTF-8" in error_of(ask("--schema", str(tmp_path / "bytes"), "x"), 2)
    assert "not UTF-8" in error_of(ask("--grammar", str(tmp_path / "bytes"), "x"), 2)


@pytest.mark.parametrize(
    "content",
    ['root ::= "unclosed', "root ::= missing", "", "root = 1", 'root ::= root "a"', 'root ::= "a"\x00'],
)
def test_a_bad_grammar_exits_2(content: str, ask: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.gbnf").write_text(content)
    assert "grammar" in error_of(ask("--grammar", str(tmp_path / "bad.gbnf"), "x"), 2)


def test_a_grammar_that_no_token_fits(ask: Any, tmp_path: Path, ockit_home: Path) -> None:
    (tmp_path / "no.gbnf").write_text('root ::= "yes"')
    bans = ",".join(f"{token}:-1e30" for token in (105, 12395))
    done = ask("--grammar", str(tmp_path / "no.gbnf"), "-o", f"logit_bias={bans}", "x")
    if done.code == 0:
        assert done.stdout == "yes\n"
    else:
        assert "no token" in error_of(done, 1)


def test_a_grammar_cut_short_exits_6(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "long.gbnf").write_text("root ::= [0-9]{200}")
    error = error_of(ask("--grammar", str(tmp_path / "long.gbnf"), "--max-tokens", "5", "x"), 6)
    assert "before the grammar was satisfied" in error


def test_schema_and_grammar_exclude_each_other(ask: Any) -> None:
    assert "exclude each other" in error_of(ask("--schema", "a", "--grammar", "b", "x"), 2)
    assert "exclude each other" in error_of(ask("--json", "--jsonl", "x"), 2)
