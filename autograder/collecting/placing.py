"""A collected notebook's bytes, put where submissions lie, with the time that lateness is counted by."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from autograder.files import write_whole, writing

STAMP = "%Y-%m-%d %H:%M:%S UTC"  # nbgrader's


def place(
    submitted: Path, topic: str, student: str, data: bytes, handed_in: datetime | None, *, sure: bool = False
) -> bool:
    """Write ``submitted/<student>/<topic>/<topic>.ipynb`` and its ``timestamp.txt``; whether it is new.

    The same bytes as there are leave both untouched, and so the time when they first came; a time that is ``sure``,
    the platform's own, is written all the same. Without a time, a new notebook has none, and counts as in time.
    """
    notebook = submitted / student / topic / f"{topic}.ipynb"
    fresh = not notebook.is_file() or notebook.is_symlink() or notebook.read_bytes() != data
    stamp = notebook.with_name("timestamp.txt")
    # The time first: cut off in between, a new notebook would keep the time of an earlier one.
    if handed_in is not None and (fresh or sure):
        write_whole(stamp, f"{handed_in.astimezone(UTC).strftime(STAMP)}\n".encode("ascii"))
    elif fresh:
        with writing(stamp):
            stamp.unlink(missing_ok=True)
    if fresh:
        write_whole(notebook, data)
    return fresh
