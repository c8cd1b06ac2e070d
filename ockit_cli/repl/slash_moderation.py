"""Commands about moderation: whether texts are checked, what the last check said, a yes to what it asks about."""

from __future__ import annotations

from collections.abc import Iterable

from ockit.assistant.checked import Checked
from ockit.assistant.checking import Checking
from ockit.errors import UsageError
from ockit.messages import LEVEL_NAMES, Verdict
from ockit.repl.slash import Slash
from ockit.repl.talk import Talk

_TEXTS = {
    "system": "the system text",
    "user": "your question",
    "assistant": "the answer",
    "retrieved": "what was found",
    "attached": "what is attached",
}
_SECTIONS = {
    "user": "questions (input)",
    "assistant": "answers (output)",
    "retrieved": "what is found (retrieved)",
}
_SHOWN = 5


def moderation(talk: Talk, rest: str) -> None:
    """Show whether texts are checked, by which policy, and what was said of the last ones; `why` says that alone, `on`
    and `off` switch, which the saved chat and the record of moderation keep."""
    checking = talk.assistant.checking
    if checking is None:
        raise UsageError("nothing is ever checked in this chat")
    if rest in ("on", "off"):
        _switch(talk, rest == "on")
    elif rest == "why":
        _explain(talk, checking)
    elif rest:
        raise UsageError(f"/moderation knows no {rest!r}", hint="/moderation, and on, off or why behind it")
    else:
        _show(talk, checking)


def _switch(talk: Talk, on: bool) -> None:
    """Whatever is wrong with policy or record, the person reads first whether texts are checked from here on."""
    done = talk.assistant.moderate(on, f"/moderation {'on' if on else 'off'}")
    if done is None:
        talk.console.notice(f"moderation is {'on' if on else 'off'} already")
        return
    talk.settings = talk.with_setting("moderation", on)
    said = "questions, answers and what is found are checked" if on else "nothing is checked from here on"
    saved = talk.saves and done.unsaved is None
    say_so = [what for what, known in (("saved chat", saved), ("record", done.recorded)) if known]
    broken = on and isinstance(done.fault, UsageError)
    if broken:
        said = "nothing is answered before moderation's policy can be read"
    if say_so:
        so = "that it is on" if broken else "so"
        said += f"; the {' and the '.join(say_so)} say{'s' * (len(say_so) == 1)} {so}"
    talk.console.notice(said)
    fault = talk.of_policy(done.fault) if isinstance(done.fault, UsageError) else done.fault
    if fault is not None and on:
        raise fault  # nothing is answered before it is mended
    if fault is not None:
        talk.console.notice(str(fault))
    if done.unsaved is not None:
        raise done.unsaved


def _show(talk: Talk, checking: Checking) -> None:
    if not checking.on:
        origin = talk.settings.origin("moderation").replace("--moderation", "--no-moderation")
        talk.console.line(f"moderation is off ({origin}); /moderation on checks again")
    try:
        path, described = checking.policy().path, checking.describe()
    except UsageError as error:
        raise talk.of_policy(error) from error
    said = "moderation is on, by" if checking.on else "texts would be checked by"
    talk.console.line(f"{said} {path or 'the built-in policy'}")
    advising = {
        part.spec.name
        for checked in talk.assistant.judged.values()
        for part in (checked.judgement.parts if checked.judgement is not None else ())
        if not part.enforcing  # by the policy, or because it has shown that it cannot judge
    }
    rows = [
        (name, _policys(roles), "advises" if name in advising else counts)
        for name, roles, counts in described
    ]
    talk.console.table(("BACK END", "TEXTS", ""), rows)
    _explain(talk, checking)


def _policys(roles: str) -> str:
    """Whose texts a back end judges, in the policy's words, too."""
    return ", ".join(_SECTIONS.get(role, role) for role in roles.split(", "))


def _explain(talk: Talk, checking: Checking) -> None:
    found = talk.assistant.judged
    for role, checked in found.items():
        for line in explained(_TEXTS[role], checked, steady=talk.face.steady):
            talk.console.line(line, hang=2)
    if not found:
        nothing = "of the last turn nothing was checked"
        talk.console.notice(nothing if checking.asked else "nothing was checked yet in this run")


def explained(what: str, checked: Checked, *, steady: bool = False) -> list[str]:
    """What was made of a text, and why, in lines. `steady`: without times."""
    verdict = checked.verdict
    lines = [f"{what}: {verdict.action}" + (f"; why: {verdict.reason}" if verdict.reason else "")]
    parts = checked.judgement.parts if checked.judgement is not None else ()
    for part in parts:
        how = "" if part.enforcing else ", only advises"
        lines.append(f"  {part.spec.name}{how}: {_said(part.verdict, steady=steady)}")
    return lines if parts else [*lines, f"  {verdict.backend}: {_said(verdict, steady=steady)}"]


def _said(verdict: Verdict, *, steady: bool) -> str:
    if not verdict.judged:
        return f"no judgement ({verdict.status}): {verdict.reason}"
    said = [f"level {verdict.level}, {LEVEL_NAMES[verdict.level]}"]
    if verdict.p_level:
        said.append("levels " + " ".join(f"{p:.2f}" for p in verdict.p_level))
    ranked = sorted(verdict.categories.items(), key=lambda entry: -entry[1])[:_SHOWN]
    said += [f"{name} {score:.2f}" for name, score in ranked if score >= 0.05]
    said += [f"by {name}" for name in dict.fromkeys(hit.name for hit in verdict.hits if hit.name != "level")]
    if verdict.injection >= 0.05:
        said.append(f"gives orders {verdict.injection:.2f}")
    if verdict.topic is not None:
        said.append(f"off the topic {verdict.topic}")
    if verdict.unsure:
        said.append("unlike anything it has learned from")
    if not steady:
        said.append(f"{verdict.ms:.0f} ms")
    return ", ".join(said)


def yes(talk: Talk, _: str) -> None:
    """Answer the question that moderation has asked about first."""
    talk.confirm()


def no(talk: Talk, _: str) -> None:
    """Leave the question alone that moderation has asked about first."""
    talk.decline()


def switches(talk: Talk) -> Iterable[tuple[str, str]]:
    """What may stand behind /moderation."""
    switch = ("off", "check nothing") if talk.assistant.moderated else ("on", "check again")
    return [switch, ("why", "what was said of the last texts")]


COMMANDS = (
    Slash(
        "moderation",
        "[on, off or why]",
        "whether texts are checked, and why the last was stopped or not",
        moderation,
        candidates=switches,
    ),
    Slash("yes", "", "answer what moderation has asked about first", yes, turn=True),
    Slash("no", "", "do not answer it", no),
)
"""In the order of the help."""
