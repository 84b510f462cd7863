"""The system calls that Python does not offer, by ctypes. Linux only; the one file that speaks to the kernel."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from typing import Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_REMOUNT: Final = 0x20
MS_BIND: Final = 0x1000
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 0x40000
MNT_DETACH: Final = 0x2

_MOUNT_ATTR_READ_ONLY: Final = 0x1 | 0x2 | 0x4  # RDONLY, NOSUID, NODEV
_AT_RECURSIVE: Final = 0x8000
_AT_FDCWD: Final = -100
_SYS_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41}
_SYS_MOUNT_SETATTR: Final = 442  # the same number on every architecture, Linux 5.12 and newer
_SYS_CAPSET: Final = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3: Final = 0x20080522
# Landlock's calls have one number on every architecture. Rights by the version of the kernel's interface (ABI).
_SYS_LANDLOCK_CREATE, _SYS_LANDLOCK_ADD, _SYS_LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION: Final = 1
_LANDLOCK_PATH_BENEATH: Final = 1
_LANDLOCK_RIGHTS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_LANDLOCK_NETWORK: Final = 0x3  # bind and connect TCP, ABI 4
_LANDLOCK_SCOPES: Final = 0x3  # abstract sockets and signals stay inside, ABI 6

LANDLOCK_EXECUTE: Final = 1 << 0
LANDLOCK_WRITE: Final = 1 << 1
LANDLOCK_READ: Final = 1 << 2
LANDLOCK_LIST: Final = 1 << 3
LANDLOCK_MAKE: Final = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 12  # remove folder, file; make folder, file, link
LANDLOCK_TRUNCATE: Final = 1 << 14
LANDLOCK_CONTROL: Final = 1 << 15  # ioctl on devices, ABI 5
_LANDLOCK_FILE_RIGHTS: Final = LANDLOCK_EXECUTE | LANDLOCK_WRITE | LANDLOCK_READ | LANDLOCK_TRUNCATE | LANDLOCK_CONTROL

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_CHILD_SUBREAPER: Final = 36

_MADV_COLLAPSE: Final = 25  # Linux 6.1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by ``flags`` for new ones."""
    _check(_libc.unshare(ctypes.c_int(flags)), f"unshare({flags:#x})")


def setns(descriptor: int, kind: int) -> None:
    """Enter the namespace behind ``descriptor``."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """``mount(2)``."""
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    _check(result, f"mount {source or kind} on {target}")


def bind_read_only(source: str, target: str) -> None:
    """Show ``source`` and all mounts below it at ``target``, read-only, without devices or set-uid."""
    mount(source, target, flags=MS_BIND | MS_REC)
    attributes = struct.pack("<QQQQ", _MOUNT_ATTR_READ_ONLY, 0, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(target.encode()),
        ctypes.c_uint(_AT_RECURSIVE),
        ctypes.c_char_p(attributes),
        ctypes.c_size_t(len(attributes)),
    )
    _check(result, f"make {target} read-only")


def pivot_root(new_root: str) -> None:
    """Make ``new_root`` the root and let go of the old one entirely."""
    os.chdir(new_root)
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", ctypes.c_int(MNT_DETACH)), "detach the old root")
    os.chdir("/")


def drop_bounding_set() -> None:
    """Give up, while still privileged, every capability that a set-uid program would bring."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            code = ctypes.get_errno()
            if code != errno.EINVAL:  # EINVAL: past the last capability this kernel knows
                raise OSError(code, f"drop capability {capability}: {os.strerror(code)}")
            break


def drop_capabilities() -> None:
    """Give up every capability this process holds."""
    header = struct.pack("<Ii", _CAPABILITY_VERSION_3, 0)
    result = _libc.syscall(ctypes.c_long(_SYS_CAPSET[os.uname().machine]), header, bytes(24))
    _check(result, "capset")


def no_new_privileges() -> None:
    """No later ``exec`` can gain privileges."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")


def set_dumpable(value: bool) -> None:  # noqa: FBT001 - mirrors the kernel's own flag
    """Whether processes of the same user may trace this one and read its memory."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, int(value), 0, 0, 0), "set_dumpable")


def die_with_parent() -> None:
    """Be killed when the parent process ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0), "set_pdeathsig")


def become_subreaper() -> None:
    """Orphaned descendants become children of this process."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "set_child_subreaper")


def collapse(start: int, length: int) -> bool:
    """Put the memory of this process from the address ``start`` on into large pages; whether the kernel did."""
    result: int = _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), ctypes.c_int(_MADV_COLLAPSE))
    return result == 0


def landlock_version() -> int:
    """The version of the kernel's Landlock interface; 0 where it has none."""
    found: int = _libc.syscall(
        ctypes.c_long(_SYS_LANDLOCK_CREATE), None, ctypes.c_size_t(0), ctypes.c_uint(_LANDLOCK_VERSION)
    )
    return max(0, found)


def landlock(rules: Iterable[tuple[str, int]]) -> None:
    """Deny this process and its children every file access but the rights that ``rules`` give below a path.

    Where the kernel can, also TCP, signals to other processes and their abstract sockets. Needs ``no_new_privileges``.
    """
    version = landlock_version()
    every = _LANDLOCK_RIGHTS[min(version, max(_LANDLOCK_RIGHTS))]
    scopes = _LANDLOCK_SCOPES if version >= 6 else 0
    network = _LANDLOCK_NETWORK if version >= 4 else 0
    # An older kernel takes the longer record where what it does not know is zero.
    attributes = struct.pack("<QQQ", every, network, scopes)
    ruleset = _libc.syscall(ctypes.c_long(_SYS_LANDLOCK_CREATE), attributes, ctypes.c_size_t(len(attributes)), 0)
    _check(ruleset, "make a Landlock ruleset")
    for path, rights in rules:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        possible = every if stat.S_ISDIR(os.fstat(place).st_mode) else every & _LANDLOCK_FILE_RIGHTS
        rule = struct.pack("<Qi", rights & possible, place)
        number, kind = ctypes.c_long(_SYS_LANDLOCK_ADD), ctypes.c_int(_LANDLOCK_PATH_BENEATH)
        _check(_libc.syscall(number, ctypes.c_int(ruleset), kind, rule, 0), f"allow {path}")
        os.close(place)
    _check(_libc.syscall(ctypes.c_long(_SYS_LANDLOCK_RESTRICT), ctypes.c_int(ruleset), 0), "restrict by Landlock")
    os.close(ruleset)
