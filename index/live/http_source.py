"""A search service as a source of passages: one GET a question, its JSON answer read by paths.

Knows the service's answer; knows no index, no embedder and no prompt. What comes back is untrusted text: it is put
into passages as it is, and whoever shows or quotes them treats it as such.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ockit.errors import HubError, UsageError
from ockit.index.live.json_paths import JsonPath
from ockit.index.live.source_file import SourceFile, filled
from ockit.messages import Passage
from ockit.offline import is_this_machine
from ockit.protocols import Retrieved
from ockit.web.fetching import Bounds, fetch

MOST_RESULTS = 100
LONGEST_QUERY = 2000
"""Characters of a question that are sent; a service refuses longer addresses."""

LONGEST_TEXT = 8000
"""Characters of one result that become a passage."""

_LONGEST_NAME = 2000
_UNKNOWN_SCORE = 0.5


class HttpSource:
    """A search service. A `Retriever`."""

    def __init__(self, name: str, source: SourceFile, variables: Mapping[str, str]) -> None:
        self._name = name
        self._source = source.checked()
        self._variables = variables

    @property
    def name(self) -> str:
        """What ``-i`` calls it."""
        return self._name

    @property
    def remote(self) -> bool:
        """Whether a question leaves this machine."""
        return not is_this_machine(urlsplit(self._source.url).hostname)

    def retrieve(self, query: str, k: int) -> Retrieved:
        """At most `k` passages, in the service's order.

        Their path is the result's address, or its title where it has none; they have no lines. A score is the
        service's own where all of them lie within 0 and 1, else its share of the largest; 0.5 where there is none.

        Raises:
            HubError: the service cannot be asked, or answers something else than was described.
            UsageError: the variable that should hold the key is empty.
        """
        notices: list[str] = []
        asked = " ".join(query.split())
        if not asked or k < 1:
            return Retrieved(())
        if len(asked) > LONGEST_QUERY:
            asked = asked[:LONGEST_QUERY]
            notices.append(
                f"{self._name} was asked with the first {LONGEST_QUERY} characters of the question."
            )
        source = self._source
        answer = fetch(
            filled(source.url, asked, min(k, MOST_RESULTS)),
            self._variables,
            bounds=Bounds(seconds=source.timeout),
            headers={"Accept": "application/json"},
            secret=self._key(),
            source=self._name,
        )
        results = self._results(answer.body, answer.url)
        passages = self._passages(results, min(k, MOST_RESULTS), notices)
        return Retrieved(tuple(passages), None, tuple(notices))

    def close(self) -> None:
        """Nothing is kept open between two questions."""

    def _key(self) -> dict[str, str]:
        variable, header = self._source.key_variable, self._source.key_header
        if not variable:
            return {}
        key = self._variables.get(variable, "").strip()
        if not key or not key.isascii() or not key.isprintable():
            what = "is not set" if not key else "holds characters that no key has"
            raise UsageError(
                f"{variable} {what}; {self._name} needs its key there", hint=f"export {variable}=..."
            )
        return {header: f"Bearer {key}" if header.lower() == "authorization" else key}

    def _results(self, body: bytes, url: str) -> list[Any]:
        try:
            said = json.loads(body, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            said_of_it = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise HubError(
                f"the answer of {self._name} is no JSON: {said_of_it}",
                where=url,
                hint="does the address in a browser show JSON? A network that wants a login first answers like this",
            ) from error
        found = JsonPath.parse(self._source.items, "items").items(said)
        if found is None:
            keys = (
                f"; its keys: {', '.join(map(str, list(said)[:12]))[:200]}" if isinstance(said, dict) else ""
            )
            raise HubError(
                f"the answer of {self._name} has no list at {self._source.items!r}{keys}",
                where=url,
                hint=f"ockit indexes rm {self._name}, then add it with another --items",
            )
        return found

    def _passages(self, results: list[Any], k: int, notices: list[str]) -> list[Passage]:
        paths = {
            key: JsonPath.parse(text, key) if (text := getattr(self._source, key)) else None
            for key in ("text", "title", "link", "score")
        }

        def told(key: str, item: Any, limit: int) -> str:
            path = paths[key]
            text = path.text_of(item) if path is not None else ""
            # a lone surrogate, which JSON can spell, cannot be written as UTF-8
            return text.encode("utf-8", "replace").decode("utf-8").strip()[: limit + 1]

        found: list[tuple[str, str, str, float | None]] = []
        empty = cut = 0
        for item in results:
            if len(found) == k:
                break
            text = told("text", item, LONGEST_TEXT)
            if not text:
                empty += 1
                continue
            cut += len(text) > LONGEST_TEXT
            title = " ".join(told("title", item, _LONGEST_NAME).split())
            link = "".join(told("link", item, _LONGEST_NAME).split())
            score = paths["score"].number_of(item) if paths["score"] is not None else None
            found.append((text[:LONGEST_TEXT], title[:_LONGEST_NAME], link[:_LONGEST_NAME], score))
        if empty and not found:
            raise HubError(
                f"none of the {empty} results of {self._name} has a text at {self._source.text!r}",
                hint=f"ockit indexes rm {self._name}, then add it with another --text",
            )
        if empty:
            notices.append(f"{empty} results of {self._name} have no text and were left out.")
        if cut:
            notices.append(f"{cut} results of {self._name} were cut to {LONGEST_TEXT} characters.")
        scores = _scores([score for *_, score in found])
        today = time.strftime("%Y-%m-%d", time.gmtime())
        return [
            Passage(
                path=link or title or f"{self._name} {today}, result {number}",
                start_line=None,
                end_line=None,
                page=None,
                heading=title,
                text=text,
                score=score,
                file=link,
                index=self._name,
            )
            for number, ((text, title, link, _), score) in enumerate(zip(found, scores, strict=True), 1)
        ]


def _scores(given: list[float | None]) -> list[float]:
    known = [score for score in given if score is not None]
    top = max(known, default=0.0)
    if known and min(known) >= 0.0 and top > 1.0:
        return [_UNKNOWN_SCORE if score is None else score / top for score in given]
    return [_UNKNOWN_SCORE if score is None or not 0.0 <= score <= 1.0 else score for score in given]


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number in JSON")
