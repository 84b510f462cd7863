"""Runs notebooks in a sandbox of each tier, whoever runs the tests: as root, and as an ordinary user.

This file is also the program that does it, in a process of its own. It reads one JSON request per line

    {"cells": [source, ...], "calls": [[name, argument, ...], ...], "limits": {...}}

and answers with how the cells ran and what each call gave: ``{"value": ...}`` or ``{"verdict": ..., "message": ...}``.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ORDINARY_UID = 61998

# In a mount namespace of its own, a machine that anyone can use wherever the checkout lies.
_ON_ANOTHER_MACHINE = """
set -e
mount -t tmpfs -o mode=0755 tmpfs /mnt
mkdir -p /mnt/python /mnt/site-packages /mnt/project /mnt/venv/bin /mnt/venv/lib/$1/site-packages /mnt/tmp
mount --rbind "$2" /mnt/python
mount --rbind "$3" /mnt/site-packages
mount --rbind "$4" /mnt/project
printf 'home = /mnt/python/bin\\n' > /mnt/venv/pyvenv.cfg
printf '/mnt/site-packages\\n/mnt/project\\n' > /mnt/venv/lib/$1/site-packages/paths.pth
ln -s /mnt/python/bin/$1 /mnt/venv/bin/python
chmod 1777 /mnt/tmp
program=/mnt/project/tests/toolkit/$5
argument=$6
shift 6
TMPDIR=/mnt/tmp exec "$@" /mnt/venv/bin/python "$program" $argument
"""

# A filter that refuses what makes a user namespace, as many machines do for ordinary users.
_FORBID_NAMESPACES = """
import errno, os, sys
import pyseccomp as seccomp
rules = seccomp.SyscallFilter(seccomp.ALLOW)
rules.add_rule(seccomp.ERRNO(errno.EPERM), "unshare", seccomp.Arg(0, seccomp.MASKED_EQ, 0x10000000, 0x10000000))
if "no-landlock" in sys.argv[1]:
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "landlock_create_ruleset")
rules.load()
os.execvp(sys.argv[2], sys.argv[2:])
"""
_SETPRIV = ("setpriv", "--reuid", str(ORDINARY_UID), "--regid", str(ORDINARY_UID), "--clear-groups")
# root, as a container without privileges has it
_CONTAINER = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all")

# The kinds of host: who runs the grader, and whether it can make namespaces.
ROOMY_TIERS = ("root", "user")
LONELY_TIERS = ("container", "plain")
TIERS = (*ROOMY_TIERS, *LONELY_TIERS)


def command(tier: str, program: str, argument: str = "") -> list[str]:
    """How to run ``program`` of this folder on a kind of host; skips where the tests' own user cannot make one.

    ``root`` and an ordinary ``user`` can make namespaces; root of a ``container`` and a ``plain`` user
    cannot; the user of a ``bare`` machine has no Landlock either.
    """
    path = str(ROOT / "tests" / "toolkit" / program)
    if os.getuid() != 0:
        if tier in ("root", "container"):
            pytest.skip("needs root")
        return [*_forbidding(tier), sys.executable, path, *argument.split()]
    if tier == "root":
        return [sys.executable, path, *argument.split()]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [version, sys.base_prefix, sysconfig.get_path("purelib"), str(ROOT), program, argument]
    become = list(_CONTAINER) if tier == "container" else [*_forbidding(tier), *_SETPRIV]
    mount = ["unshare", "--mount", "--propagation", "private"]
    return [*mount, "sh", "-c", _ON_ANOTHER_MACHINE, "sh", *places, *become]


def _forbidding(tier: str) -> list[str]:
    if tier not in ("plain", "bare"):
        return []
    return [sys.executable, "-c", _FORBID_NAMESPACES, "no-landlock" if tier == "bare" else "no-namespaces"]


class Host:
    """A process that owns a sandbox. A context manager."""

    def __init__(self, tier: str) -> None:
        self.tier = tier
        self.canary = secrets.token_hex(16)
        environment = {"PATH": "/usr/bin:/bin", "CANARY": self.canary, "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command(tier, "hosts.py"), stdin=pipe, stdout=pipe, env=environment, text=True, cwd="/"
        )
        self.facts: dict[str, Any] = self._hear()

    def run(self, *cells: str, calls: tuple[Any, ...] = (), **limits: Any) -> dict[str, Any]:
        """What became of a notebook of ``cells`` and of ``calls`` on its functions."""
        assert self.process.stdin is not None
        request = {"cells": cells, "calls": [[c] if isinstance(c, str) else list(c) for c in calls], "limits": limits}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._hear()

    def call(self, source: str, name: str = "probe", *args: Any, **limits: Any) -> Any:
        """The value of one call on a notebook of one cell."""
        outcome = self.run(source, calls=((name, *args),), **limits)
        assert "value" in outcome["calls"][0], outcome
        return outcome["calls"][0]["value"]

    def verdict(self, source: str, *, name: str = "probe", **limits: Any) -> str:
        """The verdict that one call on a notebook of one cell earns."""
        outcome = self.run(source, calls=(name,), **limits)
        verdict: str = (outcome["calls"][0] if outcome["calls"] else outcome).get("verdict", "passed")
        return verdict

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the {self.tier} host ended with {self.process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def state_of(self, paths: list[str]) -> list[list[Any]]:
        """Mode, owner, time of change and content of files, as the host sees them."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"state_of": paths}) + "\n")
        self.process.stdin.flush()
        return self._hear()["state"]  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the host and its sandbox."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def notebook(*cells: str) -> bytes:
    """A notebook file of code cells."""
    listed = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": listed}).encode()


