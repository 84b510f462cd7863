"""The machine as seen from outside the sandbox: what a submission must have left as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.model import Limits
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.testing.student import Student
from tests.toolkit.hosts import notebook

SHARED_FOLDERS = (Path("/tmp"), Path("/dev/shm"))
OF_GRADING = ("autograder-", "pytest-of-")  # what a grading run makes in /tmp itself


@dataclass(frozen=True)
class Outside:
    """Processes and files that belong to a sandbox's students, and the course they must not touch.

    ``uid`` is the user that students have outside. Where that is the user who grades, only processes in a
    pid namespace below the zygote's are students'.
    """

    course: Path
    uid: int

    @classmethod
    def of(cls, sandbox: Sandbox, course: Path) -> Outside:
        """Asks a notebook for its user; in a user namespace that is not the one seen from outside."""
        if os.getuid() != 0:
            return cls(course, os.getuid())
        session = Session(sandbox, notebook("import os\ndef uid(): return os.getuid()"), Limits(call_seconds=20.0))
        session.open()
        uid = Student(session).uid()
        session.close()
        return cls(course, uid)

    def processes(self) -> list[str]:
        """Pids of what runs as a student."""
        deep = 0 if os.getuid() == 0 else _pid_namespaces("self") + 2
        found = (entry.name for entry in Path("/proc").iterdir())
        return [pid for pid in found if pid.isdigit() and self._is_student(pid, deep)]

    def _is_student(self, pid: str, deep: int) -> bool:
        try:
            return Path(f"/proc/{pid}").stat().st_uid == self.uid and _pid_namespaces(pid) >= deep
        except OSError:  # it has just ended
            return False

    def files(self) -> dict[str, tuple[int, ...]]:
        """Every path of the course with its size and time, and what students own in folders that all share."""
        return dict(self._course_files()) | dict(self._shared_files())

    def _course_files(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for path in self.course.rglob("*"):
            found = path.lstat()
            yield str(path), (found.st_mode, found.st_size, found.st_mtime_ns)

    def _shared_files(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for folder in SHARED_FOLDERS:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if not entry.name.startswith(OF_GRADING) and entry.stat(follow_symlinks=False).st_uid == self.uid:
                        yield entry.path, ()


def _pid_namespaces(pid: str) -> int:
    """How many pid namespaces deep a process is, counted from the one of the reader's."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return next(len(line.split()) - 1 for line in status.splitlines() if line.startswith("NSpid:"))
