"""The zygote: a fork of the nursery that closes a cage around itself and forks a student process per submission.

It obeys a trusted master, one JSON message at a time:

    {"do": "spawn"} + a socket   -> {"pid": n} once the student is locked in, or {"error": text}
    {"do": "end", "grace": s}    -> {"exit": code, "signal": n, "cpu_seconds": s, "peak_bytes": n}

and ends, with its student, when the master does.
"""

from __future__ import annotations

import array
import contextlib
import functools
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable
from typing import Any, NoReturn, Protocol

from autograder.sandbox import policy

MESSAGE_BYTES = 1 << 16


def main(descriptor: int, config: dict[str, Any], shell: Any, problem: str) -> None:
    """Say who it is, build the cage, say so, and serve until the master goes away.

    ``shell`` is what notebooks run in; ``problem`` what kept the nursery from making it.
    """
    control = socket.socket(fileno=descriptor)
    control.send(json.dumps({"zygote": os.getpid()}).encode())
    try:
        if problem:
            raise ImportError(problem)
        zygote = Zygote(control, config, shell)
    except Exception as error:  # noqa: BLE001 - the master turns it into a message for people
        control.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        return
    control.send(json.dumps({"ready": True, "tier": zygote.tier}).encode())
    zygote.serve()


class Cage(Protocol):
    """How a student process is kept apart on this machine: ``Namespaces``, or ``Alone`` where there are none."""

    def enter(self) -> None:
        """In the zygote, once, before the imports."""

    def fork(self) -> int:
        """In the zygote: fork the keeper of a student."""

    def furnish(self, limits: dict[str, Any]) -> None:
        """In the keeper: make what the student may write to."""

    def processes(self, student: int) -> Iterable[int]:
        """In the keeper: all processes of the submission."""

    def scratch(self) -> str | None:
        """In the keeper: a folder whose size must be watched."""

    def lock(self, limits: dict[str, Any], keeper: int) -> None:
        """In the student: close the cage for good."""

    def clear(self) -> None:
        """In the zygote, after the student's end."""


