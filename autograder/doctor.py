"""What isolation, devices and versions this machine offers, promise by promise, found by trying."""

from __future__ import annotations

import json
import os
import platform
import secrets
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from autograder.errors import AutograderError
from autograder.gpu import find, problem_without_asking
from autograder.health import reached
from autograder.model import Limits
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.testing.student import Student
from autograder.text import clean

# Each probe is a notebook's own function, called in a real student process.
_PROBES = """
import ctypes, glob, os, socket, tempfile

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

def writable(paths, name="autograder-probe"):
    done = []
    for path in paths:
        try:
            open(os.path.join(path, name), "w").close()
            done.append(path)
        except OSError:
            pass
    return done

FOLDERS = {os.path.expanduser("~"), os.getcwd(), tempfile.gettempdir(), "/tmp", "/dev/shm"}

def leave(name):
    return writable(sorted(FOLDERS), name)

def left(name):
    return [folder for folder in sorted(FOLDERS) if os.path.exists(os.path.join(folder, name))]

def limits():
    import resource
    kinds = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CORE")
    return {kind: resource.getrlimit(getattr(resource, kind))[0] for kind in kinds}

def processes():
    try:
        return sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    except PermissionError:
        return []

def starts_another():
    try:
        if os.fork() == 0:
            os._exit(0)
    except PermissionError:
        return False
    os.wait()
    return True

def identity():
    libc = ctypes.CDLL(None)
    header, powers = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, powers)
    return [os.getuid(), sum(powers), libc.prctl(39, 0, 0, 0, 0), libc.prctl(21, 0, 0, 0, 0)]
"""


