"""An error in a person's ``moderation.toml``, as it is told to who wanted to ask a question. Knows where the file lies,
not what it says."""

from __future__ import annotations

from ockit.environment import Directories
from ockit.errors import UsageError

_FILE_NAME = "moderation.toml"  # of ockit.moderation.policy.reading, which is not imported for a question that is sound


def of_policy(error: UsageError, directories: Directories, way: str) -> UsageError:
    """The error, saying whose file it is in and how one gets on without it; any other error as it is.

    Args:
        way: what to type, said behind the error's own hint.
    """
    if not (error.where or "").startswith(str(directories.config / _FILE_NAME)):
        return error
    what = f"moderation's policy cannot be read: {error.what}"
    return UsageError(what, where=error.where, hint=f"{error.hint}; {way}" if error.hint else way)
