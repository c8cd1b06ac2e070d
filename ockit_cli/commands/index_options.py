"""The options of verbs that answer from documents: which indexes, a folder to index first, how many passages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ockit.commands.completion import complete_index

if TYPE_CHECKING:
    from ockit.assistant.grounding import Grounding
    from ockit.commands.invocation import Invocation
    from ockit.settings import Settings

Index = Annotated[
    list[str] | None,
    typer.Option(
        "--index",
        "-i",
        metavar="NAME",
        help="Answer from this index and name the sources (repeatable); '' for none.",
        autocompletion=complete_index,
    ),
]
IndexDir = Annotated[
    Path | None,
    typer.Option(
        "--index-dir", metavar="FOLDER", help="Index this folder, or refresh its index, and answer from it."
    ),
]
Passages = Annotated[
    int | None,
    typer.Option(
        "--passages", "-k", metavar="N", help="Passages that a question is given at most, 1 to 50 (4)."
    ),
]


def grounding_of(run: Invocation, settings: Settings, index_dir: Path | None) -> Grounding:
    """What looks into the documents that were asked for; a folder is indexed first.

    Raises:
        NotFound: there is no such index, or no such folder.
        OckitError: whatever indexing raises.
    """
    from ockit.assistant import shelf

    names = shelf.known(run.directories, settings.index)
    if index_dir is not None:
        from ockit.commands.index_folder import indexed

        names = (*names, indexed(run, index_dir))
    return shelf.grounding(run.environment, names, k=settings.passages)
