"""Ways to write the same text: what must not change a judgement. Drawn at random while training. Knows no labels."""

from __future__ import annotations

import random
import re

_OPENINGS = (
    "please ",
    "hi, ",
    "hello! ",
    "quick question: ",
    "hey ",
    "ok so ",
    "so, ",
    "could you help? ",
    "thanks. ",
)
_PUNCTUATION = re.compile(r"[^\w\s'’-]+|(?<!\w)['’-]|['’-](?!\w)")


def plain(text: str) -> str:
    """Lower case, no punctuation: what the figures are measured on, too."""
    return " ".join(_PUNCTUATION.sub(" ", text.lower()).split())


def altered(text: str, chance: random.Random) -> str:
    """The text in another case, without punctuation, with a slip of the finger, behind an opening; or as it is."""
    drawn = chance.random()
    if drawn < 0.25:
        text = plain(text)
    elif drawn < 0.40:
        text = text.lower()
    elif drawn < 0.47:
        text = text.rstrip(".?!")
    elif drawn < 0.49:
        text = text.upper()
    elif drawn < 0.52:
        text = text.rstrip(".?!") + chance.choice("?.!")
    if chance.random() < 0.05:
        text = chance.choice(_OPENINGS) + text
    if chance.random() < 0.12:
        text = _slip(text, chance)
    return text or "-"


def _slip(text: str, chance: random.Random) -> str:
    """Two letters swapped, one doubled or one left out, in one word of four letters or more."""
    words = text.split(" ")
    long = [number for number, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    if not long:
        return text
    number = chance.choice(long)
    word = words[number]
    at = chance.randrange(1, len(word) - 1)
    words[number] = chance.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1 :],
        )
    )
    return " ".join(words)
