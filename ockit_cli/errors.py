"""What can go wrong, as a tree, and the exit code of each branch.

An error is part of the product: it says what happened, where (``file:line`` where there is one) and what to
type next. It does not know how it is shown; `ockit.app` prints it, the REPL shows it, the server maps it.

    OckitError                 1  failure
    ├── UsageError             2  the command line, a parameter, a settings file
    ├── NotFound               3  model, session, file, template
    ├── ContextOverflow        4  the prompt does not fit the model's context
    ├── RefusedError           5  refused by moderation
    ├── SchemaMismatch         6  the answer does not fit the schema
    ├── PartlyDone             7  some inputs failed
    ├── InterruptedByUser    130  Ctrl-C
    ├── ModelFileError         1  damaged, truncated, not a GGUF file, unsupported
    ├── DoesNotFit             1  the model needs more memory than there is
    ├── WorkerError            1  the model's process died or hangs
    ├── StoreError             1  a database or a disk fails
    ├── HubError               1  a hub of models cannot be reached, refuses or answers nonsense
    └── MissingExtra           1  a verb lacks its optional dependency
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The documented exit codes of every ockit command."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    CONTEXT_OVERFLOW = 4
    REFUSED = 5
    SCHEMA_MISMATCH = 6
    PARTLY_DONE = 7
    INTERRUPTED = 130


class OckitError(Exception):
    """Something went wrong that ockit can explain.

    Attributes:
        what: one sentence: what happened, with the value that caused it.
        where: the place, as ``file:line`` or a path, or None.
        hint: what to type next, or None.
    """

    exit_code: ExitCode = ExitCode.FAILURE

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class UsageError(OckitError):
    """The command line, a parameter or a settings file says something that cannot be."""

    exit_code = ExitCode.USAGE


class NotFound(OckitError):
    """A model, session, template or file that was named does not exist."""

    exit_code = ExitCode.NOT_FOUND


class ContextOverflow(OckitError):
    """The prompt does not fit the model's context."""

    exit_code = ExitCode.CONTEXT_OVERFLOW


class RefusedError(OckitError):
    """Moderation refused the question or the answer."""

    exit_code = ExitCode.REFUSED


class SchemaMismatch(OckitError):
    """The answer does not fit the schema that was asked for."""

    exit_code = ExitCode.SCHEMA_MISMATCH


class PartlyDone(OckitError):
    """Some inputs were done, others failed."""

    exit_code = ExitCode.PARTLY_DONE


class InterruptedByUser(OckitError):
    """Ctrl-C."""

    exit_code = ExitCode.INTERRUPTED


class ModelFileError(OckitError):
    """A model file is damaged, truncated, of another kind or unsupported."""


class DoesNotFit(OckitError):
    """A model needs more memory than this machine has free."""


class WorkerError(OckitError):
    """The process that runs the model died, hangs or answered nonsense."""


class StoreError(OckitError):
    """A database or the disk under it fails."""


class HubError(OckitError):
    """A hub of models cannot be reached, refuses, or answers nonsense."""


class MissingExtra(OckitError):
    """A verb lacks its optional dependency; the hint is the pip line."""
