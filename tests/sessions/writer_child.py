"""What a test kills, fills the disk of, or runs twice at once: writes messages, prints each id once it is saved.

Usage: writer_child.py STORE forever|COUNT|until-full|leave|wait
"""

import os
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path

from ockit.errors import StoreError
from ockit.messages import Sampling
from ockit.sessions.store import Store

FILE_LIMIT = 400_000  # bytes


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(path, mode):
    store = Store(Path(path))
    if mode == "until-full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
    size = 5000 if mode == "until-full" else 200
    session, parent = store.start(model="tiny"), None
    for number in range(int(mode) if mode.isdecimal() else 10**9):
        try:
            asked = store.add_user(session, f"question {number} {'x' * 200}", parent=parent)
            say("user", asked)
            if mode.isdecimal():  # questions alone: every write waits for the disk
                parent = asked
                continue
            parent = store.begin_answer(session, asked, model="tiny", sampling=asdict(Sampling()))
            text = ""
            for step in range(4):
                text += f"answer {number} step {step} {'y' * size} "
                store.save_so_far(parent, text=text, token_ids=range(step * 10))
            say("answer", parent)
            if mode == "wait":
                time.sleep(60)
            if mode == "leave":
                os._exit(0)
            store.finish(parent, text=text, token_ids=[1], state="complete", finish_reason="stop")
        except StoreError as error:
            say("error", type(error).__name__, error.what.replace("\n", " "), "|", error.hint)
            say("readable", len(store.messages(session)))
            return


main(*sys.argv[1:])
