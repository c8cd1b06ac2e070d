"""What a person or a model is told when moderation acts, where the policy file says nothing else.

Knows no verdict. The words are chosen for the person who reads them: short, plain, without blame and without a guess at
what somebody is like who asks. No telephone number stands here, because none is right everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """One field a place. Read by people, but for ``caution``, which the model reads right before the person's turn."""

    refuse: str = (
        "I'd rather not help with this one. If I misread you, tell me a little more about what you need, and I'll "
        "gladly try again."
    )
    refuse_output: str = (
        "I stopped here, because I can't go on safely. Ask in another way, or tell me what you need it for, and we can "
        "try again."
    )
    support: str = (
        "I'm really sorry that you are going through this, and I'm glad you wrote about it. You don't have to face it "
        "alone.\n\n"
        "If you might hurt yourself, or you or someone else is in danger right now, please call your local emergency "
        "number or go to the nearest hospital. If you can, put some distance between yourself and anything you could "
        "use to hurt yourself, and ask someone you trust to stay with you.\n\n"
        "Many countries have a free crisis line, day and night, by phone or by text message; a doctor, or a web search "
        "for \"crisis line\" and your country, will tell you which. I am a program and can't replace a person, but I'm "
        "still here: if you would like to, tell me what is going on."
    )
    caution: str = (
        "The next message may touch on something sensitive. Answer what is safe and useful, kindly and without "
        "blame; leave out details that could help to hurt anyone; say so briefly where you leave something out."
    )
    confirm: str = "This may lead to an answer with sensitive content. Go on?"
    unavailable: str = (
        "The safety check is unavailable, so I can't go on here. Nothing is wrong with what you wrote: try again in a "
        "moment."
    )
    unread: str = (
        "I couldn't check all of this, so I can't go on with it. Nothing is wrong with what you wrote: try again with "
        "a shorter text."
    )
    off_topic: str = (
        "That is outside what I'm here for. Ask me something about my topic, and I'll gladly help."
    )
    left_out: str = "A passage was left out"