_OUTSIDE = ("/", "/etc", "/run", "/usr", "/usr/lib", "/dev", "/proc/sys/kernel", "/sys/devices/system/cpu")


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report: whether a promise holds, and by what means."""

    promise: str
    holds: bool
    means: str


@dataclass(frozen=True)
class Examination:
    """What was found. ``tier``: how students are kept apart here; empty where they cannot be."""

    findings: list[Finding]
    tier: str


def examine(hidden: tuple[Path, ...] = ()) -> Examination:
    """Try every promise of the sandbox in a real student process."""
    cells = [{"cell_type": "code", "metadata": {}, "source": _PROBES}]
    notebook = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
    try:
        with Sandbox("sandbox", hidden=hidden) as sandbox:
            sandbox.wait_ready()
            first = Session(sandbox, notebook, Limits())
            first.open()
            findings = _ask(Student(first), hidden, sandbox.tier, sandbox.accounting)
            Student(first).leave("probe")
            first.close()
            second = Session(sandbox, notebook, Limits())
            second.open()
            findings.insert(2, _nothing_left(Student(second), sandbox.tier))
            second.close()
    except AutograderError as error:
        return Examination([Finding("the sandbox can be built on this machine", holds=False, means=str(error))], "")
    card = find()
    if card is not None:
        holds, means = reached(card, hidden)
        findings.append(Finding("on a GPU: a student process has that card and no other device", holds, means))
    return Examination(findings, sandbox.tier)


# By what means each promise is kept, by tier.
_MEANS = {
    "namespaces": {
        1: "private root of read-only binds, own uid, empty environment",
        2: "network namespace without devices; seccomp allows AF_UNIX only",
        3: "tmpfs in a mount namespace of its own; all else is read-only",
        4: "rlimits, size-limited tmpfs, deadlines, watchdog of memory and processor time",
        5: "pid namespace; its init is killed",
    },
    "alone": {
        1: "Landlock allow-list, no /proc, empty environment",
        2: "seccomp allows no socket but a pair",
        3: "Landlock allows one folder, which is removed after each submission",
        4: "rlimits, deadlines, watchdog of memory, processor time and files",
        5: "seccomp: it can start no process; it is killed with its keeper",
    },
}


def _ask(student: Student, hidden: tuple[Path, ...], tier: str, accounting: str) -> list[Finding]:
    return [
        _private_files(student, hidden, tier),
        _no_network(student, tier),
        _bounded(student, tier, accounting),
        _own_processes(student, tier),
        _no_privileges(student, tier),
    ]


def _private_files(student: Student, hidden: tuple[Path, ...], tier: str) -> Finding:
    secret = [str(path / name) for path in hidden for name in ("reference", "tests", ".autograder", "submitted")]
    secret += [str(Path.home() / name) for name in (".ssh", ".bashrc", ".profile")]
    secret += ["/etc/shadow", "/etc/hostname", "/etc/machine-id", "/var/lib/dpkg/status", "/var/log/dpkg.log"]
    secret += [f"/proc/{os.getpid()}/environ", f"/proc/{os.getpid()}/mem"]
    seen = student.readable(secret)
    means = f"readable: {', '.join(seen)}" if seen else _MEANS[tier][1]
    return Finding("1. no hidden test, reference, other submission, secret or home file can be read", not seen, means)


def _no_network(student: Student, tier: str) -> Finding:
    name = f"autograder-doctor-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        reached = student.network(name)
    means = f"reached: {', '.join(reached)}" if reached else _MEANS[tier][2]
    return Finding("2. no network, not even loopback or the host's abstract sockets", not reached, means)


def _nothing_left(student: Student, tier: str) -> Finding:
    left = student.left("probe") + student.writable([*_OUTSIDE, sys.prefix, str(Path(__file__).parent)])
    means = f"left in {', '.join(left)}" if left else _MEANS[tier][3]
    return Finding("3. nothing written survives; nothing is shared with the next submission", not left, means)


def _bounded(student: Student, tier: str, accounting: str) -> Finding:
    counted = "" if accounting == "watchdog" else f"; {accounting} counts memory and processes"
    limits: dict[str, int] = student.limits()
    asked = Limits()
    most = {"RLIMIT_CPU": asked.cpu_seconds, "RLIMIT_NOFILE": asked.open_files, "RLIMIT_FSIZE": asked.file_bytes}
    most |= {"RLIMIT_CORE": 0} | ({"RLIMIT_NPROC": asked.processes} if tier == "namespaces" else {})
    unbounded = sorted(name for name, value in limits.items() if not 0 <= value <= most.get(name, value))
    means = f"unbounded: {', '.join(unbounded)}" if unbounded else f"{_MEANS[tier][4]}{counted}"
    return Finding("4. time, memory, processes, files and output are bounded", not unbounded, means)


def _own_processes(student: Student, tier: str) -> Finding:
    alone = student.processes() == [1, 2] if tier == "namespaces" else not student.starts_another()
    means = _MEANS[tier][5] if alone else "it sees, or starts, processes of the machine"
    return Finding("5. no process survives its submission", alone, means)


def _no_privileges(student: Student, tier: str) -> Finding:
    uid, powers, no_new, seccomp = student.identity()
    apart = uid != os.getuid() or tier == "alone"
    holds = uid != 0 and apart and powers == 0 and no_new == 1 and seccomp == 2
    own = "" if uid != os.getuid() else ", which is yours: it may signal and touch nothing"
    means = f"uid {uid}{own}; no capabilities, no_new_privs, seccomp filter; values only cross the wire"
    return Finding("6. a submission can lower only its own grade", holds, means)


def machine(tier: str) -> dict[str, str]:
    """Versions and devices, for people; ``tier`` as in ``Examination``."""
    rows: dict[str, Callable[[], str]] = {
        "system": lambda: f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version,
        "torch": lambda: torch.__version__,
        "processors": lambda: str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "cuda": _cuda,
        "container": container,
        "cage": lambda: _cage(tier),
    }
    return {name: read() for name, read in rows.items()}


def container(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> str:
    """Which kind of container this is, by the marks that they leave for the programs inside; ``none seen`` of none."""
    marks = {".dockerenv": "Docker", "run/.containerenv": "Podman"}
    kinds = [kind for mark, kind in marks.items() if (root / mark).exists()]
    if "KUBERNETES_SERVICE_HOST" in environment:
        kinds.append("Kubernetes")
    if environment.get("container"):
        kinds.append(clean(environment["container"], 40))
    return f"yes: {', '.join(kinds)}" if kinds else "none seen"


def _cuda() -> str:
    card = find()
    if card is None:
        return f"none ({problem_without_asking() or 'torch finds no GPU that it can use'})"
    return f"{card.name}, {card.memory_bytes >> 30} GiB, CUDA {card.cuda}"


def _cage(tier: str) -> str:
    """How students are kept apart here, in words."""
    who = "root" if os.getuid() == 0 else "an ordinary user"
    if tier == "namespaces":
        return f"namespaces, as {who}"
    if tier == "alone":
        return f"Landlock and seccomp without namespaces, as {who}: notebooks can start no process of their own"
    return "none (only --isolation process works here)"
