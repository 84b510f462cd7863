"""A collected notebook's bytes, put where submissions lie, with the time that lateness is counted by."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from autograder.files import write_whole

STAMP = "%Y-%m-%d %H:%M:%S UTC"  # nbgrader's


def place(submitted: Path, topic: str, student: str, data: bytes, handed_in: datetime) -> bool:
    """Write ``submitted/<student>/<topic>/<topic>.ipynb`` and its ``timestamp.txt``; whether it is new.

    The same bytes as there are leave both untouched, and so the time when they first came.
    """
    notebook = submitted / student / topic / f"{topic}.ipynb"
    if notebook.is_file() and not notebook.is_symlink() and notebook.read_bytes() == data:
        return False
    # The time first: cut off in between, a new notebook would keep the time of an earlier one.
    stamp = handed_in.astimezone(UTC).strftime(STAMP)
    write_whole(notebook.with_name("timestamp.txt"), f"{stamp}\n".encode("ascii"))
    write_whole(notebook, data)
    return True
