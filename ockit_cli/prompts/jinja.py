"""A model's own Jinja template, run in a child process because somebody asked for it (``--template jinja``).

The child (`ockit.prompts.jinja_child`) gets a sandbox, no environment variables, and limits of time, memory and
output. It never sees what was said: every message is an unguessable word there, put back after the output has been
split at the model's special tokens. So the template alone decides where control tokens stand, and nothing in a
message becomes one. The price: a template cannot look into messages (to leave thinking out of them, for instance).
"""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import IO, Any

from ockit.errors import OckitError, UsageError
from ockit.messages import Conversation, Message
from ockit.prompts.segments import Bos, Control, Ids, Segment, Text
from ockit.prompts.template import Rendered, joined

SECONDS = 5.0
"""How long a template may run, the start of its process included."""
SOURCE_LIMIT = 1 << 20
"""Characters a template's text may have."""
OUTPUT_LIMIT = 4 << 20
"""Bytes that may come back, more than any conversation needs: messages come back as one word each."""

_HINT = "choose a format by name: --template chatml (ockit chat --help lists them)"


@dataclass(frozen=True)
class JinjaTemplate:
    """A template as text, with what it needs to know of the model.

    Attributes:
        source: the Jinja text, ``tokenizer.chat_template``.
        markers: the spelling of the model's special tokens (control and user-defined ones). Only these become
            control tokens.
        bos: spelling of the begin-of-text token, which the template may write.
        eos: spelling of the end-of-text token.
        now: the time that the template sees (`strftime_now`), in seconds since 1970. It does not move during a
            chat, or no earlier turn could be reused.
    """

    source: str
    markers: Sequence[str] = ()
    bos: str = ""
    eos: str = ""
    now: float = field(default_factory=time.time)
    name: str = "jinja"
    conditions: tuple[str, ...] = ()

    def render(self, conversation: Conversation, *, condition: str | None = None) -> Rendered:
        """The conversation laid out by the template, up to and with the generation prompt.

        Raises:
            UsageError: any condition.
            OckitError: the template fails, takes too long or too much, or leaves a message out.
        """
        if condition is not None:
            raise UsageError(
                f"a model's own Jinja template takes no --condition ({condition!r})",
                hint="leave --condition out, or use --template openchat",
            )
        words = [_Word(message) for message in conversation.messages]
        output = self._run([{"role": word.message.role, "content": word.content} for word in words])
        return Rendered(tuple(self._segments(output, words)), ())

    def render_open(self, conversation: Conversation, *, condition: str | None = None) -> Rendered:
        """The conversation whose last message is an answer that goes on: what is before it as `render` lays it out,
        then the answer, which the template does not see.

        Raises:
            UsageError, OckitError: as `render`.
        """
        *before, answer = conversation.messages
        rendered = self.render(Conversation(tuple(before)), condition=condition)
        said = Text(answer.text) if answer.token_ids is None else Ids(tuple(answer.token_ids), answer.text)
        return Rendered(tuple(joined([*rendered.segments, said])), rendered.stop)

    def _run(self, messages: list[dict[str, str]]) -> str:
        if len(self.source) > SOURCE_LIMIT:
            raise _failure(f"has {len(self.source)} characters, more than {SOURCE_LIMIT}")
        request = {
            "source": self.source,
            "messages": messages,
            "bos_token": self.bos,
            "eos_token": self.eos,
            "now": self.now,
            "limit": OUTPUT_LIMIT // 12,  # characters; one takes up to twelve bytes of JSON
        }
        answer = _answer_of_child(json.dumps(request).encode())
        if "error" in answer:
            raise _failure(f"fails: {answer['error']}", line=answer.get("line"))
        return str(answer["text"])

    def _segments(self, output: str, words: list[_Word]) -> list[Segment]:
        by_word = {word.word: word for word in words if word.word}
        markers = {marker for marker in self.markers if marker.strip()}
        if self.bos:
            markers.add(self.bos)
            output = output.removeprefix(self.bos)
        alternatives = sorted([*by_word, *markers], key=len, reverse=True)
        pattern = re.compile("(" + "|".join(map(re.escape, alternatives)) + ")") if alternatives else None
        pieces = pattern.split(output) if pattern else [output]
        missing = [word for word in by_word if word not in pieces]
        if missing:
            message = by_word[missing[0]].message
            raise _failure(f"leaves out or rewrites a message of the {message.role}: {message.text[:60]!r}")
        verbatim = _follows_generation_prompt(output, words)
        parts: list[Segment] = [Bos()]
        for piece in pieces:
            word = by_word.get(piece)
            if word is None:
                parts.append(Control(piece) if piece in markers else Text(piece))
            elif word.message.token_ids is not None and piece in verbatim:
                parts.append(Ids(tuple(word.message.token_ids), word.message.text))
            else:
                parts.append(Text(word.said))
        return joined(parts)


