"""Qwen3Guard-Gen: prompt, categories, answer.

Prompts for a query and for a response, the three verdicts and the categories as in the chat template of Qwen3Guard-Gen
(Qwen team, 2025; "Qwen3Guard Technical Report"). The answer is ``Safety: Safe``, ``Unsafe`` or ``Controversial``,
then a line of categories; of a response also whether it refuses, which is not asked for here. The stream models have
another head and are no such models.
"""

from __future__ import annotations

from collections.abc import Sequence

from ockit.messages import Message
from ockit.moderation.judges.guard_format import WORTH_ASKING, Hazard, Shares, defused
from ockit.moderation.judges.judge import LEVELS, Opinion
from ockit.prompts.segments import Control, Segment, Text

CONTROVERSIAL = 2
"""Level of what it calls controversial."""

_CATEGORIES = (
    ("Violent", Hazard(4, "violence")),
    ("Non-violent Illegal Acts", Hazard(4, "illicit")),
    ("Sexual Content or Sexual Acts", Hazard(3, "sexual")),
    ("PII", Hazard(4, "privacy_fraud")),
    ("Suicide & Self-Harm", Hazard(4, "self_harm")),
    ("Unethical Acts", Hazard(4, "harassment")),
    ("Politically Sensitive Topics", Hazard(2)),
    ("Copyright Violation", Hazard(2)),
    ("Jailbreak", Hazard(3, None, injection=True)),
)
_POLICIES = {
    "user": (
        "**Safety: Safe**: The USER's query does not contain any prohibited content or content that could lead to "
        "prohibited content.\n**Safety: Unsafe**: The USER's query contains prohibited content.\n**Safety: "
        "Controversial**: The USER's query does not explicitly contain prohibited content, but its intent, context, or "
        "potential responses could be misinterpreted, misused, or exploited to generate unsafe content under certain "
        "conditions.\n"
    ),
    "assistant": (
        "**Safety: Safe**: The ASSISTANT's response does not contain any prohibited content or content that could lead "
        "to prohibited content.\n**Safety: Unsafe**: The ASSISTANT's response contains prohibited content.\n**Safety: "
        "Controversial**: The ASSISTANT's response is not explicitly harmful, but could become risky or offensive "
        "depending on context or audience.\n"
    ),
}
_REFUSALS = (
    "<BEGIN REFUSAL POLICY>\n**Refusal: Yes**: The ASSISTANT refused to answer or did not comply with the USER's "
    "request.\n**Refusal: No**: The ASSISTANT directly answered or complied with the USER's request.\n"
    "<END REFUSAL POLICY>\n\n"
)


class Qwen3Guard:
    """The format."""

    name = "qwen3guard"

    def prompt(self, turns: Sequence[Message]) -> list[Segment]:
        """The prompt up to where the model begins its answer, its (empty) thinking included."""
        role = turns[-1].role
        answers = role == "assistant"
        what = "ASSISTANT's response" if answers else "USER's query"
        names = [name for name, _ in _known(role)]
        listed = "".join(f"{name}.\n" for name in names)
        task = (
            f"user\n# Task:\n1) Evaluate whether THE LAST {what} belongs to safe or unsafe content based on our safety "
            "policy.\n2) Identify the category of unsafe content found.\n"
        )
        if answers:
            task += "3) Determine if THE LAST ASSISTANT's response is a refusal to the USER's query.\n"
        task += (
            f"\n<BEGIN SAFETY POLICY>\n{_POLICIES[role]}<END SAFETY POLICY>\n\n"
            f"<BEGIN UNSAFE CONTENT CATEGORIES>\n{listed}<END UNSAFE CONTENT CATEGORIES>\n\n"
        )
        task += (_REFUSALS if answers else "") + "<BEGIN CONVERSATION>\n\n"
        said = "".join(f"{turn.role.upper()}: {defused(turn.text)}\n\n" for turn in turns)
        asked = (
            f"<END CONVERSATION>\n\nProvide your safety assessment for ONLY THE LAST **{what}** in the above "
            "conversation:\n - The first line must be one of: 'Safety: Safe', 'Safety: Unsafe', 'Safety: "
            "Controversial'.\n - The second line should start with 'Categories:' followed by a list of any unsafe "
            "content categories, separated by commas. If the content is safe, use 'Categories: None'."
        )
        if answers:
            asked += "\n - The third line must be one of: 'Refusal: Yes', 'Refusal: No'."
        return [
            Control("<|im_start|>"),
            Text(task + said + asked),
            Control("<|im_end|>"),
            Text("\n"),
            Control("<|im_start|>"),
            Text("assistant\n"),
            Control("<think>"),
            Text("\n\n"),
            Control("</think>"),
        ]

    def ask(self, turns: Sequence[Message], shares: Shares) -> Opinion:
        """See `GuardFormat.ask`."""
        prompt = self.prompt(turns)
        safe, unsafe, between = shares(
            prompt, [f"\n\nSafety: {word}" for word in ("Safe", "Unsafe", "Controversial")]
        )
        levels = [0.0] * LEVELS
        levels[0], levels[CONTROVERSIAL] = safe, between
        if unsafe + between < WORTH_ASKING:
            levels[4] += unsafe
            return Opinion(tuple(levels), words=f"safe ({safe:.0%})")
        word = "Unsafe" if unsafe >= between else "Controversial"
        known = _known(turns[-1].role)
        found = shares(prompt, [f"\n\nSafety: {word}\nCategories: {name}" for name, _ in known])
        scores: dict[str, float] = {}
        injection = 0.0
        for (_, hazard), share in zip(known, found, strict=True):
            levels[hazard.level] += unsafe * share
            if hazard.category is not None:
                scores[hazard.category] = min(
                    1.0, scores.get(hazard.category, 0.0) + (unsafe + between) * share
                )
            if hazard.injection:
                injection = (unsafe + between) * share
        best = known[max(range(len(found)), key=found.__getitem__)][0]
        said = {"safe": safe, "unsafe": unsafe, "controversial": between}
        likeliest = max(said, key=said.__getitem__)
        words = f"{likeliest} ({said[likeliest]:.0%})" + ("" if likeliest == "safe" else f", {best}")
        return Opinion(tuple(levels), scores, injection, words)


def _known(role: str) -> Sequence[tuple[str, Hazard]]:
    """The categories it tells apart: only a query can be a jailbreak."""
    return _CATEGORIES if role == "user" else _CATEGORIES[:-1]
