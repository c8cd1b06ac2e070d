"""A person's rules as a back end: `ockit.protocols.Moderator`. Knows no policy.

A text is read as it stands and, where that differs, as it was meant (`ockit.moderation.normalizing`), so that letters
spelled apart hide no word.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ockit.messages import Finding, Judged, Message, Verdict
from ockit.moderation.classifier.words import installed_words
from ockit.moderation.normalizing import normalized
from ockit.moderation.rules.reading import read_rules
from ockit.moderation.rules.rule import MOST_PLACES, Rule
from ockit.moderation.rules.tokens import tokens


class RulesModerator:
    """Rules in their order.

    Args:
        rules: at least one.
        name: what verdicts call the back end.
    """

    def __init__(self, rules: Sequence[Rule], name: str = "rules") -> None:
        self.name = name
        self._rules = tuple(rules)

    @classmethod
    def read(cls, path: Path, name: str = "rules") -> RulesModerator:
        """Those of a file. Raises UsageError with the line, NotFound, StoreError."""
        return cls(read_rules(path), name)

    def check(self, text: str, role: Judged, context: Sequence[Message] = ()) -> Verdict:
        """What the rules find in a text. Its level is the highest of the rules that found something: several of them
        make no higher one.

        Raises:
            CheckTimeout: a rule's pattern took too long, so the text was not judged by it.
        """
        began = time.perf_counter()
        hits = self._found(text)
        meant = normalized(text, installed_words)
        if meant.changed:
            for rule, places in self._found(meant.text).items():
                known = hits.setdefault(rule, [])
                known += [place for place in (meant.place(*one) for one in places) if not _met(place, known)]
        return Verdict(
            level=max((rule.level for rule in hits), default=0),
            p_level=(),
            categories={name: 1.0 for rule in hits for name in rule.categories},
            hits=tuple(
                Finding(rule.name, *place)
                for rule, places in hits.items()
                for place in sorted(places)[:MOST_PLACES]
            ),
            action="allow",
            reason=f"found by the rule {', '.join(rule.name for rule in hits)}"
            if hits
            else "no rule finds anything",
            backend=self.name,
            ms=(time.perf_counter() - began) * 1000,
            status="ok",
            injection=1.0 if any(rule.injection for rule in hits) else 0.0,
        )

    def close(self) -> None:
        """Nothing is held open."""

    def _found(self, text: str) -> dict[Rule, list[tuple[int, int]]]:
        """The places of each rule that finds something."""
        words = tokens(text)
        places = ((rule, rule.find(text, words)) for rule in self._rules)
        return {rule: found for rule, found in places if found}


def _met(place: tuple[int, int], known: Sequence[tuple[int, int]]) -> bool:
    """Whether a place shares a character with one of those known."""
    return any(place[0] < end and start < place[1] for start, end in known)
