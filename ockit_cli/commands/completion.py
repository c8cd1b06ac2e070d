"""What a shell may complete: names of models, of chat templates and of indexes. Never prints, whatever goes wrong."""

from __future__ import annotations

from ockit.environment import Environment
from ockit.errors import OckitError


def complete_model(incomplete: str) -> list[str]:
    """Names and aliases of models that begin so; nothing where the list cannot be read."""
    from ockit.models.registry import Registry

    environment = Environment.of_process()
    try:
        entries = Registry(environment.directories, cwd=environment.cwd).entries()
    except OckitError:
        return []
    names = [name for entry in entries for name in (entry.name, *entry.aliases)]
    return [name for name in names if name.lower().startswith(incomplete.lower())]


def complete_template(incomplete: str) -> list[str]:
    """Names of the chat templates that begin so."""
    from ockit.models.registry import OWN_JINJA
    from ockit.prompts.templates import names

    return [name for name in (*names(), OWN_JINJA) if name.startswith(incomplete.lower())]


def complete_index(incomplete: str) -> list[str]:
    """Names of indexes and live sources that begin so; nothing where they cannot be listed."""
    from ockit.assistant.shelf import names_of

    try:
        names = names_of(Environment.of_process().directories)
    except (OckitError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]
