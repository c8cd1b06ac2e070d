"""What a test kills in mid-continuation: goes on with the last answer of a session, prints each new text.

Usage: continuing_child.py HOME SESSION_ID
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from ockit.assistant import record
from ockit.assistant.opening import open_model
from ockit.assistant.turn import Assistant
from ockit.environment import Environment
from ockit.events import Token
from ockit.messages import Sampling
from ockit.sessions.store import Store
from ockit.settings import load


def main(home: str, session: str) -> None:
    record.SAVE_EVERY_S = 0.05
    variables = {"PATH": os.environ["PATH"], "OCKIT_HOME": home}
    environment = Environment(io.BytesIO(), io.StringIO(), io.StringIO(), variables, Path(home))
    chosen = {"threads": "1", "gpu_layers": "0", "ctx_size": "1024"}
    settings = load(environment.directories, variables, chosen)
    assistant = Assistant(environment, Store.of(environment.directories))
    assistant.use(open_model(settings, environment.directories, Path(home), None))
    assistant.resume(session)
    for event in assistant.go_on(Sampling(temperature=0.0, max_tokens=600)):
        if isinstance(event, Token):
            sys.stdout.write(event.text.replace("\n", " ") + "\n")
            sys.stdout.flush()


main(*sys.argv[1:])
