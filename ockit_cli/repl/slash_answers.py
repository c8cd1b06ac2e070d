"""Commands about questions and answers: again, further, changed, taken back, counted, copied."""

from __future__ import annotations

import re
from pathlib import Path

from ockit.errors import UsageError
from ockit.repl.clipboard import copy as copy_text
from ockit.repl.slash import Slash, number_of
from ockit.repl.talk import Talk

_FENCED = re.compile(r"^(```+|~~~+)[^\n]*\n(.*?)^\1\s*$", re.M | re.S)


def regen(talk: Talk, rest: str) -> None:
    """Answer the last question once more, the old answer staying beside the new one; or go back to one of them."""
    if not rest:
        talk.again()
        return
    talk.assistant.choose(number_of(rest, "an answer"))
    talk.earlier(talk.assistant.turns[-1])
    talk.tell_variants()


def go_on(talk: Talk, _: str) -> None:
    """Let an answer go on that was stopped or cut."""
    answer = talk.assistant.last_answer
    if talk.assistant.unanswered is not None:
        _not_stopped(talk)
    goes_on = answer is not None and talk.assistant.unanswered is None and answer.can_go_on
    # an answer that cannot go on is not shown again: the error is all there is
    talk.run(talk.assistant.go_on(talk.sampling), answer.text if answer is not None and goes_on else "")


def _not_stopped(talk: Talk) -> None:
    """Raises UsageError where moderation is why the last question has no answer."""
    question = talk.assistant.question(len(talk.assistant.questions))
    verdicts = [each.verdict for each in question.verdicts if each.role == "user"]
    if talk.assistant.unconfirmed:
        raise UsageError(
            "the last question waits for a yes: there is no answer that could go on", hint="/yes answers it"
        )
    if verdicts and verdicts[-1].action == "refuse" and verdicts[-1].faulty:
        raise UsageError(
            "the last question could not be checked: there is no answer that could go on",
            hint="/regen tries again, /moderation off goes on without the check",
        )
    if verdicts and verdicts[-1].action == "refuse":
        raise UsageError(
            "the last question was refused by moderation: there is no answer that could go on",
            hint="/edit changes the question; /moderation why says more",
        )


def edit(talk: Talk, rest: str) -> None:
    """Change a question and ask it anew; what was said after it stays as another branch."""
    questions = talk.assistant.questions
    if not questions:
        raise UsageError("there is no question to edit yet", hint="ask something first")
    number, text = len(questions), rest
    if rest.isdecimal():
        number, text = number_of(rest, "a question"), ""
        if not 1 <= number <= len(questions):
            raise UsageError(f"there is no question {rest}", hint=f"/edit 1 to /edit {len(questions)}")
    question = talk.assistant.question(number)
    if not talk.attached:
        for path in question.attached:
            talk.attach(Path(path))
    talk.editing = number
    if text:
        talk.ask(text)
    else:
        talk.face.offer(f"/{question.words}" if question.words.startswith("/") else question.words)


def undo(talk: Talk, _: str) -> None:
    """Take the last question back, together with its answer; behind an edit, the edit."""
    talk.console.notice(talk.undo())


def stats(talk: Talk, _: str) -> None:
    """What the last answer cost, and all answers since this chat was opened."""
    answer, totals = talk.assistant.last_answer, talk.assistant.totals
    if answer is None or answer.usage is None:
        talk.console.notice("no answer was given yet: ask something first")
        return
    usage, timings = answer.usage, answer.timings
    line = talk.console.line
    if not usage.prompt_tokens:
        line("the last answer is a text of moderation's policy: no model was asked")
    else:
        line(
            f"prompt      {usage.prompt_tokens} tokens, {usage.cached_tokens} of them known from the turn before"
        )
        line(f"answer      {usage.completion_tokens} tokens ({answer.finish_reason})")
    if usage.prompt_tokens and timings is not None and not talk.face.steady:
        line(f"reading     {_rate(usage.prompt_tokens - usage.cached_tokens, timings.prefill_s)}")
        line(f"writing     {_rate(usage.completion_tokens, timings.decode_s)}")
        if timings.first_token_s is not None:
            line(f"first word  {timings.first_token_s:.2f} s after the question")
    answers = "1 answer" if totals.turns == 1 else f"{totals.turns} answers"
    line(f"this run    {answers}, {totals.completion_tokens} tokens written")


def copy(talk: Talk, rest: str) -> None:
    """Copy the last answer, or its last code block, to the clipboard."""
    answers = [turn.text for turn in talk.assistant.conversation.turns if turn.role == "assistant"]
    if not answers:
        raise UsageError("there is no answer to copy yet", hint="ask something first")
    text = answers[-1]
    if rest == "code":
        blocks = _FENCED.findall(text)
        if not blocks:
            raise UsageError("the last answer holds no code block", hint="/copy  takes the whole answer")
        text = blocks[-1][1]
    elif rest:
        raise UsageError(f"/copy knows no {rest!r}", hint="/copy, or /copy code")
    talk.console.notice(copy_text(text, talk.environment.variables, talk.face.emit))


def _rate(tokens: int, seconds: float) -> str:
    return f"{tokens} tokens in {seconds:.2f} s" + (f", {tokens / seconds:.0f} a second" if seconds else "")


COMMANDS = (
    Slash("regen", "[NUMBER]", "answer anew, or go back to an earlier answer", regen, turn=True),
    Slash("continue", "", "go on with an answer that was stopped or cut", go_on, turn=True),
    Slash("edit", "[NUMBER or TEXT]", "change a question and ask it anew", edit, turn=True),
    Slash("undo", "", "take back the last question, or an edit", undo),
    Slash("stats", "", "what the last answer cost", stats),
    Slash(
        "copy",
        "[code]",
        "copy the last answer, or its last code block",
        copy,
        candidates=lambda _: [("code", "its last code block")],
    ),
)
"""In the order of the help."""
