"""Between rows and records: how each value is stored, and how it is read back.

Strings are stored as they are, but for lone surrogates (an undecodable file name, say), which SQLite cannot hold:
they become U+FFFD. Token ids are 32-bit little-endian. A row that ockit cannot have written raises Damaged.
"""

from __future__ import annotations

import json
import math
import sqlite3
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast, get_args

from ockit.events import Moderated
from ockit.messages import ACTIONS, ROLES, Finding, Judged, Passage, Timings, Usage, Verdict
from ockit.sessions.database import Damaged
from ockit.sessions.records import STATES, Hit, Session, StoredMessage
from ockit.sessions.writer import is_writing

P = ParamSpec("P")
R = TypeVar("R")


def text_in(text: str) -> str:
    """Text as SQLite can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def value_in(value: Any) -> Any:
    """A value as SQLite can hold it: strings made storable, dictionaries as JSON."""
    if isinstance(value, str):
        return text_in(value)
    return json_in(value) if isinstance(value, dict) else value


def json_in(value: object) -> str:
    """A JSON-ready value as text. ASCII only, so any string fits."""
    return json.dumps(value, separators=(",", ":"))


def ids_in(ids: Sequence[int] | None) -> bytes | None:
    """Token ids as bytes, None where there are none: no answer is made of no token.

    Raises:
        struct.error: an id lies outside 0 to 2^32 - 1.
    """
    return None if not ids else struct.pack(f"<{len(ids)}I", *ids)


def _damage_shows(convert: Callable[P, R]) -> Callable[P, R]:
    @wraps(convert)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return convert(*args, **kwargs)
        except (TypeError, ValueError, KeyError, struct.error) as error:
            raise Damaged(f"a row is damaged: {error}") from error

    return checked


@_damage_shows
def session_out(row: sqlite3.Row) -> Session:
    """A row of ``sessions`` with the extra column ``n_messages``."""
    return Session(
        id=_text(row["id"]),
        title=_maybe(row["title"], _text),
        model=_maybe(row["model"], _text),
        template=_maybe(row["template"], _text),
        system=_maybe(row["system"], _text),
        created_at=_real(row["created_at"]),
        updated_at=_real(row["updated_at"]),
        head=_maybe(row["head"], _text),
        n_messages=_whole(row["n_messages"]),
        metadata=_object(row["metadata"]),
    )


@_damage_shows
def message_out(
    row: sqlite3.Row, sources: Iterable[sqlite3.Row] = (), verdicts: Iterable[sqlite3.Row] = ()
) -> StoredMessage:
    """A row of ``messages`` with those of its sources and verdicts. An answer in state ``partial`` whose writer is
    gone is given as ``interrupted``; the row stays as it is, for another machine may know better."""
    state = _one_of(row["state"], STATES)
    updated_at = _real(row["updated_at"])
    if state == "partial" and not is_writing(_maybe(row["writer"], _text), updated_at):
        state = "interrupted"
    usage = [_maybe(row[entry.name], _whole) for entry in fields(Usage)]
    timings = [_maybe(row[entry.name], _real) for entry in fields(Timings)]
    return StoredMessage(
        id=_text(row["id"]),
        session_id=_text(row["session_id"]),
        parent_id=_maybe(row["parent_id"], _text),
        role=_one_of(row["role"], ROLES),
        text=_text(row["text"]),
        state=state,
        created_at=_real(row["created_at"]),
        updated_at=updated_at,
        token_ids=_maybe(row["token_ids"], _ids),
        model=_maybe(row["model"], _text),
        finish_reason=_maybe(row["finish_reason"], _text),
        error=_maybe(row["error"], _text),
        sampling=_maybe(row["sampling"], _object),
        seed=_maybe(row["seed"], _whole),
        usage=None if None in usage else Usage(*cast("list[int]", usage)),
        timings=None if None in timings[:3] else Timings(*cast("list[float]", timings)),
        rating=_maybe(row["rating"], _whole),
        metadata=_object(row["metadata"]),
        sources=tuple(source_out(source) for source in sources),
        verdicts=tuple(verdict_out(verdict) for verdict in verdicts),
    )


@_damage_shows
def source_out(row: sqlite3.Row) -> Passage:
    """A row of ``sources``."""
    return Passage(
        path=_text(row["path"]),
        start_line=_maybe(row["start_line"], _whole),
        end_line=_maybe(row["end_line"], _whole),
        page=_maybe(row["page"], _whole),
        heading=_text(row["heading"]),
        text=_text(row["text"]),
        score=_number(row["score"]),
        file=_text(_later(row, "file", "")),
        index=_text(_later(row, "index_name", "")),
    )


def source_in(message_id: str, passage: Passage) -> dict[str, Any]:
    """The values of a passage's row in ``sources``; its ``index`` is a word of SQL."""
    values = asdict(passage)
    return {"message_id": message_id, "index_name": values.pop("index"), **values}


