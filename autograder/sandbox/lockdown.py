"""What every cage does to a student process at the end: another user, limits, fewer system calls. For good."""

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


def tried(work: Callable[[], object]) -> str:
    """What kept ``work`` from being done; empty where nothing did. Tried in a fork, so nothing of it stays."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except OSError as error:
            os.write(tell, str(error).encode())
        finally:
            os._exit(code)
    os.close(tell)
    with os.fdopen(ready, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    return said if status == 0 or said else f"it ended with status {os.waitstatus_to_exitcode(status)}"


def be_called(name: str) -> None:
    """What ``ps`` and ``top`` show of this process: at most 15 characters."""
    with contextlib.suppress(OSError):  # there may be no /proc
        Path("/proc/self/comm").write_text(name, encoding="ascii")


def become_user(uid: int) -> None:
    """As root: go on as an ordinary user that has no other groups and can regain nothing."""
    syscalls.drop_bounding_set()
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def give_up_privileges() -> None:
    """No later gain of rights; the first process to be ended where the machine runs out of memory."""
    os.umask(0o077)
    syscalls.no_new_privileges()
    syscalls.set_dumpable(True)  # its own /proc/self must stay readable to it; nothing else shares its user
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def set_limits(limits: dict[str, Any], *, others: int | None = 0) -> None:
    """Resource limits, also inherited by whatever the student starts.

    ``others``: processes and threads that already run as this user, which the kernel counts as well;
    ``None`` leaves their number unlimited.
    """
    cpu, files = limits["cpu_seconds"], limits["open_files"]
    _limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    _limit(resource.RLIMIT_NOFILE, files, files)
    _limit(resource.RLIMIT_FSIZE, limits["file_bytes"], limits["file_bytes"])
    _limit(resource.RLIMIT_CORE, 0, 0)
    if sys.platform == "linux":
        if others is not None:
            _limit(resource.RLIMIT_NPROC, limits["processes"] + others, limits["processes"] + others)
        _limit(resource.RLIMIT_MEMLOCK, 0, 0)
        if limits.get("address_space", True):  # a GPU's driver takes terabytes of it, and no memory: others count that
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


def load_filter(*, alone: int | None = None) -> None:
    """Refuse the policy's system calls, new namespaces, every socket but a local one, memory that is not counted.

    ``alone`` is this process's id where nothing but this filter keeps it from others: it may then
    start no process, signal none but itself, and make no socket that has an address.
    """
    import pyseccomp as seccomp  # noqa: PLC0415 - not on every platform; loaded early by the zygote

    refuse = seccomp.ERRNO(errno.EPERM)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    _refuse_all(rules, refuse, policy.DENIED_SYSCALLS)
    for number in policy.UNKNOWN_SYSCALLS:
        rules.add_rule(seccomp.ERRNO(errno.ENOSYS), number)
    for bit in range(32):
        flag = policy.CLONE_NEW_FLAGS & (1 << bit)
        if flag:
            rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")  # its flags cannot be read; glibc falls back to clone
    local = 1  # AF_UNIX: data loaders need it
    if alone is None:
        rules.add_rule(refuse, "socket", seccomp.Arg(0, seccomp.NE, local))
    else:
        _refuse_company(rules, refuse, alone)
    rules.add_rule(refuse, "socketpair", seccomp.Arg(0, seccomp.NE, local))
    shared = policy.SHARED_ANONYMOUS
    rules.add_rule(refuse, "mmap", seccomp.Arg(3, seccomp.MASKED_EQ, shared, shared))
    rules.add_rule(refuse, "prlimit64", seccomp.Arg(0, seccomp.NE, 0))  # only its own limits
    rules.load()


def _refuse_company(rules: Any, refuse: int, own: int) -> None:
    import pyseccomp as seccomp  # noqa: PLC0415 - see load_filter

    _refuse_all(rules, refuse, policy.DENIED_ALONE)
    # Landlock does not rule over permissions and times. Copying a file sets both: they stay as they are, in silence.
    _refuse_all(rules, seccomp.ERRNO(0), policy.IGNORED_ALONE)
    thread = policy.CLONE_THREAD
    rules.add_rule(refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, thread, 0))
    for name in policy.OWN_ONLY:
        rules.add_rule(refuse, name, seccomp.Arg(0, seccomp.NE, own))
    for name in policy.ZERO_ONLY:
        rules.add_rule(refuse, name, seccomp.Arg(0, seccomp.NE, 0))
    for command in policy.SET_OWNER:
        rules.add_rule(refuse, "fcntl", seccomp.Arg(1, seccomp.EQ, command))
    for request in policy.SET_OWNER_BY_IOCTL:
        rules.add_rule(refuse, "ioctl", seccomp.Arg(1, seccomp.EQ, request))
    for kind in policy.ADDRESSING_SOCKETS:
        rules.add_rule(refuse, "socketpair", seccomp.Arg(1, seccomp.MASKED_EQ, 0xF, kind))
    parent_death = 1  # PR_SET_PDEATHSIG: it ends with its keeper
    rules.add_rule(refuse, "prctl", seccomp.Arg(0, seccomp.EQ, parent_death))


def _refuse_all(rules: Any, refuse: int, names: Iterable[str]) -> None:
    for name in names:
        try:
            rules.add_rule(refuse, name)
        except (RuntimeError, OSError, ValueError):  # a name that this libseccomp or architecture does not know
            if name in policy.LATE_SYSCALLS:
                rules.add_rule(refuse, policy.LATE_SYSCALLS[name])


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
