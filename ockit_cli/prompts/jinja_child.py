"""Runs one Jinja template: the child process of `ockit.prompts.jinja`.

A request comes as JSON on stdin, the answer goes as JSON to stdout: a ``text``, or an ``error`` and its ``line``.
Nothing of the conversation is here but roles and made-up words. The process limits itself before it reads the
template: memory, processor time, no files. Jinja's sandbox keeps the template from Python's own attributes.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

MEMORY = 512 << 20
"""Bytes of address space."""
CPU_SECONDS = 6
"""Seconds of processor time: the parent stops waiting sooner; this is for a parent that died."""
_MESSAGE = 500  # characters of an error's text


def main() -> None:
    """Read, render, answer."""
    import jinja2.ext  # noqa: F401  # before the limits: no files are opened afterwards
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: F401

    request = json.load(sys.stdin.buffer)
    _limit()
    try:
        answer: dict[str, Any] = {"text": render(request)}
    except MemoryError:
        answer = {"error": f"it needs more than {MEMORY >> 20} MiB of memory"}
    except Exception as error:  # noqa: BLE001  # whatever a template raises is an answer: the parent shows it
        answer = {"error": _said(error), "line": _line(error)}
    sys.stdout.buffer.write(json.dumps(answer).encode())


def render(request: dict[str, Any]) -> str:
    """The template's output, rendered as transformers renders chat templates.

    Raises:
        ValueError: the output has more characters than ``limit``.
        jinja2.TemplateError: whatever is wrong with the template.
    """
    environment = _sandbox(request["now"])
    stream = environment.from_string(request["source"]).generate(
        messages=request["messages"],
        add_generation_prompt=True,
        bos_token=request["bos_token"],
        eos_token=request["eos_token"],
        tools=None,
        documents=None,
    )
    parts: list[str] = []
    room = int(request["limit"])
    for part in stream:
        room -= len(part)
        if room < 0:
            raise ValueError(f"it writes more than {request['limit']} characters")
        parts.append(part)
    return "".join(parts)


def _sandbox(now: float) -> Any:
    from datetime import datetime

    from jinja2 import TemplateError
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """``{% generation %}``: marks an answer for training; here its body is all there is."""

        tags = {"generation"}  # noqa: RUF012  # jinja2 declares it so

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def raise_exception(message: object) -> None:
        raise TemplateError(str(message))

    def strftime_now(form: str) -> str:
        return datetime.fromtimestamp(now).strftime(form)  # noqa: DTZ006  # the person's own time

    def tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = strftime_now
    return environment


def _limit() -> None:
    if sys.platform == "win32":
        return  # no such limits there; time and output are the parent's to bound
    import resource

    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (lower, lower))
        except (ValueError, OSError):
            if sys.platform != "darwin":  # macOS refuses limits of address space
                raise


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_MESSAGE]


def _line(error: Exception) -> int | None:
    """The template's line: syntax errors know it, other errors passed through it."""
    known = getattr(error, "lineno", None)
    if isinstance(known, int):
        return known
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno for frame in reversed(frames) if frame.filename == "<template>"), None)


if __name__ == "__main__":
    main()
