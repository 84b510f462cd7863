"""A student's cage where no namespace can be made: Landlock for files, a filter that leaves a process alone.

A plain container, or a system that forbids user namespaces. A student process here may read what the other
cage would show it, write in one folder that is removed after it, and start no other process: what it cannot start
need not be found and ended. As root it runs as another user; as an ordinary user it runs as that user, and nothing
but Landlock and the filter stands between it and that user's files and processes.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.sandbox import lockdown, policy, syscalls
from autograder.sandbox.syscalls import (
    LANDLOCK_CONTROL,
    LANDLOCK_EXECUTE,
    LANDLOCK_LIST,
    LANDLOCK_MAKE,
    LANDLOCK_READ,
    LANDLOCK_TRUNCATE,
    LANDLOCK_WRITE,
)

_SEE = LANDLOCK_READ | LANDLOCK_LIST | LANDLOCK_EXECUTE
_OWN = _SEE | LANDLOCK_WRITE | LANDLOCK_MAKE | LANDLOCK_TRUNCATE


class Alone:
    """The cage of a machine without namespaces."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._uid: int | None = config["uid"] if os.getuid() == 0 else None
        self._box = f"{config['root']}/box"

    def enter(self) -> None:
        """In the zygote: find out whether the cage can be closed. Raises ``OSError`` where not."""
        if not syscalls.landlock_version():
            raise OSError("this kernel offers no Landlock")
        for hidden in self._config["hidden"]:
            for shown in self._shown():
                if Path(hidden).is_relative_to(shown):
                    raise OSError(f"{hidden} lies inside {shown}, which notebooks must see: move the course elsewhere")
        syscalls.become_subreaper()
        home, tmp = f"{self._box}/home", f"{self._box}/temporary"
        os.environ.update(HOME=home, TMPDIR=tmp, IPYTHONDIR=f"{tmp}/.ipython", MPLCONFIGDIR=f"{tmp}/.matplotlib")
        self._data: str | None = self._config["data"]
        if self._uid is not None:
            self._open_to(self._uid)
        self._make_box()  # the imports look for these folders
        tempfile.tempdir = tmp

    def _open_to(self, uid: int) -> None:
        """As root: what the student's own user must reach, it must be able to reach."""
        problem = lockdown.tried(functools.partial(self._require_readable, uid))
        if problem:
            raise OSError(problem)
        root = Path(self._config["root"])
        root.chmod(0o711)
        if self._data is not None:  # it may lie where that user cannot go
            shutil.copytree(self._data, root / "data")
            self._data = str(root / "data")
            subprocess.run(["/bin/chmod", "-R", "a+rX", "--", self._data], check=True)

    def _require_readable(self, uid: int) -> None:
        lockdown.become_user(uid)
        for path in self._config["shown"]:
            if not os.access(path, os.R_OK | os.X_OK):
                raise OSError(f"user {uid}, as whom notebooks run, cannot read {path}: move it, or open it to all")

    def _shown(self) -> list[str]:
        system = (*policy.SYSTEM_FOLDERS, *policy.SYSTEM_FILES)
        return [path for path in (*system, *self._config["shown"]) if Path(path).exists()]

    def _make_box(self) -> None:
        self._remove_box()
        for folder in (self._box, f"{self._box}/home", f"{self._box}/temporary"):
            Path(folder).mkdir(mode=0o700)
            if self._uid is not None:
                os.chown(folder, self._uid, self._uid)

    def _remove_box(self) -> None:
        """Remove whatever a student left. A tree may be deeper than Python's own removal can go."""
        if not Path(self._box).exists():
            return
        subprocess.run(["/bin/chmod", "-R", "u+rwx", "--", self._box], capture_output=True, check=False)
        done = subprocess.run(["/bin/rm", "-rf", "--", self._box], capture_output=True, check=False)
        if done.returncode:
            raise OSError(f"cannot remove what a student left in {self._box}: {done.stderr.decode()[:200]}")

    def fork(self) -> int:
        """Fork the keeper."""
        return os.fork()

    def furnish(self, limits: dict[str, Any]) -> None:
        """In the keeper: fresh scratch space."""
        del limits
        self._make_box()
        if self._data:
            Path(f"{self._box}/home/files").symlink_to(self._data)

    def processes(self, student: int) -> list[int]:
        """In the keeper: every process of the submission."""
        return [student]

    def scratch(self) -> str | None:
        """The folder whose size must be watched."""
        return self._box

    def lock(self, limits: dict[str, Any], keeper: int) -> None:
        """In the student: close the cage. For good."""
        others = 0
        if self._uid is None:
            others = _tasks_of(os.getuid())
        else:
            lockdown.become_user(self._uid)
            syscalls.drop_capabilities()
        lockdown.set_limits(limits, others=others)
        os.chdir(f"{self._box}/home")
        lockdown.give_up_privileges()
        syscalls.die_with_parent()
        if os.getppid() != keeper:
            os.kill(os.getpid(), signal.SIGKILL)
        syscalls.landlock(self._rules())
        lockdown.load_filter(alone=os.getpid())

    def _rules(self) -> Iterator[tuple[str, int]]:
        data = [self._data] if self._data else []
        for path in (*self._shown(), *data):
            yield path, _SEE
        for path in policy.MACHINE_FILES:
            if Path(path).exists():
                yield path, LANDLOCK_READ
        for path in policy.DEVICES:
            yield path, LANDLOCK_READ | LANDLOCK_WRITE
        for path in self._config["devices"]:
            yield path, LANDLOCK_READ | LANDLOCK_WRITE | LANDLOCK_CONTROL
        if self._config["devices"]:
            yield from ((path, _SEE) for path in policy.GPU_FILES if Path(path).exists())
        yield f"{self._box}/home", _OWN
        yield f"{self._box}/temporary", _OWN

    def clear(self) -> None:
        """In the zygote, after a student's end: remove what it wrote."""
        self._remove_box()


def _tasks_of(uid: int) -> int:
    """Processes and threads that run as ``uid`` now."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == uid:
                found += len(list((folder / "task").iterdir()))
        except OSError:  # it has just ended
            continue
    return found
