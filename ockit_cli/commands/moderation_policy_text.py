"""A policy file for a person to begin with: what `ockit.moderation.policy.writing` makes, and what each part is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ockit.moderation.policy.writing import as_toml

if TYPE_CHECKING:
    from ockit.moderation.policy.policy import Policy

_HEAD = """# What ockit does with texts in which its check finds something. `ockit moderation policy show` prints what
# holds, `ockit moderation policy check` reads this file and tells every fault with its line.
# A line that you take out is as in the built-in policy again, so what you do not change is best taken out.
# levels: what becomes of a text of the levels 0 casual, 1 possibly needs caution, 2 probably needs caution,
#   3 needs caution, 4 needs intervention.
# injection: orders to the assistant; distress: somebody may be in danger; unsure: unlike all that was learned from;
#   unread: not read to its end, as very long texts are; what was read decides, and this at least;
#   off_topic: outside `topics`, which name what `ockit moderation topic add` has made.
# fail: "closed" stops a text that could not be checked where the section could stop it, "open" tells you and goes on.
# shift: moves thresholds, in log-odds, such as { level4 = -0.5 }; below 0: harder to reach.
"""

_ABOUT = {
    "[input]": "what you write (--role user)",
    "[output]": "what the model answers (--role assistant)",
    "[retrieved]": "passages of your documents that are given to the model (--role retrieved)",
    "[input.categories]": "actions for the levels 0 to 4 where a question is about this; the strictest counts",
    "[texts]": "what is said, and to the model: caution stands right before your question",
}


def commented(policy: Policy) -> str:
    """The text of a policy file; `ockit.moderation.policy.reading.parse_policy` makes the same policy of it."""
    lines = []
    backend_seen = False
    for line in as_toml(policy).splitlines():
        if about := _ABOUT.get(line):
            lines.append(f"# {about}")
        if line.startswith("[backend.") and not backend_seen:
            backend_seen = True
            lines.append(
                "# who judges; further back ends get a table of their own, and embedded stays beside them"
            )
        lines.append(line)
    return _HEAD + "\n".join(lines) + "\n"
