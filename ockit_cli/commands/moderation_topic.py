"""`ockit moderation topic`: what a narrow bot is about. Knows how topics are shown; `ockit.moderation.topics` knows
them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ockit.commands.invocation import invocation
from ockit.errors import ExitCode, UsageError

Name = Annotated[str, typer.Argument(metavar="NAME", help="The topic's name.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]

_WEAK = 0.2
"""Share of examples turned away, or of other questions let through, from which on a person is warned."""


def register(app: typer.Typer) -> None:
    """Add the commands to `ockit moderation`."""
    group = typer.Typer(
        no_args_is_help=True, help="Keep a bot on its topic: add, list, check and remove topics."
    )
    group.command("add")(add)
    group.command("list")(list_topics)
    group.command("rm")(rm)
    group.command("check")(check)
    app.add_typer(group, name="topic")


def add(
    ctx: typer.Context,
    name: Name,
    examples: Annotated[
        Path,
        typer.Argument(metavar="EXAMPLES", help="Questions on the topic, one a line.", show_default=False),
    ],
    message: Annotated[
        str, typer.Option("--message", metavar="TEXT", help="What the bot says to a question off its topic.")
    ] = "",
    embedder: Annotated[
        str | None, typer.Option("--embedder", metavar="NAME", help="As for ockit index --embedder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a topic of examples: a question far from all of them is off it. One of this name is replaced."""
    from ockit.engines.embedder_names import EMBEDDED, settled
    from ockit.engines.embedders import open_embedder
    from ockit.moderation.topics.store import checked_name, made_topic, read_examples, save_topic

    run = invocation(ctx)
    checked_name(name)
    found = read_examples(run.environment.cwd / examples)
    called = EMBEDDED if embedder is None else settled(embedder, run.environment.cwd)
    encoder = open_embedder(called, run.environment, stall_seconds=run.settings.stall_seconds)
    try:
        with run.console.status(f"reading {len(found)} examples ..."):
            topic = made_topic(name, found, encoder, called, message)
    finally:
        encoder.close()
    path = save_topic(run.directories, topic)
    if as_json:
        run.console.json(
            {
                "schema_version": 1,
                "name": name,
                "examples": len(found),
                "threshold": topic.threshold,
                "kept": topic.kept,
                "passed": topic.passed,
                "file": path,
            }
        )
    run.console.notice(
        f"topic {name}: {len(found)} examples; left out one by one, {topic.kept:.0%} of them are on the topic, and "
        f"{topic.passed:.0%} of general questions are"
    )
    if topic.kept < 1 - _WEAK or topic.passed > _WEAK:
        run.console.warning(
            "the examples hardly tell the topic from everything else: more of them, and closer to what people ask, "
            "would help"
        )
    run.console.notice(f'to use it, put topics = ["{name}"] into [input] of moderation.toml')


def list_topics(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the topics, by name."""
    from ockit.errors import OckitError
    from ockit.moderation.topics.store import topic_named, topic_names

    run = invocation(ctx)
    rows: list[dict[str, object]] = []
    for name in topic_names(run.directories):
        try:
            topic = topic_named(run.directories, name)
        except OckitError as error:  # one that is damaged hides no other
            run.console.warning(f"{name}: {error.what}")
            continue
        rows.append(
            {
                "name": name,
                "examples": len(topic.examples),
                "threshold": round(topic.threshold, 3),
                "kept": topic.kept,
                "passed": topic.passed,
                "embedder": topic.embedder,
                "message": topic.message,
            }
        )
    if as_json:
        run.console.json({"schema_version": 1, "topics": rows})
        return
    run.console.table(
        ("NAME", "EXAMPLES", "THRESHOLD", "KEPT", "PASSED", "MESSAGE"),
        [
            (
                row["name"],
                row["examples"],
                row["threshold"],
                f"{row['kept']:.0%}",
                f"{row['passed']:.0%}",
                row["message"] or "-",
            )
            for row in rows
        ],
    )


def rm(ctx: typer.Context, name: Name) -> None:
    """Remove a topic."""
    from ockit.moderation.topics.store import remove_topic

    run = invocation(ctx)
    remove_topic(run.directories, name)
    run.console.notice(f"removed the topic {name}")


def check(
    ctx: typer.Context,
    name: Name,
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT...", help="The question; several words need no quotes."),
    ] = None,
    as_json: AsJson = False,
) -> ExitCode:
    """Say whether a question is on a topic; the exit code is 5 where it is not."""
    from ockit.engines.embedders import open_embedder
    from ockit.moderation.topics.moderator import TopicModerator
    from ockit.moderation.topics.store import topic_named

    run = invocation(ctx)
    question = " ".join(text or ())
    if not question.strip():
        raise UsageError(
            "there is no question", hint=f'ockit moderation topic check {name} "how long does it take?"'
        )
    topic = topic_named(run.directories, name)
    moderator = TopicModerator("topics", [topic], open_embedder(topic.embedder, run.environment))
    try:
        verdict = moderator.check(question, "user")
    finally:
        moderator.close()
    if as_json:
        run.console.json(
            {"schema_version": 1, "topic": name, "on_topic": verdict.topic is None, "reason": verdict.reason}
        )
    else:
        run.console.line(verdict.reason)
    return ExitCode.OK if verdict.topic is None else ExitCode.REFUSED
