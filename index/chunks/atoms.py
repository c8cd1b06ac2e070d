"""Breaks a text into the smallest pieces a chunk is made of: lines, and the sentences and words of long lines.

Knows what a cut before each of them costs; not how large a chunk is to be. Linear in the length of the text whatever
its lines are like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What a cut costs, in units of which a chunk of a quarter of its size costs about one (see `packing`).
AT_MARK = 0.0  # a heading or a definition of the outermost level
DEEPER_MARK = 0.06  # for each level further in
AT_PARAGRAPH = 0.25
AFTER_SENTENCE = 0.6
AT_LINE = 0.8  # a line whose end is no end of a sentence, or one of a definition's body
DEEPER_LINE = 0.08  # for each step of indentation
IN_SENTENCE = 1.6
IN_WORDS = 2.5
NEVER = 1e9

_LONG_LINE = 160  # characters; longer lines of prose are taken apart
_LONG_CODE = 320  # the same of code, whose lines are read whole
_BLANK = 4000  # characters of blank lines, with what they follow, that are not cut
_WORDS = 80  # characters of a run of words that is not cut
_SENTENCE = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+(?=[^\sa-z])|(?<=[。！？])")
_CLAUSE = re.compile(r"(?<=[,;:|])\s+")
_RUN = re.compile(rf"\S{{{_WORDS}}}|[\s\S]{{1,{_WORDS}}}(?:(?=\s)|$)\s{{0,{_WORDS}}}|\S+|\s{{1,{_WORDS}}}")


@dataclass(slots=True)
class Atom:
    """A piece of a text that is not cut: its offsets, and what a cut before it costs."""

    start: int
    end: int
    cost: float


def atoms(text: str, *, prose: bool, marks: dict[int, int], pages: frozenset[int]) -> list[Atom]:
    """The atoms of a text, which they tile.

    Args:
        prose: whether its lines are sentences rather than code.
        marks: depth (from 0) of the headings and definitions, by the offset of their line.
        pages: offsets at which a page begins.
    """
    found: list[Atom] = []
    longest = _LONG_LINE if prose else _LONG_CODE
    after_blank = True
    before = ""
    for start, end in _lines(text):
        bare = text[start:end].strip() if end - start <= longest else "long"
        if not bare and found and start not in pages and end - found[-1].start <= _BLANK:
            found[-1].end = end  # blank lines belong to what stands before them
            after_blank = True
            continue
        if start in pages:
            cost = -1.0
        elif start in marks:
            cost = AT_MARK + DEEPER_MARK * marks[start]
        elif after_blank:
            cost = AT_PARAGRAPH + (0 if prose else DEEPER_LINE * _steps(text, start, end))
        elif prose:
            cost = AFTER_SENTENCE if before.endswith((".", "!", "?", ":", "|")) else AT_LINE
        else:
            cost = AT_LINE + DEEPER_LINE * _steps(text, start, end)
            if bare[:1] in ")]}":
                cost += 1
        if end - start <= longest:
            found.append(Atom(start, end, cost))
        else:
            found += _inside(text, start, end, cost)
        before = text[max(start, end - 8) : end].rstrip()
        after_blank = False
    return found


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield start, end
        start = end


def _steps(text: str, start: int, end: int) -> int:
    """How far in a line stands, in steps of two blanks or one tab, eight at most."""
    at = start
    width = 0
    while at < end and width < 16 and text[at] in " \t":
        width += 1 if text[at] == " " else 4
        at += 1
    return min(width, 16) // 2


def _inside(text: str, start: int, end: int, cost: float) -> Iterator[Atom]:
    """A long line: its sentences, of a long sentence its clauses, of a long clause runs of words."""
    for sentence, sentence_end in _cut(_SENTENCE, text, start, end):
        for clause, clause_end in (
            [(sentence, sentence_end)]
            if sentence_end - sentence <= 2 * _LONG_LINE
            else _cut(_CLAUSE, text, sentence, sentence_end)
        ):
            at = clause
            while at < clause_end:
                if clause_end - at <= 2 * _LONG_LINE:
                    stop = clause_end
                else:
                    match = _RUN.match(text, at, clause_end)
                    stop = match.end() if match is not None and match.end() > at else clause_end
                if at == start:
                    here = cost
                elif at == sentence:
                    here = AFTER_SENTENCE
                else:
                    here = IN_SENTENCE if at == clause else IN_WORDS
                yield Atom(at, stop, here)
                at = stop


def _cut(pattern: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for match in pattern.finditer(text, start, end):
        if match.end() > at and match.end() < end:
            yield at, match.end()
            at = match.end()
    yield at, end
