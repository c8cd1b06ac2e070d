"""The verdicts that a turn keeps: one for what was made of a text, however often it is looked at.

Knows no guard and no store.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ockit.events import Moderated
from ockit.messages import Verdict

CLOSE = 0.001
"""Probabilities this near to each other are the same: a machine may add them up in another order."""


def news(known: Sequence[Moderated], found: Iterable[Moderated]) -> tuple[Moderated, ...]:
    """Those of some new verdicts that say something else than what is known of a turn.

    Of the turn's own text the last verdict is the one that holds, so that an earlier one, which was changed since, is
    news again. What was found for it comes in no order: there each known verdict stands for one that is equal to it.
    """
    fresh = []
    last = {each.role: each for each in known}
    others = [each for each in known if each.role == "retrieved"]
    for each in found:
        if each.role == "retrieved":
            same = next((other for other in others if says_the_same(each.verdict, other.verdict)), None)
            if same is not None:
                others.remove(same)
        else:
            before = last.get(each.role)
            same = before if before is not None and says_the_same(each.verdict, before.verdict) else None
            last[each.role] = each
        if same is None:
            fresh.append(each)
    return tuple(fresh)


def says_the_same(one: Verdict, other: Verdict) -> bool:
    """Whether two verdicts say the same, however long each took."""
    return _words(one) == _words(other) and all(
        math.isclose(a, b, abs_tol=CLOSE) or (math.isnan(a) and math.isnan(b))
        for a, b in zip(_numbers(one), _numbers(other), strict=True)
    )


def _words(verdict: Verdict) -> Verdict:
    """What is no number in it; of the probabilities, which there are."""
    return replace(
        verdict,
        p_level=(0.0,) * len(verdict.p_level),
        categories=dict.fromkeys(verdict.categories, 0.0),
        injection=0.0,
        ms=0.0,
    )


def _numbers(verdict: Verdict) -> list[float]:
    of_categories = [verdict.categories[name] for name in sorted(verdict.categories)]
    return [*verdict.p_level, *of_categories, verdict.injection]
