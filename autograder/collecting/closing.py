"""Which students' work was taken as of a deadline: the first run after it decides, and no later one.

A commit's date is what its author says. So a commit that appears after the deadline's collection is late, whatever its
date: that run notes whom it reached, and a later one for the same deadline takes nothing more of them.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from autograder.errors import UsageError
from autograder.files import write_whole


class Closed:
    """The deadlines of one assignment, in ``submitted/.collected/<topic>.json``."""

    def __init__(self, submitted: Path, topic: str) -> None:
        self._path = submitted / ".collected" / f"{topic}.json"
        try:
            data = self._path.read_bytes() if self._path.exists() else b"{}"
            self._students = msgspec.json.decode(data, type=dict[str, list[str]])
        except (OSError, msgspec.DecodeError) as error:
            raise UsageError(
                f"{self._path}: cannot be read ({error}); put it back from a copy, or remove it: commits dated before "
                "a deadline are then taken once more"
            ) from error

    def students(self, until: datetime) -> set[str]:
        """Those whose work was taken as of ``until``."""
        return set(self._students.get(until.isoformat(), ()))

    def add(self, until: datetime, students: set[str]) -> None:
        """Note that the work of ``students`` was taken as of ``until``."""
        self._students[until.isoformat()] = sorted(self.students(until) | students)
        write_whole(self._path, msgspec.json.format(msgspec.json.encode(self._students), indent=1) + b"\n")
