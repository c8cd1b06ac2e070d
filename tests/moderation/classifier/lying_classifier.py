"""A classifier's service that answers what a test tells it to: what `EmbeddedModerator` must not believe."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

GOOD = {
    "level": 1,
    "p_level": [0.5, 0.5, 0.0, 0.0, 0.0],
    "categories": {"hate": 0.25},
    "hits": [{"name": "level", "start": 0, "end": 1}],
    "reason": "said so",
    "injection": 0.0,
    "unsure": False,
}


class Service:
    """What `ockit.workers.child` hosts; the text of a check names the lie."""

    def arm(self) -> None:
        """Nothing to forget."""

    def cancel(self) -> None:
        """Nothing that could be stopped."""

    def handle(self, method: str, params: dict[str, Any]) -> Generator[dict[str, Any], None, Any]:
        if method == "load":
            return {"encoder": "e", "cuts": {}, "dimension": 2}
        if method == "features":
            yield {"row": 0, "vector": "AAAAAA=="}
            return {"cancelled": False}
        lie = params["items"][0]["stretches"][0][1]
        if lie == "hang":
            time.sleep(60)
        changed: dict[str, dict[str, Any]] = {
            "no level": {"level": 7},
            "no sum": {"p_level": [0.5, 0.0, 0.0, 0.0, 0.0]},
            "no numbers": {"p_level": ["a"]},
            "no number": {"p_level": [float("nan")] * 5},
            "no category": {"categories": {"tea": 0.5}},
            "no place": {"hits": [3]},
            "more": {"tea": 1},
            "beyond": {"injection": 1.5},
            "good": {},
        }
        if lie == "no object":
            yield {"row": 0, "judgement": None}
        elif lie == "another row":
            yield {"row": 3, "judgement": GOOD}
        elif lie != "nothing":
            yield {"row": 0, "judgement": GOOD | changed[lie]}
        return {"cancelled": False}
