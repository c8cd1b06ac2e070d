"""A process that may write nothing here: what a test that root runs cannot see otherwise."""

import os

from ockit.errors import OckitError


def as_nobody(work):
    """What `work` gives, or the error it raises, in such a process, as text."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            os.write(write, repr(work()).encode())
        except OckitError as error:
            os.write(write, f"{type(error).__name__} {error} {error.hint}".encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said
