"""Temporary folders of sandboxes, and the sweeping of those whose grading process was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "autograder-sandbox-"
_MADE_HERE = {"box", "data"}  # all that a cage puts into its place; a folder that holds more is somebody's own
_NEW_SECONDS = 3600.0  # a folder this young may belong to a process that has not locked it yet


class Place:
    """A fresh folder, locked for as long as this process lives, so that others know it is in use."""

    def __init__(self) -> None:
        sweep(Path(tempfile.gettempdir()))
        self.path = tempfile.mkdtemp(prefix=PREFIX)
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def sweep(folder: Path, new_seconds: float = _NEW_SECONDS) -> None:
    """Remove this user's own old places in ``folder`` that nobody holds any more. What else bears such a name stays."""
    for path in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < new_seconds:
                continue
            place = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if {entry.name for entry in path.iterdir()} <= _MADE_HERE:
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(place)