class _Word:
    """The word that stands for a message inside the template. White space around the text stays outside it, so
    that a template that trims does so; a text of nothing else stands for itself."""

    def __init__(self, message: Message) -> None:
        self.message = message
        core = message.text.strip()
        self.word = f"m{secrets.token_hex(16)}m" if core else ""
        start = message.text.find(core)
        self.before, self.after = message.text[:start], message.text[start + len(core) :]
        # Ids stand for all of the text, white space too.
        whole = message.token_ids is not None
        self.said = message.text if whole else core
        self.content = self.word if whole and core else self.before + (self.word or core) + self.after


def _follows_generation_prompt(output: str, words: list[_Word]) -> set[str]:
    """The words of answers that stand right after what the model was prompted with when it wrote them: only
    there do its token ids continue the prompt."""
    if len(words) < 2 or words[-1].message.role != "user" or not words[-1].word:
        return set()
    tail = output.rpartition(words[-1].word)[2].removeprefix(words[-1].after)
    found = set()
    for asked, answer in pairwise(words):
        if asked.word and answer.word and answer.message.role == "assistant":
            between = output.partition(asked.word)[2].partition(answer.word)[0]
            if between.removeprefix(asked.after) == tail:
                found.add(answer.word)
    return found


def _failure(what: str, *, line: int | None = None) -> OckitError:
    where = f"tokenizer.chat_template:{line}" if line else "tokenizer.chat_template"
    return OckitError(f"the model's chat template {what}", where=where, hint=_HINT)


def _answer_of_child(request: bytes) -> dict[str, Any]:
    """What the child answers, or an OckitError; the child is gone afterwards in either case."""
    deadline = time.monotonic() + SECONDS
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "ockit.prompts.jinja_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,  # Ctrl-C is for us; the child is killed below
    )
    assert child.stdin is not None
    assert child.stdout is not None
    talk = _Talk(child.stdin, child.stdout, request)
    try:
        talk.start()
        talk.join(max(0.0, deadline - time.monotonic()))
        late = talk.is_alive()
    finally:
        child.kill()
        child.wait()
        talk.join()
        child.stdout.close()
    if late:
        raise _failure(f"ran for more than {SECONDS:g} seconds and was stopped")
    if len(talk.answer) > OUTPUT_LIMIT:
        raise _failure(f"writes more than {OUTPUT_LIMIT} bytes")
    try:
        answer = json.loads(talk.answer)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not {"text", "error"} & answer.keys():
        raise _failure("ended its process without an answer (too much memory, or a crash)")
    return answer


def _environment() -> dict[str, str]:
    """No variables but the one without which Windows starts no Python."""
    import os

    return {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}


class _Talk(threading.Thread):
    """Writes the request and reads a bounded answer, so that the caller can stop waiting."""

    def __init__(self, to_child: IO[bytes], from_child: IO[bytes], request: bytes) -> None:
        super().__init__(daemon=True)
        self._to_child, self._from_child, self._request = to_child, from_child, request
        self.answer = b""

    def run(self) -> None:
        """The whole exchange; a child that is gone leaves the answer empty."""
        try:
            with self._to_child:
                self._to_child.write(self._request)
        except BrokenPipeError:
            return
        self.answer = self._from_child.read(OUTPUT_LIMIT + 1)
