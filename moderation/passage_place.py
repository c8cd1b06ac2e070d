"""Where a passage stands, as words to judge: a model reads the path and the headings before the passage itself, and
whoever wrote the document chose them. Knows no back end."""

from __future__ import annotations

import re
from dataclasses import replace

from ockit.messages import Finding, Passage, Verdict
from ockit.moderation.policy.gravity import gravest

_SUFFIX = re.compile(r"\.\w{1,8}$")
_BETWEEN_WORDS = re.compile(r"[\s/\\_+%&=?#.-]+")
_BETWEEN_HEADINGS = " › "


def place_words(passage: Passage) -> str:
    """The path's words in a line, and each heading in one of its own, which is how they are judged one by one: ordinary
    ones are taken for orders where they stand in one line with ``›`` (7 of 2,687), and never so (none of 2,684).
    Empty where there is not a letter in it."""
    path = _BETWEEN_WORDS.sub(" ", _SUFFIX.sub("", passage.path)).strip()
    headings = (heading.strip() for heading in passage.heading.split(_BETWEEN_HEADINGS))
    words = "\n".join(filter(None, (path, *headings)))
    return words if any(map(str.isalpha, words)) else ""


def graver(text: Verdict, place: Verdict) -> Verdict:
    """Of the verdicts on a passage and on its place the one that says what becomes of it."""
    if gravest((text, place)) == 0:
        return text
    hits = tuple(Finding(hit.name) for hit in place.hits)  # their places are in no text that a person sees
    return replace(place, hits=hits, reason=f"its path or headings: {place.reason}")
