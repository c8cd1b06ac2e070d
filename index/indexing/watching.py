"""When something changes below the folders of an index. Knows the system's notices of changes, not what they mean."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence

from ockit.errors import OckitError, StoreError

_QUIET_MS = 300  # a burst of changes is over when nothing came for so long
_LONGEST_MS = 2000
_LOOK_MS = 200


def changes_below(folders: Sequence[str], own: Sequence[str], stop: threading.Event) -> Iterator[None]:
    """Once as soon as no change can be missed any more, and once for each burst of changes below the folders, until
    `stop` is set. Changes below `own` are none.

    Raises:
        OckitError: the system watches no more folders, or one of these is gone.
    """
    from watchfiles import Change, watch

    def meant(change: Change, path: str) -> bool:
        return not any(path == place or path.startswith(place + os.sep) for place in own)

    armed = False
    try:
        for changed in watch(
            *folders,
            watch_filter=meant,
            debounce=_LONGEST_MS,
            step=_QUIET_MS,
            stop_event=stop,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            raise_interrupt=True,
            ignore_permission_denied=True,
        ):
            if changed or not armed:
                armed = True
                yield
    except FileNotFoundError as error:
        raise StoreError(
            f"a folder that is watched is gone ({error})", hint="bring it back, and start it again"
        ) from error
    except OSError as error:
        raise OckitError(
            f"the folders cannot be watched: {error}",
            hint="raise fs.inotify.max_user_watches, or run ockit index now and then without --watch",
        ) from error
