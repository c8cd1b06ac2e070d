"""What was measured, for people: printed, and put between two marks of ``moderation/README.md``. Shows misses from the
rows that were written for this project alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from measuring import Figure, Judged, is_harmful

README = Path(__file__).parents[1] / "README.md"
_BEGIN, _END = "<!-- figures: written by making/make.py -->", "<!-- end of the figures -->"
_SHOWN = 8


class Report:
    """Tables of figures and lists of misses, in order.

    Args:
        cuts: the cut-points that were shipped.
    """

    def __init__(self, cuts: Mapping[str, float]) -> None:
        self._parts: list[str] = []
        named = ", ".join(f"{name} {value:.3f}" for name, value in cuts.items())
        self._cuts = f"Cut-points, as probabilities: {named}."

    def add(self, title: str, figures: Sequence[Figure]) -> None:
        """A table; without a title, more lines of the last."""
        lines = [f"### {title}", "", "| what | rows | value | bar |", "|---|---:|---:|---|"] if title else []
        for figure in figures:
            mark = "" if figure.met is None else f"{figure.bar}: {'reached' if figure.met else '**missed**'}"
            lines.append(f"| {figure.name} | {figure.rows} | {figure.value:.3f} | {mark} |")
        if title:
            self._parts.append("\n".join(lines))
        else:
            self._parts[-1] += "\n" + "\n".join(lines)

    def misses(self, judged: Judged) -> None:
        """The worst of each kind, among the rows written for this project."""
        own = [at for at, row in enumerate(judged.rows) if row.source.startswith(("contrast/", "holdout"))]
        own.sort(key=lambda at: judged.scores[at])
        rows = judged.rows
        low = [at for at in own if is_harmful(rows[at]) and judged.levels[at] < 2][:_SHOWN]
        high = [at for at in own[::-1] if rows[at].kind in ("benign", "casual") and judged.levels[at] == 4][
            :_SHOWN
        ]
        source = "hold-out" if any(rows[at].source == "holdout" for at in own) else "contrast rows"
        for title, chosen in (("harmful, and let through", low), ("harmless, and refused", high)):
            if chosen:
                lines = [f"- {rows[at].text} ({judged.scores[at]:.2f})" for at in chosen]
                self._parts.append(
                    f"Misses among the {source}: {title} (expected level)\n\n" + "\n".join(lines)
                )

    def text(self) -> str:
        """All of it as Markdown."""
        return "\n\n".join([*self._parts, self._cuts]) + "\n"

    def show(self) -> None:
        """Print it."""
        print(self.text(), flush=True)

    def into_readme(self) -> None:
        """Replace what stands between the marks."""
        before, _, rest = README.read_text(encoding="utf-8").partition(_BEGIN)
        _, _, after = rest.partition(_END)
        README.write_text(f"{before}{_BEGIN}\n{self.text()}{_END}{after}", encoding="utf-8")