class Zygote:
    """Forks students out of one warm, frozen process."""

    def __init__(self, control: socket.socket, config: dict[str, Any], shell: Any) -> None:
        self._control = control
        self._config = config
        self._shell = shell
        self.tier = "none"
        self._cage = self._enter_cage() if config["isolation"] == "sandbox" else None
        if self._cage is None:
            os.chdir(config["home"])
            os.environ["HOME"] = config["home"]
        self._student = 0

    def _enter_cage(self) -> Cage:
        import pyseccomp  # noqa: F401, PLC0415 - refuses here where there is none

        from autograder.sandbox.landlock import Alone  # noqa: PLC0415
        from autograder.sandbox.namespaces import Namespaces  # noqa: PLC0415

        problem = Namespaces.problem(self._config["root"])
        cage: Cage = Alone(self._config) if problem else Namespaces(self._config)
        try:
            cage.enter()
        except OSError as error:
            raise OSError(f"{problem}; {error}" if problem else str(error)) from error
        self.tier = type(cage).__name__.lower()
        return cage

    # ------------------------------------------------------------------------------- service

    def serve(self) -> None:
        """Obey until end of file."""
        while True:
            message, descriptor = _receive(self._control)
            if message is None:
                break
            reply = self._spawn(message, descriptor) if message["do"] == "spawn" else self._end(message["grace"])
            self._control.send(json.dumps(reply).encode())
        if self._student:
            self._end()

    def _spawn(self, message: dict[str, Any], descriptor: int) -> dict[str, Any]:
        ready, tell = os.pipe()
        try:
            pid = self._fork(message["limits"], descriptor, tell)
        except OSError as error:
            return {"error": f"cannot start a student process: {error}"}
        finally:
            os.close(tell)
            os.close(descriptor)
        self._student = pid
        with os.fdopen(ready, "rb") as pipe:
            problem = pipe.read().decode(errors="replace")
        if problem == "locked":
            return {"pid": pid}
        self._end()
        return {"error": f"cannot lock the student process in: {problem or 'it ended without a word'}"}

    def _fork(self, limits: dict[str, Any], descriptor: int, tell: int) -> int:
        cage = self._cage
        pid = cage.fork() if cage else os.fork()
        if pid == 0:
            work = self._be_uncaged if cage is None else functools.partial(self._be_keeper, cage)
            _run(tell, lambda: work(limits, descriptor, tell))
        return pid

    def _end(self, grace: float = 0.0) -> dict[str, Any]:
        pid, self._student = self._student, 0
        if not pid:
            return {"exit": None, "signal": None, "cpu_seconds": 0.0, "peak_bytes": 0}
        done, status, usage = _wait(pid, grace)
        if not done:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL) if self._cage else os.killpg(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
        if self._cage:
            _wait_for_orphans()
            self._cage.clear()
        code = os.waitstatus_to_exitcode(status)
        return {
            "exit": code if done and code >= 0 else None,
            "signal": -code if done and code < 0 else None,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_bytes": usage.ru_maxrss * (1024 if sys.platform == "linux" else 1),
        }

    # ------------------------------------------------------------------------------ in forks

    def _be_keeper(self, cage: Cage, limits: dict[str, Any], descriptor: int, tell: int) -> None:
        """Furnish the box, fork the student, watch what it uses, end as it ends."""
        from autograder.sandbox import lockdown, syscalls, watch  # noqa: PLC0415

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        syscalls.die_with_parent()
        syscalls.set_dumpable(False)
        lockdown.close_all_but((descriptor, tell))
        cage.furnish(limits)
        lockdown.be_called("ag-keeper")
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            _run(tell, lambda: self._be_caged(cage, limits, descriptor, tell, keeper))
        os.close(tell)
        os.close(descriptor)
        watch.keep(pid, limits, cage.processes, cage.scratch())

    def _be_caged(self, cage: Cage, limits: dict[str, Any], descriptor: int, tell: int, keeper: int) -> None:
        from autograder.sandbox import lockdown  # noqa: PLC0415

        os.setsid()
        lockdown.be_called("ag-student")
        cage.lock(limits, keeper)
        self._be_student(limits, descriptor, tell)

    def _be_uncaged(self, limits: dict[str, Any], descriptor: int, tell: int) -> None:
        from autograder.sandbox import lockdown  # noqa: PLC0415

        os.setsid()
        lockdown.close_all_but((descriptor, tell))
        lockdown.set_limits(limits, others=None)
        self._be_student(limits, descriptor, tell)

    def _be_student(self, limits: dict[str, Any], descriptor: int, tell: int) -> None:
        os.write(tell, b"locked")
        os.close(tell)
        os.dup2(descriptor, 3)
        if descriptor != 3:
            os.close(descriptor)
        from autograder.sandbox.child import serve  # noqa: PLC0415

        serve(3, self._shell, limits["reply_bytes"])


def _wait(pid: int, seconds: float) -> tuple[int, int, Any]:
    """``os.wait4`` for at most ``seconds``; the pid it gives is 0 where the process still lives."""
    deadline = time.monotonic() + seconds
    while True:
        found = os.wait4(pid, os.WNOHANG)
        if found[0] or time.monotonic() >= deadline:
            return found
        time.sleep(0.005)


def _run(tell: int, work: Any) -> NoReturn:
    """Do ``work`` in a fork; never return into the zygote's code."""
    code = 1
    try:
        work()
        code = 0
    except MemoryError:  # outside any call: what the notebook keeps leaves no room to go on
        code = policy.EXIT_MEMORY
    except BaseException as error:  # noqa: BLE001 - told over the pipe, if it is still open
        with contextlib.suppress(OSError):
            os.write(tell, f"{type(error).__name__}: {error}".encode()[:2000])
    os._exit(code)


def _wait_for_orphans() -> None:
    """Wait for the end of a student whose keeper was killed: it is killed with it, and handed to the zygote."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _receive(control: socket.socket) -> tuple[dict[str, Any] | None, int]:
    """A message and the descriptor that came with it (-1 for none); ``None`` at the end of file."""
    data, ancillary, _, _ = control.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(4))
    descriptor = -1
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptor = array.array("i", payload[:4])[0]
    return (json.loads(data) if data else None), descriptor
