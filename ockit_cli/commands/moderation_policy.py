"""`ockit moderation policy`: how a policy is shown and checked. `ockit.moderation.policy` knows what it says."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.commands.invocation import Invocation, invocation
from ockit.errors import UsageError

if TYPE_CHECKING:
    from ockit.moderation.policy.policy import BackendSpec, Policy, Section

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `ockit moderation`."""
    group = typer.Typer(
        no_args_is_help=True, help="Show the policy that holds; begin one of your own; check a policy file."
    )
    group.command("show")(show)
    group.command("init")(init)
    group.command("check")(check)
    app.add_typer(group, name="policy")


def show(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A policy file; else the policy that holds.")
    ] = None,
    as_json: AsJson = False,
    toml: Annotated[
        bool, typer.Option("--toml", help="As a policy file: something to begin your own with.")
    ] = False,
) -> None:
    """Show what becomes of each level and category of questions, answers and passages, and who judges them."""
    from ockit.moderation.policy.reading import FILE_NAME, find_policy

    run = invocation(ctx)
    if as_json and toml:
        raise UsageError("--json and --toml exclude each other", hint="leave one of them out")
    policy = find_policy(run.directories, None if file is None else run.environment.cwd / file)
    if toml:
        from ockit.moderation.policy.writing import as_toml

        run.console.line(as_toml(policy).rstrip("\n"))
        return
    if as_json:
        run.console.json({"schema_version": 1, **asdict(policy)})
        return
    _print(run, policy)
    if policy.path is None:
        mine = run.directories.config / FILE_NAME
        run.console.notice(
            f"to change it: ockit moderation policy init writes it to {mine}, to be edited there"
        )


def init(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="Where to; else moderation.toml, which holds from then on."),
    ] = None,
) -> None:
    """Write the built-in policy as a file with comments, to begin your own with. Replaces no file."""
    from ockit.commands.moderation_policy_text import commented
    from ockit.files import write_atomic
    from ockit.moderation.policy.built_in import built_in
    from ockit.moderation.policy.reading import FILE_NAME

    run = invocation(ctx)
    path = run.directories.config / FILE_NAME if file is None else run.environment.cwd / file
    if path.exists() or path.is_symlink():
        raise UsageError(
            "the file exists already and was left as it is",
            where=str(path),
            hint="ockit moderation policy show shows what holds; ockit moderation policy init FILE writes elsewhere",
        )
    write_atomic(path, commented(built_in()))
    run.console.notice(f"written to {path}; edit it, then: ockit moderation policy check{_said(file)}")


def _said(file: Path | None) -> str:
    import shlex

    return "" if file is None else f" {shlex.quote(str(file))}"


def check(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A policy file; else the policy that holds.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a policy file, and everything it names: rules, topics, classifiers, models. Asks none of them.

    Every fault is told, those of the file with their lines; of a file that is no TOML, where it ceases to be one.
    """
    from ockit.moderation.opening import looked_for
    from ockit.moderation.policy.reading import find_policy

    run = invocation(ctx)
    found: list[UsageError] = []
    policy = find_policy(run.directories, None if file is None else run.environment.cwd / file, found)
    lines, missing = looked_for(policy, run.environment, run.settings)
    if faults := [*found, *missing]:
        for fault in faults:
            run.console.error(fault)
        raise typer.Exit(faults[0].exit_code)
    warnings = _warnings(policy)
    for warning in warnings:
        run.console.warning(warning)
    if as_json:
        run.console.json(
            {"schema_version": 1, "path": policy.path, "ok": True, "names": lines, "warnings": warnings}
        )
        return
    for line in lines:
        run.console.line(line)
    run.console.notice(f"{file or policy.path or 'the built-in policy'} is sound")


def _print(run: Invocation, policy: Policy) -> None:
    from ockit.messages import LEVEL_NAMES
    from ockit.moderation.policy.policy import SECTIONS

    console = run.console
    console.line(f"policy: {policy.path or 'built in'}", style="bold")
    sections = {name: policy.section(role) for name, role in SECTIONS.items()}
    rows: list[tuple[object, ...]] = [
        (f"level {level}, {name}", *(section.levels[level] for section in sections.values()))
        for level, name in enumerate(LEVEL_NAMES)
    ]
    for category in dict.fromkeys(name for section in sections.values() for name in section.categories):
        rows.append((category, *(_row(section, category) for section in sections.values())))
    for name in ("injection", "distress", "unsure", "unread"):
        rows.append((name, *(getattr(section, name) for section in sections.values())))
    rows.append(
        ("off topic", *(section.off_topic if section.topics else "-" for section in sections.values()))
    )
    rows.append(("topics", *(", ".join(section.topics) or "-" for section in sections.values())))
    rows.append(("a fault of the check", *(_fault(section) for section in sections.values())))
    rows.append(("shift", *(_shift(section) for section in sections.values())))
    console.table(("", *(name.upper() for name in SECTIONS)), rows)
    roles = {role: name for name, role in SECTIONS.items()}
    console.table(
        ("BACK END", "KIND", "COUNTS", "TIMEOUT", "MAX LEVEL", "JUDGES", "OPTIONS"),
        [
            (
                spec.name,
                spec.kind,
                _counts(spec),
                f"{spec.timeout:g} s",
                spec.max_level,
                ", ".join(roles[role] for role in spec.roles),
                ", ".join(f"{key}={value}" for key, value in spec.options.items()) or "-",
            )
            for spec in policy.backends
        ],
    )
    for name, text in asdict(policy.texts).items():
        console.line(f"{name}: {text}", hang=2)
    for sentence in policy.gaps():
        console.warning(sentence)


def _counts(spec: BackendSpec) -> str:
    if not spec.enforce:
        return "advises"
    return "if its self-test is passed" if spec.kind == "fewshot" else "yes"


def _row(section: Section, category: str) -> str:
    """A category's actions, each with the levels it is for; a dash where the levels' own hold."""
    if category not in section.categories:
        return "-"
    spans: list[list[object]] = []
    for level, action in enumerate(section.categories[category]):
        if spans and spans[-1][2] == action:
            spans[-1][1] = level
        else:
            spans.append([level, level, action])
    return ", ".join(
        f"{first}: {action}" if first == last else f"{first}-{last}: {action}"
        for first, last, action in spans
    )


def _fault(section: Section) -> str:
    return "stopped" if section.fails_closed else "told"


def _shift(section: Section) -> str:
    named = [(f"level{level}", by) for level, by in enumerate(section.shift.levels, 1)]
    moved = [f"{name} {by:+g}" for name, by in (*named, *section.shift.others.items()) if by]
    return ", ".join(moved) or "-"


def _warnings(policy: Policy) -> list[str]:
    """What is allowed and hardly meant."""
    from ockit.messages import ACTIONS
    from ockit.moderation.policy.policy import SECTIONS

    found = []
    for name, role in SECTIONS.items():
        section = policy.section(role)
        order = [ACTIONS.index(action) for action in section.levels]
        if order != sorted(order):
            found.append(
                f"[{name}] meets a higher level more mildly than a lower one: {', '.join(section.levels)}"
            )
    return found + policy.gaps()
