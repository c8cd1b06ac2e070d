"""Segments to token ids: the one place where a prompt becomes numbers, and where forging it must fail.

Only a `Control` (or `Bos`, `Ids`) yields a control token. All text between two of them, the template's and the
person's joined, is tokenized in one call with special tokens off, so that it comes out as the model was trained
on it. That is not enough where a vocabulary types its role markers user-defined (llama.cpp finds those in any
text), where a plain word ends turns, or where merging pieces happens to spell a control token: text that yields
such an id is cut inside the spelling and its parts are tokenized apart, until none is left.

It does not know templates' layouts, roles or models; the vocabulary is whatever follows the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ockit.errors import OckitError
from ockit.prompts.segments import Bos, Control, Ids, Segment, Text
from ockit.prompts.templates import known_markers
from ockit.prompts.vocabulary import Vocabulary

# What C's isspace() takes for white space: a marker that strips eats these and no others.
_SPACE = " \t\n\v\f\r"
# A token of this shape marks a role or a part of a conversation, whichever family's it is.
_MARKER_SHAPE = re.compile(r"<[|｜][^<>\s]{1,64}[|｜]>")
# Texts to stand in front of a continuation, so that no tokenizer takes it for the beginning of a text.
_LEADS = ("\n", "\t", "|", "x", "1", ">")


def encode(segments: Sequence[Segment], vocabulary: Vocabulary) -> list[int]:
    """The token ids of a prompt.

    A `Control` that the vocabulary has no token for is ordinary text. `Bos` stands once at the front, however
    many segments ask for it there.

    Raises:
        OckitError: `Ids` of another vocabulary, or a text that cannot be written without a control token.
    """
    return _Encoder(vocabulary, segments).run()


class _Encoder:
    """One prompt in the making: the ids so far, and the text not yet tokenized."""

    def __init__(self, vocabulary: Vocabulary, segments: Sequence[Segment]) -> None:
        self._vocabulary = vocabulary
        self._segments = segments
        self._ids: list[int] = []
        self._text: list[str] = []
        self._eats_space = False  # the token before the text strips white space after it
        self._continues = False  # the text follows other text (an answer's ids), not a control token
        own = {segment.text for segment in segments if isinstance(segment, Control)}
        markers = (vocabulary.marker(text) for text in own | known_markers())
        self._guarded = {marker for marker in markers if marker is not None}

    def run(self) -> list[int]:
        """All segments, in order."""
        for segment in self._segments:
            if isinstance(segment, Text):
                self._text.append(segment.text)
            elif isinstance(segment, Control):
                self._control(segment)
            elif isinstance(segment, Ids):
                self._verbatim(segment)
            elif isinstance(segment, Bos):
                bos = self._vocabulary.bos
                if bos is not None and (self._text or self._ids != [bos]):
                    self._special(bos)
        self._flush()
        return self._ids

    def _control(self, segment: Control) -> None:
        marker = self._vocabulary.marker(segment.text)
        if marker is None:
            self._text.append(segment.text)
            return
        # An answer's ids may hold the token that ended it, which the template writes too.
        if self._continues and not self._text and self._ids[-1:] == [marker]:
            self._continues = False
            self._eats_space = self._vocabulary.strips(marker)[1]
            return
        self._special(marker)

    def _special(self, marker: int) -> None:
        before, after = self._vocabulary.strips(marker)
        self._flush(strip_end=before)
        self._ids.append(marker)
        self._eats_space = after

    def _verbatim(self, segment: Ids) -> None:
        if not segment.ids:
            return
        wrong = [token for token in segment.ids if not 0 <= token < self._vocabulary.n_tokens]
        if wrong:
            raise OckitError(
                f"an earlier answer holds token {wrong[0]}, but the model has {self._vocabulary.n_tokens} tokens",
                hint="the answer comes from another model: send its text, not its tokens",
            )
        if self._forges(segment):
            self._text.append(segment.text)
            return
        self._flush()
        self._ids.extend(segment.ids)
        self._continues = True

    def _forges(self, segment: Ids) -> bool:
        """Whether a model wrote a control token or a marker into the midst of its answer. The last id may end it."""
        guarded = self._guarded | self._shaped_like_markers(segment.text)
        return any(token in guarded or self._vocabulary.is_control(token) for token in segment.ids[:-1]) or (
            segment.ids[-1] in guarded and not self._vocabulary.is_control(segment.ids[-1])
        )

    def _flush(self, *, strip_end: bool = False) -> None:
        text = "".join(self._text)
        self._text.clear()
        if self._eats_space:
            text = text.lstrip(_SPACE)
        if strip_end:
            text = text.rstrip(_SPACE)
        if text:
            self._ids.extend(self._plain(text, continues=self._continues))
        self._eats_space = self._continues = False

    def _plain(self, text: str, *, continues: bool) -> list[int]:
        """Ids of text, none of them a control token or a marker."""
        guarded = self._guarded | self._shaped_like_markers(text)
        done: list[int] = []
        waiting = [text]  # a stack of parts, the next one last
        while waiting:
            part = waiting.pop()
            ids = self._continuation(part) if continues else self._vocabulary.tokenize(part)
            forged = {token for token in set(ids) if token in guarded or self._vocabulary.is_control(token)}
            if forged:
                waiting.extend(reversed(self._cut(part, forged)))
                continue
            done += ids
            continues = True
        return done

    def _shaped_like_markers(self, text: str) -> set[int]:
        if "<|" not in text and "<｜" not in text:
            return set()
        found = (self._vocabulary.marker(shape) for shape in set(_MARKER_SHAPE.findall(text)))
        return {marker for marker in found if marker is not None}

    def _cut(self, text: str, forged: set[int]) -> list[str]:
        """The text in parts, cut after the first character of every spelling of a forged token."""
        places: set[int] = set()
        for token in forged:
            spelling = self._vocabulary.spelling(token)
            if len(spelling) > 1:
                places.update(_occurrences(text, spelling))
        if not places:
            # The tokenizer changed the text before it looked at it: halve until the token falls apart.
            if len(text) < 2:
                raise OckitError(
                    f"the character {text!r} is a control token of this model and cannot be sent as text",
                    hint="leave the character out",
                )
            places = {len(text) // 2}
        edges = [0, *sorted(places), len(text)]
        return [text[start:end] for start, end in pairwise(edges)]

    def _continuation(self, text: str) -> list[int]:
        """Ids of text that follows other text. SentencePiece puts a space before the beginning of a text, which
        would be a change of what was said in the middle of it; a lead takes that space and is dropped again."""
        ids = self._vocabulary.tokenize(text)
        wanted = _as_read(text.encode("utf-8", "surrogatepass"))
        got = self._bytes(ids)
        if got == wanted or not got.startswith(b" "):
            return ids
        for lead in _LEADS:
            head = self._vocabulary.tokenize(lead)
            both = self._vocabulary.tokenize(lead + text)
            rest = both[len(head) :]
            if both[: len(head)] == head and self._bytes(rest) == wanted:
                return rest
        return ids

    def _bytes(self, ids: Sequence[int]) -> bytes:
        return _as_read(b"".join(map(self._vocabulary.piece, ids)))


def _as_read(text: bytes) -> bytes:
    """To SentencePiece a lower one eighth block is a space, and comes back as one."""
    return text.replace("▁".encode(), b" ")


def _occurrences(text: str, spelling: str) -> list[int]:
    """Where to cut: one past every beginning of the spelling, overlapping ones too."""
    places = []
    at = text.find(spelling)
    while at >= 0:
        places.append(at + 1)
        at = text.find(spelling, at + 1)
    return places
