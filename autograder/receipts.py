"""Which report of each student has reached the gradebook and the student's page already.

Losing this costs time, never a grade: what is not listed is read again. It is believed only while the gradebook's
file is exactly as it was left: one that was deleted, put back from a copy or edited by formgrader gets every grade
anew, and so does a server, which cannot be asked as cheaply.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Self

import msgspec

from autograder.course import CONFIG_NAME, Course
from autograder.files import write_whole
from autograder.model import GradeReport


class Stamp(msgspec.Struct, frozen=True):
    """A file's identity and content, as far as it can be known without reading it."""

    path: str
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """The stamp of the file at ``path``; ``None`` where there is none."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(str(path), found.st_ino, found.st_size, found.st_mtime_ns)

    @property
    def holds(self) -> bool:
        """Whether the file is still as it was."""
        return Stamp.of(Path(self.path)) == self


class Receipts(msgspec.Struct):
    """The digest of the report of each student that was read last, and the gradebook as it was left then."""

    read: dict[str, str]
    gradebook: Stamp | None = None

    @classmethod
    def load(cls, path: Path, *, gradebook: bool) -> Self:
        """Those at ``path``; empty where they are lost or, with a ``gradebook``, cannot be believed."""
        try:
            found = msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError):
            return cls({})
        believed = not gradebook or (found.gradebook is not None and found.gradebook.holds)
        return found if believed else cls({})

    def save(self, path: Path) -> None:
        """Write them whole."""
        write_whole(path, msgspec.json.encode(self))

    def has(self, report: GradeReport) -> bool:
        """Whether ``report`` is the one that was read."""
        return self.read.get(report.student) == _digest(report)

    def add(self, report: GradeReport) -> None:
        """Note that ``report`` was read."""
        self.read[report.student] = _digest(report)


def receipts_path(course: Course, topic: str, *purpose: str) -> Path:
    """Where receipts lie: apart for each gradebook, feedback level and configuration of the course."""
    config = course.root / CONFIG_NAME
    parts = [part.encode() for part in purpose] + [config.read_bytes() if config.is_file() else b""]
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    return course.state / "read" / f"{topic}-{digest[:12]}.json"


def _digest(report: GradeReport) -> str:
    return hashlib.sha256(msgspec.json.encode(report)).hexdigest()
