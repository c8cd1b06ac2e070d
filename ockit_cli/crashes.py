"""An exception that nobody foresaw, as an error to be shown: its traceback goes to a file of the state directory."""

from __future__ import annotations

import os
import time

from ockit.environment import Directories
from ockit.errors import OckitError
from ockit.files import write_atomic
from ockit.version import __version__


def internal(error: Exception, directories: Directories) -> OckitError:
    """The error to show, once the traceback is saved."""
    what = f"internal error: {type(error).__name__}: {error}, please report"
    path = directories.state / "crashes" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    try:
        write_atomic(path, f"ockit {__version__}\n{trace(error)}")
    except OckitError as full:
        told = OckitError(what, hint=f"OCKIT_DEBUG=1 shows the traceback; it could not be saved: {full.what}")
    else:
        told = OckitError(
            what, where=str(path), hint="add that file to the report; OCKIT_DEBUG=1 shows it at once"
        )
    told.__cause__ = error
    return told


def trace(error: BaseException) -> str:
    """A traceback as text."""
    import traceback

    return "".join(traceback.format_exception(error)).rstrip()
