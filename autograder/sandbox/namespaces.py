"""A student's cage where namespaces can be made: a private root, a pid namespace, no network, private scratch space.

``Namespaces.enter`` runs once in the zygote. For each student, ``fork`` makes the keeper, pid 1 of a namespace of its
own, which furnishes the box; the fork of that one locks itself in just before it reads the first student byte.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.sandbox import lockdown, policy, syscalls
from autograder.sandbox.syscalls import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
)


class Namespaces:
    """The cage of a machine that lets this user make namespaces."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._in_user_namespace = os.getuid() != 0
        self._uid: int = policy.STUDENT_UID if self._in_user_namespace else config["uid"]

    @staticmethod
    def problem(root: str) -> str:
        """Why this process cannot make what the cage needs; empty where it can. Tried in a fork, so nothing stays."""

        def work() -> None:
            if os.getuid() != 0:
                uid, gid = os.getuid(), os.getgid()
                syscalls.unshare(CLONE_NEWUSER)
                map_user(0, uid, gid)
            syscalls.unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
            syscalls.mount("", "/", flags=MS_REC | MS_PRIVATE)
            syscalls.mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k")

        return lockdown.tried(work)

    def enter(self) -> None:
        """In the zygote: leave the machine's file system. Raises ``OSError`` where the kernel refuses."""
        if self._in_user_namespace:
            become_namespace_root()
        self._pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        config = self._config
        paths = config["root"], config["shown"], config["hidden"], config["data"]
        devices = (*policy.DEVICES, *config["devices"])
        enter_private_root(*paths, devices, in_user_namespace=self._in_user_namespace)

    def fork(self) -> int:
        """Fork the keeper, pid 1 of a namespace of its own."""
        syscalls.unshare(CLONE_NEWPID)
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid:  # also where the fork failed: another one must be possible
                syscalls.setns(self._pid_namespace, CLONE_NEWPID)
        return pid

    def furnish(self, limits: dict[str, Any]) -> None:
        """In the keeper: the student's own mounts and scratch space."""
        furnish_box(limits["scratch_bytes"], limits["scratch_files"], self._uid, self._config["shown"])

    def processes(self, student: int) -> list[int]:
        """In the keeper: every process of the submission."""
        del student
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and entry != "1"]  # noqa: PTH208 - names

    def scratch(self) -> str | None:
        """A folder whose size must be watched: none, the kernel bounds it."""
        return None

    def lock(self, limits: dict[str, Any], keeper: int) -> None:
        """In the student: drop to its user, no capabilities, limits, no dangerous system call. For good."""
        del keeper
        if self._in_user_namespace:
            syscalls.unshare(CLONE_NEWUSER)
            map_user(self._uid, 0, 0)
            syscalls.drop_bounding_set()
        else:
            lockdown.become_user(self._uid)
        syscalls.drop_capabilities()
        lockdown.set_limits(limits)
        os.chdir(policy.HOME)
        lockdown.give_up_privileges()
        lockdown.load_filter()

    def clear(self) -> None:
        """In the zygote, after a student's end: nothing, its mounts ended with it."""


