"""A home whose moderation goes by a list of words: exact, quick, and independent of what a classifier has learned."""

from __future__ import annotations

from pathlib import Path

RULES = """[[rule]]
name = "touchy"
words = ["touchy"]
level = 2

[[rule]]
name = "grave"
words = ["grave"]
level = 4

[[rule]]
name = "orders"
words = ["obey"]
injection = true
"""

POLICY = """{sections}
[backend.list]
kind = "rules"
file = "rules.toml"

[backend.embedded]
roles = ["retrieved"]
"""
"""The classifier judges what is found, so that nobody need be told that it is off; no documents: it judges nothing."""

CONFIRM = '[input]\nlevels = ["allow", "note", "confirm", "confirm", "refuse"]\n'


def ruled(home: Path, sections: str = "", rules: str = RULES) -> None:
    """Give a home such a policy; `sections` are the tables in front of the back end's."""
    config = home / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "moderation.toml").write_text(POLICY.format(sections=sections))
    (config / "rules.toml").write_text(rules)
