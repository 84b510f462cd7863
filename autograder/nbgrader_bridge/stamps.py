"""When a notebook was handed in: the ``timestamp.txt`` that nbgrader keeps beside it."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

from autograder.submissions import read_bytes


def stamp_bytes(notebook: Path) -> bytes:
    """The file beside ``notebook``; empty where there is none."""
    return read_bytes(notebook.with_name("timestamp.txt"), most=1024)


def handed_in(notebook: Path) -> datetime | None:
    """The time it says, in UTC without a zone, as the gradebook keeps it; ``None`` without one that can be read."""
    with contextlib.suppress(ValueError, OverflowError):
        stamp = stamp_bytes(notebook).decode().strip()
        if stamp:
            from nbgrader.utils import parse_utc  # noqa: PLC0415 - nbgrader takes a second

            found: datetime = parse_utc(stamp)
            return found
    return None
