"""The policy that holds where a person has written none: OpenChatKit's, which answers all but the last level."""

from __future__ import annotations

from ockit.moderation.policy.policy import BackendSpec, Policy, Section

DIGEST = "built-in"


def built_in() -> Policy:
    """Questions of level 4 are refused, of 2 and 3 answered with care; a person in distress is supported; a passage
    that gives orders is left out; answers are only noted. A question that was not read to its end is
    answered with care."""
    return Policy(
        input=Section(
            levels=("allow", "note", "caution", "caution", "refuse"),
            categories={"self_harm": ("allow", "note", "caution", "support", "support")},
            injection="note",
            distress="support",
            unsure="note",
            unread="caution",
        ),
        output=Section(levels=("allow", "note", "note", "note", "note"), off_topic="note"),
        retrieved=Section(
            levels=("allow", "note", "note", "note", "note"), injection="refuse", off_topic="note"
        ),
        backends=(BackendSpec("embedded", "embedded"),),
        digest=DIGEST,
    )
