"""`ockit moderation`: the policy, topics, and classifiers of one's own. Knows the group, not its commands."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the group to the program."""
    from ockit.commands import (
        moderation_classifiers,
        moderation_eval,
        moderation_import,
        moderation_policy,
        moderation_topic,
        moderation_train,
    )

    group = typer.Typer(
        no_args_is_help=True,
        help="Policy, topics and own classifiers of moderation; measure how well it judges.",
    )
    moderation_policy.register(group)
    moderation_topic.register(group)
    moderation_train.register(group)
    moderation_eval.register(group)
    moderation_import.register(group)
    moderation_classifiers.register(group)
    app.add_typer(group, name="moderation")
