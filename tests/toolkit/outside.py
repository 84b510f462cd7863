"""The machine as seen from outside the sandbox: what a submission must have left as it was."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.model import Limits
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.testing.student import Student
from tests.toolkit.hosts import notebook

SHARED_FOLDERS = (Path("/tmp"), Path("/dev/shm"))


@dataclass(frozen=True)
class Outside:
    """Processes and files that belong to a sandbox's students, and the course they must not touch.

    ``uid`` is the user that students have outside. Where that is the user who grades, students' processes are
    those below this one that are in a pid namespace of their own, and their files cannot be told from other ones.
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
        found = dict(self._living())
        if os.getuid() == 0:
            return [pid for pid, (owner, _, _) in found.items() if owner == self.uid]
        ours = str(os.getpid())
        deep = found[ours][2] + 2  # the zygote has made one, the student another
        return [pid for pid, (_, _, depth) in found.items() if depth >= deep and ours in _line(pid, found)]

    def _living(self) -> Iterator[tuple[str, tuple[int, str, int]]]:
        """Each process's pid with its user, its parent and how many pid namespaces deep it is."""
        for path in Path("/proc").iterdir():
            if path.name.isdigit():
                with contextlib.suppress(OSError):  # it has just ended
                    text = (path / "status").read_text(encoding="ascii", errors="replace")
                    fields = {
                        key: value.split() for key, _, value in (line.partition(":") for line in text.splitlines())
                    }
                    yield path.name, (int(fields["Uid"][0]), fields["PPid"][0], len(fields["NSpid"]))

    def files(self) -> dict[str, tuple[int, ...]]:
        """Every path of the course with its size and time, and what students own in folders that all share."""
        return dict(self._course_files()) | dict(self._shared_files())

    def _course_files(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for path in self.course.rglob("*"):
            found = path.lstat()
            yield str(path), (found.st_mode, found.st_size, found.st_mtime_ns)

    def _shared_files(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for folder in SHARED_FOLDERS if os.getuid() == 0 else ():
            with os.scandir(folder) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):  # another program's, just removed
                        if entry.stat(follow_symlinks=False).st_uid == self.uid:
                            yield entry.path, ()


def _line(pid: str, found: Mapping[str, tuple[int, str, int]]) -> Iterator[str]:
    """A process, its parent, and so on up."""
    while pid in found:
        yield pid
        pid = found[pid][1]