def _later(row: sqlite3.Row, column: str, value: Any) -> Any:
    """A column that a damaged store of an earlier version, of which rows are read as they are, has not."""
    return row[column] if column in row.keys() else value  # noqa: SIM118 - a row's `in` looks at values


@_damage_shows
def verdict_out(row: sqlite3.Row) -> Moderated:
    """A row of ``verdicts``."""
    verdict = Verdict(
        level=_whole(row["level"]),
        p_level=tuple(float(p) for p in json.loads(row["p_level"])),
        categories={str(name): float(score) for name, score in _object(row["categories"]).items()},
        hits=tuple(_finding(hit) for hit in json.loads(row["hits"])),
        action=_one_of(row["action"], ACTIONS),
        reason=_text(row["reason"]),
        backend=_text(row["backend"]),
        ms=_number(row["ms"]),
        status=_one_of(row["status"], ("ok", "timeout", "error", "not_scanned")),
        injection=_number(_later(row, "injection", 0.0)),
        unsure=bool(_whole(_later(row, "unsure", 0))),
        topic=_maybe(_later(row, "topic", None), _text),
    )
    return Moderated(verdict, _one_of(row["role"], get_args(Judged)))


def verdict_in(message_id: str, role: Judged, verdict: Verdict) -> dict[str, Any]:
    """The values of a verdict's row in ``verdicts``."""
    values = asdict(verdict) | {"message_id": message_id, "role": role, "unsure": int(verdict.unsure)}
    for name in ("p_level", "categories", "hits"):
        values[name] = json_in(values[name])
    return values


def _finding(hit: Any) -> Finding:
    """What decided; stores before version 4 have its name alone."""
    if isinstance(hit, str):
        return Finding(hit)
    return Finding(_text(hit["name"]), _maybe(hit["start"], _whole), _maybe(hit["end"], _whole))


@_damage_shows
def hit_out(row: sqlite3.Row, snippet: str) -> Hit:
    """A row of a search."""
    return Hit(
        session_id=_text(row["session_id"]),
        title=_maybe(row["title"], _text),
        message_id=_text(row["id"]),
        role=_one_of(row["role"], ROLES),
        snippet=snippet,
        created_at=_real(row["created_at"]),
    )


def _maybe(value: Any, convert: Callable[[Any], R]) -> R | None:
    return None if value is None else convert(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is {type(value).__name__}")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a whole number is {type(value).__name__}")
    return value


def _real(value: Any) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"a number is {value!r:.40}")
    return float(value)


def _number(value: Any) -> float:
    """A number that may not be one: SQLite stores NaN as NULL."""
    return math.nan if value is None else float(_real(value))


def _object(value: Any) -> dict[str, Any]:
    found = json.loads(_text(value))
    if not isinstance(found, dict):
        raise TypeError("a JSON object is something else")
    return found


def _ids(value: Any) -> tuple[int, ...]:
    return struct.unpack(f"<{len(value) // 4}I", value)


def _one_of(value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError(f"{value!r:.40} is none of {allowed}")
    return value
