"""Control groups: the kernel's own count of what a zygote and its student use, where this user may make one.

Version 2 or 1, whichever holds the controller. The grading process makes a group, the zygote starts inside it, and each
student is bounded on top of what the zygote holds. Where no group can be made, the watchdog and rlimits bound alone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

CONTROLLERS = ("memory", "pids")
_PREFIX = "autograder-"


@dataclass(frozen=True)
class _Names:
    """What a version of the interface calls its files."""

    memory_now: str
    memory_most: str
    swap_most: str
    events: str


_V2 = _Names("memory.current", "memory.max", "memory.swap.max", "memory.events")
_V1 = _Names("memory.usage_in_bytes", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control")


class ControlGroup:
    """The group of one zygote, over one folder for each controller, or one for both. Closed when the zygote is gone."""

    def __init__(self, folders: dict[str, Path], version: int) -> None:
        self._folders = folders
        self._names = _V2 if version == 2 else _V1
        self.kind = f"cgroup v{version}"

    @property
    def entrances(self) -> list[str]:
        """Files to which a process writes its id to enter."""
        return sorted({str(folder / "cgroup.procs") for folder in self._folders.values()})

    def bound(self, memory_bytes: int, processes: int) -> None:
        """Let the members use so much more than they do now."""
        memory, pids = self._folders["memory"], self._folders["pids"]
        most = int(_read(memory / self._names.memory_now)) + memory_bytes
        # Version 1 keeps memory <= memory + swap, whichever way the limit moves, so one of the two orders is refused.
        for name in (self._names.memory_most, self._names.swap_most, self._names.memory_most):
            with contextlib.suppress(OSError):
                _write(memory / name, 0 if name == _V2.swap_most else most)
        if int(_read(memory / self._names.memory_most)) > most:
            raise OSError(f"{memory} takes no memory limit")
        _write(pids / "pids.max", int(_read(pids / "pids.current")) + processes)

    def kills(self) -> int:
        """How many processes the kernel has ended here for want of memory."""
        for line in _read(self._folders["memory"] / self._names.events).splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
        return 0

    def close(self) -> None:
        """Remove the group. A member that is not quite gone keeps it; the next grading run sweeps it away."""
        for folder in set(self._folders.values()):
            with contextlib.suppress(OSError):
                folder.rmdir()


def make(mounts: str | None = None, own: str | None = None) -> ControlGroup | None:
    """A fresh group; ``None`` where this user may make none.

    ``mounts`` and ``own`` are the texts of ``/proc/self/mounts`` and ``/proc/self/cgroup``.
    """
    try:
        mounts = _read(Path("/proc/self/mounts")) if mounts is None else mounts
        own = _read(Path("/proc/self/cgroup")) if own is None else own
    except OSError:
        return None
    name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    for parents, version in _places(Hierarchies.of(mounts, own)):
        folders = {controller: parent / name for controller, parent in parents.items()}
        if not _make_folders(folders):
            continue
        group = ControlGroup(folders, version)
        try:  # better none than one that takes no bounds: each submission would fail
            group.bound(1 << 30, 64)
        except (OSError, ValueError):
            group.close()
        else:
            return group
    return None


@dataclass(frozen=True)
class Hierarchies:
    """Where hierarchies of groups are mounted, and this process's path in each: by controller, "" for version 2."""

    points: dict[str, str]
    paths: dict[str, str]

    @classmethod
    def of(cls, mounts: str, own: str) -> Self:
        """Those in the texts of ``/proc/self/mounts`` and ``/proc/self/cgroup``."""
        points: dict[str, str] = {}
        for line in mounts.splitlines():
            _, point, kind, options = line.split()[:4]
            if kind in ("cgroup", "cgroup2"):
                points.update(dict.fromkeys([""] if kind == "cgroup2" else options.split(","), point))
        paths: dict[str, str] = {}
        for line in own.splitlines():
            _, controllers, path = line.split(":", 2)
            paths.update(dict.fromkeys(controllers.split(","), path))
        return cls(points, paths)

    def folders(self, controller: str) -> list[Path]:
        """This process's own group in the hierarchy of ``controller`` and those above it; none where there is none."""
        if controller not in self.points or controller not in self.paths:
            return []
        return list(_upwards(Path(self.points[controller]), self.paths[controller]))


def _places(hierarchies: Hierarchies) -> Iterator[tuple[dict[str, Path], int]]:
    """Folders in which a group may be made, the nearest to this process first."""
    for folder in hierarchies.folders(""):
        with contextlib.suppress(OSError):
            if set(CONTROLLERS) <= set(_read(folder / "cgroup.subtree_control").split()):
                yield dict.fromkeys(CONTROLLERS, folder), 2
    nearest = {name: hierarchies.folders(name)[:1] for name in CONTROLLERS}
    if all(nearest.values()):
        yield {name: folder for name, (folder,) in nearest.items()}, 1


def _upwards(top: Path, path: str) -> Iterator[Path]:
    """This process's own folder where it is in view (in a container it may not be), and those above it."""
    folder = top / path.strip("/")
    if folder.is_dir():
        while folder != top:
            yield folder
            folder = folder.parent
    yield top


def _make_folders(folders: dict[str, Path]) -> bool:
    made: list[Path] = []
    try:
        for folder in sorted(set(folders.values())):
            _sweep(folder.parent)
            folder.mkdir()
            made.append(folder)
            if not os.access(folder / "cgroup.procs", os.W_OK):
                raise PermissionError(folder)
    except OSError:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        return False
    return True


def _sweep(parent: Path) -> None:
    """Remove empty groups of grading processes that were killed."""
    for folder in parent.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii")


def _write(path: Path, value: int) -> None:
    path.write_text(str(value), encoding="ascii")