def map_user(inside: int, outside_uid: int, outside_gid: int) -> None:
    """Name this process's user ``inside`` in the user namespace it has just made."""
    # A process that changed its user is not dumpable, and then /proc/self belongs to root.
    syscalls.set_dumpable(True)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{inside} {outside_uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{inside} {outside_gid} 1", encoding="ascii")


def become_namespace_root() -> None:
    """As an ordinary user: go on as root, and pid 1, of a user and a pid namespace of this process's own.

    The calling process stays behind, waits for the one that goes on, and ends as it ends.
    """
    uid, gid = os.getuid(), os.getgid()
    syscalls.unshare(CLONE_NEWUSER | CLONE_NEWPID)
    map_user(0, uid, gid)
    pid = os.fork()
    if pid:
        os.closerange(3, 65536)
        _, status = os.waitpid(pid, 0)
        os._exit(max(0, os.waitstatus_to_exitcode(status)))
    syscalls.die_with_parent()


def enter_private_root(
    root: str,
    shown: Iterable[str],
    hidden: Iterable[str],
    data: str | None,
    devices: Iterable[str] = policy.DEVICES,
    *,
    in_user_namespace: bool,
) -> None:
    """Leave the machine's file system for one that holds only what students may read.

    Args:
        root: an empty folder to build it on; the mount is seen by this process and its forks alone.
        shown: folders to show read-only at their own paths (interpreter, environment, this package).
        hidden: folders that must not be seen even where a shown folder contains them (the course).
        data: the assignment's data folder, or ``None``.
        devices: files of devices to show.
        in_user_namespace: whether this process is root of a user namespace only.

    Raises ``OSError`` where the kernel refuses.
    """
    syscalls.unshare(CLONE_NEWNS)
    syscalls.mount("", "/", flags=MS_REC | MS_PRIVATE)
    syscalls.mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=0755")
    _make_folders(root, devices)
    for path in sorted({*_system_paths(), *shown, *hidden}, key=lambda p: (p.count("/"), p)):
        if path in set(hidden):
            _hide(root, path)
        else:
            _show(root, path)
    if data is not None:
        _show(root, data, policy.DATA)
    if in_user_namespace:
        # The kernel lets a user namespace mount /proc for a student only where a whole one is in view already.
        syscalls.mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    syscalls.mount("", root, flags=MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_RDONLY)
    syscalls.pivot_root(root)


def _system_paths() -> list[str]:
    return [path for path in (*policy.SYSTEM_FOLDERS, *policy.SYSTEM_FILES) if os.path.lexists(path)]


def _show(root: str, path: str, at: str | None = None) -> None:
    target = root + (at or path)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    if Path(path).is_symlink() and path.count("/") == 1:
        Path(target).symlink_to(Path(path).readlink())
        return
    if not Path(target).exists():
        Path(target).mkdir() if Path(path).is_dir() else Path(target).touch()
    syscalls.bind_read_only(path, target)


def _hide(root: str, path: str) -> None:
    """An empty folder over ``path`` where a shown folder would reveal it; what is shown inside comes later."""
    target = Path(root + path)
    if target.exists():
        syscalls.mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755")


def _make_folders(root: str, devices: Iterable[str]) -> None:
    for folder in ("/proc", policy.TMP, policy.SHARED_MEMORY, "/etc", policy.HOME, policy.SCRATCH, policy.DATA):
        Path(root + folder).mkdir(parents=True, exist_ok=True)
    syscalls.mount("tmpfs", root + policy.TMP, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=1777")
    for device in devices:
        Path(root + device).parent.mkdir(parents=True, exist_ok=True)
        Path(root + device).touch()
        syscalls.mount(device, root + device, flags=MS_BIND)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        Path(f"{root}/dev/{name}").symlink_to(target)
    for path, content in policy.ETC.items():
        Path(root + path).write_text(content.format(uid=policy.STUDENT_UID), encoding="ascii")


def furnish_box(scratch_bytes: int, scratch_files: int, uid: int, shown: Iterable[str]) -> None:
    """As pid 1: own mounts, network (none at all), IPC and host name; private, size-limited scratch space.

    What of ``shown`` lies under ``/tmp`` (an environment made there) stays in view.
    """
    syscalls.unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)
    covered = {path: os.open(path, os.O_PATH) for path in sorted(shown) if path.startswith(policy.TMP + "/")}
    flags = MS_NOSUID | MS_NODEV
    syscalls.mount("proc", "/proc", "proc", flags | MS_NOEXEC)
    syscalls.bind_read_only("/proc/sys", "/proc/sys")  # settings of its own namespaces are open to an ordinary user
    options = f"size={scratch_bytes},nr_inodes={scratch_files},mode=0755"
    syscalls.mount("tmpfs", policy.SCRATCH, "tmpfs", flags, options)
    for name, target in (("home", policy.HOME), ("tmp", policy.TMP), ("shm", policy.SHARED_MEMORY)):
        folder = f"{policy.SCRATCH}/{name}"
        Path(folder).mkdir(mode=0o700)
        if os.getuid() == 0 and uid != os.getuid():
            _give(folder, uid)
        syscalls.mount(folder, target, flags=MS_BIND)
    for path, descriptor in covered.items():
        if not Path(path).exists():  # it may lie inside another one
            Path(path).mkdir(parents=True)
            syscalls.mount(f"/proc/self/fd/{descriptor}", path, flags=MS_BIND | MS_REC)
        os.close(descriptor)
    if any(Path(policy.DATA).iterdir()):
        files = f"{policy.HOME}/files"
        Path(files).mkdir()
        syscalls.bind_read_only(policy.DATA, files)
    syscalls.mount("tmpfs", policy.SCRATCH, "tmpfs", flags | MS_RDONLY, "size=4k")
    import socket  # noqa: PLC0415 - only for the one call

    socket.sethostname(policy.HOSTNAME)


def _give(folder: str, uid: int) -> None:
    try:
        os.chown(folder, uid, uid)
    except OSError as error:  # a user namespace maps one user only: the folder is that user's already
        if error.errno != errno.EINVAL:
            raise
