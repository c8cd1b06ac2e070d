"""Puts atoms together into chunks: the cheapest row of cuts, every chunk as near to its size as the text allows.

Knows weights and costs, no text. Linear: a chunk can begin at a bounded number of places before its end, because atoms
that are light are put together first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How large chunks are to be, in word pieces.

    Attributes:
        aimed: smaller ones cost, the more the smaller they are.
        most: none is larger, unless one atom is.
    """

    aimed: int
    most: int


_SMALL = 1.4  # what a chunk costs that has nothing in it


def pack(weights: Sequence[int], costs: Sequence[float], sizes: Sizes) -> list[int]:
    """The numbers of the atoms at which a chunk begins, the first included.

    Args:
        weights: word pieces of each atom.
        costs: what a cut before each costs; below 0: a cut must be there.
    """
    count = len(weights)
    best = [0.0] * (count + 1)
    begins = [0] * (count + 1)
    barrier = 0
    for end in range(1, count + 1):
        size = 0
        cheapest = float("inf")
        begin = end
        while begin > barrier:
            begin -= 1
            size += weights[begin]
            if size > sizes.most and begin < end - 1:
                break
            missing = 1 - size / sizes.aimed
            price = best[begin] + (_SMALL * missing * missing if missing > 0 else 0)
            price += costs[begin] if begin and costs[begin] > 0 else 0
            if price <= cheapest:
                cheapest = price
                begins[end] = begin
        best[end] = cheapest
        if end < count and costs[end] < 0:
            barrier = end
    cuts = []
    at = count
    while at > 0:
        at = begins[at]
        cuts.append(at)
    return cuts[::-1]
