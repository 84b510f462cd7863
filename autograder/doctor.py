"""What isolation, devices and versions this machine offers, promise by promise, found by trying."""

from __future__ import annotations

import json
import os
import platform
import secrets
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from autograder.errors import AutograderError
from autograder.model import Limits
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.testing.student import Student

# Each probe is a notebook's own function, called in a real student process.
_PROBES = """
import glob, os, socket

def readable(paths):
    seen = []
    for path in paths:
        try:
            os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
            seen.append(path)
        except OSError:
            pass
    return seen

def environment():
    return sorted(os.environ)

def descriptors():
    return [os.readlink(path) for path in glob.glob("/proc/self/fd/*") if os.path.lexists(path)]

def network(abstract):
    reached = []
    try:
        socket.socket(socket.AF_UNIX).connect("\\0" + abstract)
        reached.append("an abstract socket of this machine")
    except OSError:
        pass
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.socket(family, socket.SOCK_STREAM).connect(("127.0.0.1", 1))
            reached.append(str(family))
        except ConnectionRefusedError:
            reached.append(str(family))
        except OSError:
            pass
    return reached

def writable(paths):
    done = []
    for path in paths:
        try:
            open(os.path.join(path, "autograder-probe"), "w").close()
            done.append(path)
        except OSError:
            pass
    return done

def leave(name):
    for folder in (os.path.expanduser("~"), "/tmp", "/dev/shm"):
        open(os.path.join(folder, name), "w").close()

def left(name):
    return [f for f in (os.path.expanduser("~"), "/tmp", "/dev/shm") if os.path.exists(os.path.join(f, name))]

def limits():
    import resource
    kinds = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CORE")
    return {kind: resource.getrlimit(getattr(resource, kind))[0] for kind in kinds}

def processes():
    return sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit())

def identity():
    status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
    return [os.getuid(), status["CapEff"].strip(), status["NoNewPrivs"].strip(), status["Seccomp"].strip()]
"""


_OUTSIDE = ("/", "/etc", "/run", "/usr", "/usr/lib", "/dev", "/proc/sys/kernel", "/sys/devices/system/cpu")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report: whether a promise holds, and by what means."""

    promise: str
    holds: bool
    means: str


def examine(hidden: tuple[Path, ...] = ()) -> list[Finding]:
    """Try every promise of the sandbox in a real student process."""
    cells = [{"cell_type": "code", "metadata": {}, "source": _PROBES}]
    notebook = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
    try:
        with Sandbox("sandbox", hidden=hidden) as sandbox:
            sandbox.wait_ready()
            first = Session(sandbox, notebook, Limits())
            first.open()
            findings = _ask(Student(first), hidden)
            Student(first).leave("probe")
            first.close()
            second = Session(sandbox, notebook, Limits())
            second.open()
            findings.insert(2, _nothing_left(Student(second)))
            second.close()
    except AutograderError as error:
        return [Finding("the sandbox can be built on this machine", holds=False, means=str(error))]
    return findings


def _ask(student: Student, hidden: tuple[Path, ...]) -> list[Finding]:
    return [
        _private_files(student, hidden),
        _no_network(student),
        _bounded(student),
        _own_processes(student),
        _no_privileges(student),
    ]


def _private_files(student: Student, hidden: tuple[Path, ...]) -> Finding:
    secret = [str(path / name) for path in hidden for name in ("reference", "tests", ".autograder", "submitted")]
    secret += [str(Path.home() / name) for name in (".ssh", ".bashrc", ".profile")]
    secret += ["/etc/shadow", "/etc/hostname", "/etc/machine-id", "/var/lib/dpkg/status", "/var/log/dpkg.log"]
    seen = student.readable(secret)
    means = f"readable: {', '.join(seen)}" if seen else "private root of read-only binds, own uid, empty environment"
    return Finding("1. no hidden test, reference, other submission, secret or home file can be read", not seen, means)


def _no_network(student: Student) -> Finding:
    name = f"autograder-doctor-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        reached = student.network(name)
    kept = "network namespace without devices; seccomp allows AF_UNIX only"
    means = f"reached: {', '.join(reached)}" if reached else kept
    return Finding("2. no network, not even loopback or the host's abstract sockets", not reached, means)


def _nothing_left(student: Student) -> Finding:
    left = student.left("probe") + student.writable([*_OUTSIDE, sys.prefix, str(Path(__file__).parent)])
    means = f"left in {', '.join(left)}" if left else "tmpfs in a mount namespace of its own; all else is read-only"
    return Finding("3. nothing written survives; nothing is shared with the next submission", not left, means)


def _bounded(student: Student) -> Finding:
    limits: dict[str, int] = student.limits()
    asked = Limits()
    most = {"RLIMIT_CPU": asked.cpu_seconds, "RLIMIT_NPROC": asked.processes, "RLIMIT_NOFILE": asked.open_files}
    most |= {"RLIMIT_FSIZE": asked.file_bytes, "RLIMIT_CORE": 0}
    unbounded = sorted(name for name, value in limits.items() if not 0 <= value <= most.get(name, value))
    kept = "rlimits, size-limited tmpfs, memory watchdog, deadlines"
    means = f"unbounded: {', '.join(unbounded)}" if unbounded else kept
    return Finding("4. time, memory, processes, files and output are bounded", not unbounded, means)


def _own_processes(student: Student) -> Finding:
    alone = student.processes() == [1, 2]
    means = "pid namespace; its init is killed" if alone else "other processes are visible"
    return Finding("5. no process survives its submission", alone, means)


def _no_privileges(student: Student) -> Finding:
    uid, capabilities, no_new, seccomp = student.identity()
    holds = uid != 0 and int(capabilities, 16) == 0 and no_new == "1" and seccomp == "2"
    means = f"uid {uid}, no capabilities, no_new_privs, seccomp filter; values only cross the wire"
    return Finding("6. a submission can lower only its own grade", holds, means)


def machine() -> dict[str, str]:
    """Versions and devices, for people."""
    rows: dict[str, Callable[[], str]] = {
        "system": lambda: f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version,
        "torch": lambda: torch.__version__,
        "processors": lambda: str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "cuda": lambda: torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none",
        "tier": _tier,
    }
    return {name: read() for name, read in rows.items()}


def _tier() -> str:
    if platform.system() != "Linux":
        return "none (only --isolation process works here)"
    return "namespaces as root" if os.getuid() == 0 else "namespaces as an ordinary user"
