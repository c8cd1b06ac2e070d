"""Commands about the model and how it answers: which one, its template, its parameters, the prompt it is given."""

from __future__ import annotations

from collections.abc import Iterable

from ockit.errors import InterruptedByUser, OckitError, UsageError
from ockit.models.registry import OWN_JINJA, Registry
from ockit.prompts.marked import marked
from ockit.prompts.templates import named, names, with_conditions
from ockit.repl.parameters import GIVEN, LOADING, LOOKS, SAMPLING, set_one
from ockit.repl.slash import Slash
from ockit.repl.talk import IN_CHAT, Talk


def _registry(talk: Talk) -> Registry:
    return Registry(talk.environment.directories, cwd=talk.cwd)


def model(talk: Talk, rest: str) -> None:
    """Show the model, or take another one from the next question on."""
    if not rest:
        opened = talk.assistant.model
        info = talk.assistant.load()
        talk.console.line(f"{opened.entry.name}: {opened.entry.path}")
        talk.console.line(
            f"{info.architecture}, template {opened.template.name}, {info.n_ctx} tokens of context "
            f"(trained for {info.n_ctx_train})"
        )
        return
    before = talk.assistant.model.entry.name
    settings = talk.settings
    if settings.template is not None and settings.origin("template") == IN_CHAT:
        settings = talk.with_setting("template", None)  # it was meant for the model before
    opened = talk.open(settings, rest)
    for notice in opened.notices:
        talk.console.notice(notice)
    kept = "; the conversation so far goes along" if talk.assistant.conversation.turns else ""
    same = opened.entry.name == before
    talk.console.notice(f"{opened.entry.label} answers {'still' if same else 'from now on'}{kept}")


def models(talk: Talk, _: str) -> None:
    """List the models by name."""
    now = talk.assistant.model.entry.name
    rows = [
        ("*" if entry.name == now else "", entry.name, ", ".join(entry.aliases), entry.quantization)
        for entry in _registry(talk).entries()
    ]
    talk.console.table(("", "NAME", "ALIASES", "QUANTIZATION"), rows)


def template(talk: Talk, rest: str) -> None:
    """Show the chat template, or take another one."""
    if not rest:
        talk.console.line(talk.assistant.template.name)
        return
    settings = talk.with_setting("template", rest)
    if rest == OWN_JINJA:
        talk.open(settings, talk.assistant.model.entry.name)
    else:
        talk.assistant.set_template(named(rest))
        talk.settings = settings
    talk.console.notice(f"prompts are laid out as {rest} from the next question on")


def condition(talk: Talk, rest: str) -> None:
    """Show or set the condition of a conditioned template."""
    if not rest:
        known = getattr(talk.assistant.template, "conditions", ())
        if not known:
            names = ", ".join(with_conditions())
            talk.console.notice(f"the template {talk.assistant.template.name} has no conditions; {names} do")
            return
        now = talk.settings.condition or known[0]
        for name in known:
            talk.console.line(f"{'*' if name == now else ' '} {name}")
        return
    talk.assistant.set_condition(rest)
    talk.settings = talk.with_setting("condition", rest)
    talk.console.notice(f"the condition is {rest} from the next question on")


def set_parameter(talk: Talk, rest: str) -> None:
    """Set a parameter: /set temperature 0.2."""
    key, _, value = rest.replace("=", " ", 1).partition(" ")
    if not key:
        params(talk, "")
        return
    if not value.strip():
        raise UsageError(f"/set {key} lacks a value", hint="/set temperature 0.2; /params shows what holds")
    set_one(talk, key, value.strip())
    if key.replace("-", "_") in LOOKS:
        talk.console.notice(
            f"{key} is {value.strip()} in this chat; for all: ockit config set {key} {value.strip()}"
        )
    else:
        talk.console.notice(f"{key} is {value.strip()} from the next question on")


