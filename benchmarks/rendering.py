"""An answer of 2,000 lines, rendered as it streams: what a token costs at the start and at the end.

Claims: the last tenth of the answer costs at most 1.3 of the first, and at 150 tokens a second rendering takes at most
0.03 of the time. Measured twice: prose (lists, tables, short code) and one program of 2,000 lines. A token goes the
way it goes in a chat: sanitized, cut into blocks, the open end asked for; what is finished is rendered ten times a
second. Drawing by the terminal is not in it. All tenths of an answer hold the same text; CPU time counts.
"""

from __future__ import annotations

import re
import statistics
import time

from ratios import Ratio, finish, in_turn, parser, verdict

from ockit.repl.blocks import Block, BlockStream
from ockit.repl.markdown import MarkdownRenderer
from ockit.repl.themes import theme
from ockit.text import StreamSanitizer

SPEED = 150
"""Tokens a second; a small model on a CPU."""
AT_ONCE = SPEED // 10
"""Tokens between two times that finished blocks are rendered."""
FLATNESS = 1.3
SHARE = 0.03

PROSE = """\
## How it *works*

There are **several ways** to sort a list, and `sorted()` is the one that gives a new list while
`list.sort` changes the one it has; see [the manual](https://docs.python.org/3/howto/sorting.html).

1. First, look at what you have.
   ```python
   items = ["pear", "fig"]
   ```
2. Then choose:
   - a key, such as `len`, which is called once for every entry,
   - or none.

| Way | Result | Cost |
|---|:-:|--:|
| `sorted` | a new list | O(n log n) |
| `sort` | nothing | O(n log n) |

"""
PROGRAM = '''\
class Store:
    """Keeps things, and says
    what it keeps.
    """

    def add(self, name: str, *values: int) -> None:
        # the newest stands first
        for value in reversed(values):
            self.items.insert(0, (name, value, f"{name}={value!r}"))
        return None


'''
TOKENS = re.compile(r" ?\w{1,6}|\n+|\s+|[^\w\s]{1,3}")


def tenth(section: str, opening: str, which: int, scale: int) -> tuple[float, int]:
    """CPU seconds and tokens of one tenth of the answer; what stands in front of it is rendered before."""
    part = TOKENS.findall(section * round(200 / scale / section.count("\n")))
    sanitizer, blocks = StreamSanitizer(), BlockStream()
    renderer = MarkdownRenderer(100, theme("ansi", True))
    renderer.warm()
    finished: list[Block] = blocks.feed(opening)
    start, shown = 0.0, 0
    for _ in range(which + 1):
        start = time.process_time()
        for count, token in enumerate(part):
            finished += blocks.feed(sanitizer.feed(token))
            shown += len(blocks.tail)
            if count % AT_ONCE == 0 and finished:
                shown += len(renderer.render_all(finished))
                finished = []
    seconds = time.process_time() - start
    assert shown
    return seconds, len(part)


def measure(name: str, section: str, opening: str, rounds: int, patience_s: float, scale: int) -> list[bool]:
    """One kind of answer; prints its figures and gives whether the claims hold."""
    tenth(section, opening, 0, scale)  # what is imported and made once
    pairs = in_turn(
        lambda: tenth(section, opening, 9, scale),
        lambda: tenth(section, opening, 0, scale),
        rounds,
        patience_s=patience_s,
    )
    tokens = pairs.ours[0][1]
    last, first = ([seconds / tokens for seconds, _ in side] for side in (pairs.ours, pairs.reference))
    for place, each in (("first", first), ("last", last)):
        print(f"{name}: {statistics.median(each) * 1e6:.0f} microseconds a token in the {place} tenth")
    flat = Ratio(last, first)
    print(f"{name}: last / first {flat}")
    print(pairs.noise())
    return [
        verdict(f"{name}, last tenth / first", flat.median, FLATNESS),
        verdict(f"{name}, share of the time at {SPEED} tokens/s", statistics.median(last) * SPEED, SHARE),
    ]


def main() -> None:
    """Measure, print, and end with 1 where a claim is missed."""
    given = parser(__doc__).parse_args()
    rounds = given.rounds or (2 if given.quick else 9)
    patience = 0.0 if given.quick else given.patience
    scale = 5 if given.quick else 1
    held = measure("prose", PROSE, "", rounds, patience, scale)
    held += measure("program", PROGRAM, "```python\n", rounds, patience, scale)
    finish(*held)


if __name__ == "__main__":
    main()
