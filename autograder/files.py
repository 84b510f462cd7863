"""Files written whole or not at all; a full disk is said as one."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from autograder.errors import UsageError

# What `write_whole` leaves where it is killed, of the files that grading writes.
_LEFT = re.compile(r"\..+\.(?:json|html|ipynb|bin|txt)\.([1-9]\d{0,6})")
_REASONS = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


def write_whole(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Put ``data`` at ``path`` in one step: a reader never sees half of it, and the same data changes nothing.

    ``mode`` is that of a new file, less the umask. Raises ``UsageError`` where the file cannot be written;
    what stood there stands.
    """
    with writing(path):
        if path.is_file() and path.read_bytes() == data:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # A killed run leaves it: hidden, and with an ending that no reader of results, pages or notebooks looks for.
        # The next one sweeps it away.
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            fresh.touch(mode)
            fresh.write_bytes(data)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what ``write_whole`` left below ``folder`` in processes that are gone; only under the course's lock."""
    for path in folder.rglob(".*"):
        left = _LEFT.fullmatch(path.name)
        if left and not _lives(int(left[1])):
            with contextlib.suppress(OSError):
                path.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` inside into the ``UsageError`` that names ``path``."""
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path | str, error: OSError) -> UsageError:
    """What to tell the user: the place, the reason and the way out."""
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return UsageError(f"cannot write {path}: {reason}; put that right and run again, what was written before stands")


def is_full(error: OSError) -> bool:
    """Whether ``error`` says that there is no room left."""
    return error.errno in _REASONS
