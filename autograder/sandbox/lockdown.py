"""Applies the policy to the current process: a private root, then a student's cage inside it.

The zygote calls ``enter_private_root`` once. For each student, the zygote's fork calls
``furnish_box`` as init (pid 1 of new namespaces), and the fork of that ``lock`` just before it
reads the first student byte.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from autograder.sandbox import policy, syscalls
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
    root: str, shown: Iterable[str], hidden: Iterable[str], data: str | None, *, in_user_namespace: bool
) -> None:
    """Leave the machine's file system for one that holds only what students may read.

    Args:
        root: an empty folder to build it on; the mount is seen by this process and its forks alone.
        shown: folders to show read-only at their own paths (interpreter, environment, this package).
        hidden: folders that must not be seen even where a shown folder contains them (the course).
        data: the assignment's data folder, or ``None``.
        in_user_namespace: whether this process is root of a user namespace only.

    Raises ``OSError`` where the kernel refuses.
    """
    syscalls.unshare(CLONE_NEWNS)
    syscalls.mount("", "/", flags=MS_REC | MS_PRIVATE)
    syscalls.mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=0755")
    _make_folders(root)
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


def _make_folders(root: str) -> None:
    for folder in ("/proc", policy.TMP, policy.SHARED_MEMORY, "/etc", policy.HOME, policy.SCRATCH, policy.DATA):
        Path(root + folder).mkdir(parents=True, exist_ok=True)
    syscalls.mount("tmpfs", root + policy.TMP, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=1777")
    for device in policy.DEVICES:
        Path(root + device).touch()
        syscalls.mount(device, root + device, flags=MS_BIND)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        Path(f"{root}/dev/{name}").symlink_to(target)
    for path, content in policy.ETC.items():
        Path(root + path).write_text(content.format(uid=policy.STUDENT_UID), encoding="ascii")


# ------------------------------------------------------------------------------- per student


def new_pid_namespace() -> None:
    """The next fork of this process becomes pid 1 of a namespace of its own."""
    syscalls.unshare(CLONE_NEWPID)


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


def lock(limits: dict[str, Any], uid: int, user_namespace: bool) -> None:  # noqa: FBT001 - one call, by keyword
    """As the student process: drop to ``uid``, no capabilities, limits, no dangerous system call. For good."""
    if user_namespace:
        syscalls.unshare(CLONE_NEWUSER)
        map_user(uid, 0, 0)
        syscalls.drop_bounding_set()
    else:
        syscalls.drop_bounding_set()
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    syscalls.drop_capabilities()
    set_limits(limits)
    os.umask(0o077)
    os.chdir(policy.HOME)
    syscalls.no_new_privileges()
    syscalls.set_dumpable(True)  # its own /proc/self must stay readable to it; nothing else shares its user
    # Where the machine runs out of memory, the kernel ends a student process first.
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    load_filter()


def set_limits(limits: dict[str, Any], *, own_user: bool = True) -> None:
    """Resource limits, also inherited by whatever the student starts.

    ``own_user`` says that no other process runs as this user, so that processes can be counted.
    """
    cpu, files = limits["cpu_seconds"], limits["open_files"]
    _limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    _limit(resource.RLIMIT_NOFILE, files, files)
    _limit(resource.RLIMIT_FSIZE, limits["file_bytes"], limits["file_bytes"])
    _limit(resource.RLIMIT_CORE, 0, 0)
    if sys.platform == "linux":
        if own_user:
            _limit(resource.RLIMIT_NPROC, limits["processes"], limits["processes"])
        _limit(resource.RLIMIT_MEMLOCK, 0, 0)
        space = address_space() + limits["memory_bytes"]
        _limit(resource.RLIMIT_AS, space, space)


def _limit(kind: int, soft: int, hard: int) -> None:
    _, most = resource.getrlimit(kind)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))


def address_space() -> int:
    """Bytes of address space in use: the imports' share, on top of which a student's limit counts."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def load_filter() -> None:
    """Refuse the policy's system calls, new namespaces, every socket but a local one, memory that is not counted."""
    import pyseccomp as seccomp  # noqa: PLC0415 - not on every platform; loaded early by the zygote

    refuse = seccomp.ERRNO(errno.EPERM)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in policy.DENIED_SYSCALLS:
        try:
            rules.add_rule(refuse, name)
        except (RuntimeError, OSError, ValueError):  # a name that this libseccomp or architecture does not know
            continue
    for bit in range(32):
        flag = policy.CLONE_NEW_FLAGS & (1 << bit)
        if flag:
            rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags cannot be read; glibc falls back to clone
    local = 1  # AF_UNIX: data loaders need it
    rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.NE, local))
    rules.add_rule(refuse, "socketpair", seccomp.Arg(0, seccomp.NE, local))
    shared = policy.SHARED_ANONYMOUS
    rules.add_rule(refuse, "mmap", seccomp.Arg(3, seccomp.MASKED_EQ, shared, shared))
    rules.add_rule(refuse, "prlimit64", seccomp.Arg(0, seccomp.NE, 0))  # only its own limits
    rules.load()


def holds_more_than(most: int) -> bool:
    """Whether the processes of this pid namespace but the init hold more than ``most`` bytes.

    A page that several of them share after a fork counts once. Finding that out takes long, so it is
    asked only where the quick count, which takes such a page several times, is above ``most``.
    """
    return _sum_over_processes(_quick_count) > most and _sum_over_processes(_proportional_count) > most


def _sum_over_processes(count: Callable[[str], int]) -> int:
    total = 0
    for entry in os.listdir("/proc"):  # noqa: PTH208 - names, ten times a second
        if entry.isdigit() and entry != "1":
            with contextlib.suppress(OSError):  # it has just ended
                total += count(f"/proc/{entry}")
    return total


def _quick_count(process: str) -> int:
    resident, shared = Path(f"{process}/statm").read_text(encoding="ascii").split()[1:3]
    return (int(resident) - int(shared)) * resource.getpagesize()


def _proportional_count(process: str) -> int:
    lines = Path(f"{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss_Anon:"))


def close_all_but(keep: Iterable[int]) -> None:
    """Close every descriptor except ``keep`` (and standard streams, which go to /dev/null)."""
    null = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    low = 3
    for descriptor in sorted(keep):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, 65536)