def params(talk: Talk, _: str) -> None:
    """Show every parameter of the answer, and where its value comes from."""
    sampling, info = talk.sampling, talk.assistant.loaded
    rows = [(name, _shown(getattr(sampling, name)), _origin(talk, name)) for name in SAMPLING]
    for key in (*LOADING, *LOOKS, *GIVEN):
        value = _shown(getattr(talk.settings, key))
        chosen = getattr(info, _CHOSEN[key]) if info is not None and key in _CHOSEN else None
        if value in ("0", "auto") and chosen is not None and not talk.face.steady:
            value = f"{value}, here {chosen}"
        rows.append((key, value, talk.settings.origin(key)))
    talk.console.table(("PARAMETER", "VALUE", "FROM"), rows)


def system(talk: Talk, rest: str) -> None:
    """Show the system text, or set it from the next question on."""
    if not rest:
        talk.console.line(talk.assistant.conversation.system or "(none: the template's own, if it has one)")
        return
    text = None if rest == "none" else rest
    try:
        talk.judge_system(text)
    except InterruptedByUser:
        talk.console.notice("stopped; the system text stays as it was")
        return
    talk.assistant.set_system(text)
    talk.settings = talk.with_setting("system", text)
    said = "the system text is gone" if text is None else "the system text is set"
    talk.console.notice(f"{said}; it holds from the next question on")


def raw(talk: Talk, _: str) -> None:
    """Show the exact prompt that was sent last, its control tokens marked."""
    if not talk.assistant.last_prompt:
        talk.console.notice("no prompt was sent yet in this conversation: ask something first")
        return
    talk.console.line(marked(talk.assistant.last_prompt, talk.assistant.load().bos))


_CHOSEN = {
    "ctx_size": "n_ctx",
    "threads": "threads_decode",
    "threads_prefill": "threads_prefill",
    "gpu_layers": "gpu_layers",
}
"""What the engine says of settings that leave the choice to it."""


def _origin(talk: Talk, key: str) -> str:
    if key in talk.changed:
        return IN_CHAT
    if key in talk.parameters:
        return "--option" if key != "stop" else "--stop"
    origin = talk.settings.origin(key)
    if origin == "default" and key in talk.assistant.model.sampling:
        return "the model's own"
    return origin


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)


def model_names(talk: Talk) -> Iterable[tuple[str, str]]:
    """Models by name."""
    try:
        return [(entry.name, entry.quantization or "") for entry in _registry(talk).entries()]
    except OckitError:
        return []  # /models says what is wrong with the list


def template_names(talk: Talk) -> Iterable[tuple[str, str]]:
    """Chat templates by name."""
    return [*((name, "") for name in names()), (OWN_JINJA, "the model's own text, in a sandbox")]


def condition_names(talk: Talk) -> Iterable[tuple[str, str]]:
    """Conditions of the template in use."""
    return [(name, "") for name in getattr(talk.assistant.template, "conditions", ())]


def parameter_names(talk: Talk) -> Iterable[tuple[str, str]]:
    """What /set takes, with what holds."""
    now = talk.sampling
    found = [(key, _shown(getattr(now, key))) for key in SAMPLING]
    return [*found, *((key, _shown(getattr(talk.settings, key))) for key in (*LOADING, *LOOKS, *GIVEN))]


COMMANDS = (
    Slash("model", "[NAME]", "show the model, or go on with another", model, candidates=model_names),
    Slash("models", "", "list the models", models),
    Slash("system", "[TEXT]", "show or set the system text; `none` takes it away", system),
    Slash(
        "set", "KEY VALUE", "set a parameter, such as temperature", set_parameter, candidates=parameter_names
    ),
    Slash("params", "", "show every parameter and where it comes from", params),
    Slash("template", "[NAME]", "show or choose the chat template", template, candidates=template_names),
    Slash(
        "condition", "[NAME]", "show or set the condition (OpenChat)", condition, candidates=condition_names
    ),
    Slash("raw", "", "show the exact prompt, control tokens marked", raw),
)
"""In the order of the help."""
