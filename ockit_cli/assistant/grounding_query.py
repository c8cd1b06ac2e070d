"""What documents are searched for: the question, and where it only makes sense after the one before it, that one too.

Knows words, no language model. English function words are listed; in other languages only a question that consists of
nothing but numbers and signs counts as a follow-up, and every other is searched for as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

FEW = 3
"""A question with at most so many words of its own can be a follow-up."""

_WORD = re.compile(r"\w+(?:['’]\w+)?")

_POINTING = frozenset(
    "it its this that these those they them their theirs he him his she her hers one ones there then same such "
    "both either neither former latter first second third last next previous above other others another".split()
)
"""Words that point to something said before."""

_LEADING = frozenset("and but or so also then else".split())
"""Words with which a follow-up begins."""

_EMPTY = (
    _POINTING
    | _LEADING
    | frozenset(
        "a an the i me my mine we us our you your who whom whose what which when where why how is are was were be been "
        "am do does did done doing have has had having can could may might must shall should will would not no nor if "
        "of in on at by for from with without about into over under to as than too very just only more most much many "
        "any some all each every few own again further once here because while until out up down off please tell say "
        "said explain show give let know mean want need yes ok okay thanks thank well really still ever even now "
        "don't doesn't isn't aren't what's who's where's how's it's that's there's i'm you're they're let's".split()
    )
)
"""Words that say nothing of what a question is about."""


def own_words(question: str) -> list[str]:
    """The words of a question that say what it is about, in lower case."""
    words = (word.lower().replace("’", "'") for word in _WORD.findall(question))
    return [word for word in words if word not in _EMPTY and not word.isdecimal()]


def is_follow_up(question: str) -> bool:
    """Whether a question cannot be understood without the one before it: it has no words of its own, or few of them
    and one that points back."""
    words = [word.lower() for word in _WORD.findall(question)]
    own = own_words(question)
    if not own:
        return True
    return len(own) <= FEW and (words[0] in _LEADING or any(word in _POINTING for word in words))


def query_of(question: str, before: Sequence[str]) -> str:
    """What to search for.

    Args:
        before: the questions before it, oldest first.

    Returns:
        The question; a follow-up behind the questions that it follows, back to the last one that stands alone.
    """
    parts = [question]
    for earlier in reversed(before):
        if not is_follow_up(parts[0]):
            break
        parts.insert(0, earlier)
    return "\n".join(parts)