# --------------------------------------------------------------------------- in the host's process


def _main() -> None:
    from autograder.sandbox.process import Sandbox

    folder = Path(tempfile.mkdtemp(prefix="host-"))
    secret = _lay_out_secrets(folder, "canary:" + os.environ["CANARY"])
    os.environ["HOME"] = str(folder / "home")
    with Sandbox("sandbox", hidden=(folder / "course",)) as sandbox:
        sandbox.wait_ready()
        _say({"uid": os.getuid(), "pid": os.getpid(), "files": secret, "folder": str(folder)})
        for line in sys.stdin:
            request = json.loads(line)
            _say({"state": _state_of(request["state_of"])} if "state_of" in request else _serve(sandbox, request))


def _lay_out_secrets(folder: Path, text: str) -> list[str]:
    """Files as a course and a home hold them, all readable to whoever can reach them."""
    names = (
        "course/reference/topic.py", "course/tests/hidden/test_topic.py", "course/.autograder/seed",
        "course/submitted/ada/topic/topic.ipynb", "course/results/topic/ada.json", "home/.ssh/id_ed25519",
    )  # fmt: skip
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="ascii")
    # An open file that no path leads to, and one that a careless exec would hand on.
    unlinked = os.open(folder / "unlinked", os.O_RDWR | os.O_CREAT)
    os.write(unlinked, text.encode())
    (folder / "unlinked").unlink()
    os.set_inheritable(unlinked, True)
    return [str(folder / name) for name in names]


def _state_of(paths: list[str]) -> list[list[Any]]:
    found = [(Path(path).stat(), Path(path).read_text(encoding="ascii")) for path in paths]
    return [[status.st_mode, status.st_uid, status.st_mtime_ns, text] for status, text in found]


def _serve(sandbox: Any, request: dict[str, Any]) -> dict[str, Any]:
    from autograder.errors import StudentFault
    from autograder.model import Limits
    from autograder.sandbox.session import Session
    from autograder.testing.student import Student

    session = Session(sandbox, notebook(*request["cells"]), Limits(**request["limits"]))
    try:
        session.open()
        calls = [_call(session, Student(session), call) for call in request["calls"]]
        return {"cells": [[cell.status, cell.message] for cell in session.cells], "calls": calls}
    except StudentFault as fault:
        return {"verdict": fault.verdict, "message": fault.message, "cells": [], "calls": []}
    finally:
        session.close()


def _call(session: Any, student: Any, call: list[Any]) -> dict[str, Any]:
    from autograder.errors import StudentFault

    name, *args = call
    try:
        session.revive()
        value = getattr(student, name)(*args)
    except StudentFault as fault:
        return {"verdict": fault.verdict, "message": fault.message}
    return {"value": value}


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if os.environ.get("PYTHONPATH") is None and str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    _main()
