"""What a test kills while it answers from documents: asks a question, prints a line for its sources and each new text.

Usage: grounded_child.py HOME FOLDER QUESTION
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

from ockit.assistant.grounding import Grounding
from ockit.assistant.opening import open_model
from ockit.assistant.turn import Assistant
from ockit.environment import Environment
from ockit.events import Sources, Token
from ockit.messages import Sampling
from ockit.sessions.store import Store
from ockit.settings import load
from small_retriever import FolderRetriever


def main(home: str, folder: str, question: str) -> None:
    variables = {"PATH": os.environ["PATH"], "OCKIT_HOME": home}
    environment = Environment(io.BytesIO(), io.StringIO(), io.StringIO(), variables, Path(home))
    chosen = {"threads": "1", "gpu_layers": "0", "ctx_size": "1024"}
    settings = load(environment.directories, variables, chosen)
    grounding = Grounding(lambda _: FolderRetriever(Path(folder)), [Path(folder).name])
    assistant = Assistant(environment, Store.of(environment.directories), grounding=grounding)
    assistant.use(open_model(settings, environment.directories, Path(home), None))
    assistant.restart(None)
    for event in assistant.reply(question, Sampling(temperature=0.0, max_tokens=600)):
        if isinstance(event, Sources):
            sys.stdout.write("sources\n")
        elif isinstance(event, Token):
            sys.stdout.write(event.text.replace("\n", " ") + "\n")
        sys.stdout.flush()


main(*sys.argv[1:])
