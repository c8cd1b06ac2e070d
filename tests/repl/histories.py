"""A chat's history as its tests see it."""

from __future__ import annotations

import asyncio
import json

from ockit.environment import Directories
from ockit.repl.history import ChatHistory


class Chat:
    """A history with the warnings it gave."""

    def __init__(self, home, memory_only=False):
        self.warnings = []
        self.directories = Directories.of({"OCKIT_HOME": str(home)})
        self.path = self.directories.state / "history"
        self.history = ChatHistory(self.directories, self.warnings.append, memory_only)

    def type(self, *entries):
        for entry in entries:
            self.history.append_string(entry)

    def remembered(self):
        """As the arrow keys give them: the newest first."""

        async def load():
            return [entry async for entry in self.history.load()]

        return asyncio.run(load())


def written(home, data):
    chat = Chat(home)
    chat.path.parent.mkdir(parents=True)
    chat.path.write_bytes(data)
    return chat


def lines(*entries):
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
