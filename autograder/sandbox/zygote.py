"""The zygote: a clean program that pays for the imports once and forks a student process per submission.

It holds no test, no reference, no seed and no descriptor but its control socket, and it computes
nothing: a process that has run a torch operation on more than one thread must not fork. It obeys a
trusted master, one JSON message at a time:

    {"do": "spawn"} + a socket   -> {"pid": n} once the student is locked in, or {"error": text}
    {"do": "end", "grace": s}    -> {"exit": code, "signal": n, "cpu_seconds": s, "peak_bytes": n}

and ends, with its student, when the master does.
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from autograder.sandbox import policy

MESSAGE_BYTES = 1 << 16


def main(descriptor: int, config: dict[str, Any]) -> None:
    """Build the cage, import, say so, and serve until the master goes away."""
    control = socket.socket(fileno=descriptor)
    try:
        zygote = Zygote(control, config)
    except Exception as error:  # noqa: BLE001 - the master turns it into a message for people
        control.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        return
    control.send(json.dumps({"ready": True}).encode())
    zygote.serve()


class Zygote:
    """Forks students out of one warm, frozen process."""

    def __init__(self, control: socket.socket, config: dict[str, Any]) -> None:
        self._control = control
        self._config = config
        self._caged: bool = config["isolation"] == "sandbox"
        self._user_namespace = os.getuid() != 0
        self._uid: int = policy.STUDENT_UID if self._user_namespace else config["uid"]
        self._home = config["home"]
        if self._caged:
            self._enter_cage()
        else:
            os.chdir(self._home)
        self._import_everything()
        self._student = 0

    def _enter_cage(self) -> None:
        import pyseccomp  # noqa: F401, PLC0415 - finds libseccomp while the whole system is still in view

        from autograder.sandbox import lockdown, syscalls  # noqa: PLC0415 - Linux only

        syscalls.die_with_parent()
        if self._user_namespace:
            lockdown.become_namespace_root()
        self._pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        config = self._config
        paths = config["root"], config["shown"], config["hidden"], config["data"]
        lockdown.enter_private_root(*paths, in_user_namespace=self._user_namespace)

    def _import_everything(self) -> None:
        for name in policy.PRELOADED:
            importlib.import_module(name)
        import torch  # noqa: PLC0415 - only after the cage is closed

        from autograder.sandbox.shell import make_shell  # noqa: PLC0415

        torch.set_num_threads(1)
        self._shell = make_shell()
        forget = self._config["forget_path"]
        sys.path[:] = [path for path in sys.path if path != forget]
        gc.collect()
        gc.freeze()

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
            pid = self._fork_init(message["limits"], descriptor, tell)
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

    def _fork_init(self, limits: dict[str, Any], descriptor: int, tell: int) -> int:
        if self._caged:
            from autograder.sandbox import lockdown, syscalls  # noqa: PLC0415

            lockdown.new_pid_namespace()
            try:
                pid = os.fork()
                if pid == 0:
                    _run(tell, lambda: self._be_init(limits, descriptor, tell))
            finally:
                syscalls.setns(self._pid_namespace, syscalls.CLONE_NEWPID)
            return pid
        pid = os.fork()
        if pid == 0:
            _run(tell, lambda: self._be_uncaged(limits, descriptor, tell))
        return pid

    def _end(self, grace: float = 0.0) -> dict[str, Any]:
        pid, self._student = self._student, 0
        if not pid:
            return {"exit": None, "signal": None, "cpu_seconds": 0.0, "peak_bytes": 0}
        done, status, usage = _wait(pid, grace)
        if not done:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL) if self._caged else os.killpg(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        return {
            "exit": code if done and code >= 0 else None,
            "signal": -code if done and code < 0 else None,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_bytes": usage.ru_maxrss * (1024 if sys.platform == "linux" else 1),
        }

    # ------------------------------------------------------------------------------ in forks

    def _be_init(self, limits: dict[str, Any], descriptor: int, tell: int) -> None:
        """Pid 1: furnish the box, fork the student, watch its memory, end as it ends."""
        from autograder.sandbox import lockdown, syscalls  # noqa: PLC0415

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        syscalls.die_with_parent()
        syscalls.set_dumpable(False)
        lockdown.close_all_but((descriptor, tell))
        shown = self._config["shown"]
        lockdown.furnish_box(limits["scratch_bytes"], limits["scratch_files"], self._uid, shown)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            _run(tell, lambda: self._be_caged(limits, descriptor, tell))
        os.close(tell)
        os.close(descriptor)
        _watch(pid, limits["memory_bytes"])

    def _be_caged(self, limits: dict[str, Any], descriptor: int, tell: int) -> None:
        from autograder.sandbox import lockdown  # noqa: PLC0415

        os.setsid()
        lockdown.lock(limits, self._uid, self._user_namespace)
        self._be_student(limits, descriptor, tell)

    def _be_uncaged(self, limits: dict[str, Any], descriptor: int, tell: int) -> None:
        from autograder.sandbox import lockdown  # noqa: PLC0415

        os.setsid()
        lockdown.close_all_but((descriptor, tell))
        lockdown.set_limits(limits, own_user=False)
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


def _watch(pid: int, memory_bytes: int) -> NoReturn:
    """As init: reap everything; end as the student ends, or with ``EXIT_MEMORY`` when it holds too much."""
    from autograder.sandbox import lockdown  # noqa: PLC0415

    while True:
        signal.sigtimedwait({signal.SIGCHLD}, policy.WATCHDOG_SECONDS)
        while True:
            try:
                done, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                os._exit(1)
            if done == pid:
                code = os.waitstatus_to_exitcode(status)
                os._exit(code if code >= 0 else 128 - code)
            if not done:
                break
        if lockdown.holds_more_than(memory_bytes):
            os._exit(policy.EXIT_MEMORY)


def _receive(control: socket.socket) -> tuple[dict[str, Any] | None, int]:
    """A message and the descriptor that came with it (-1 for none); ``None`` at the end of file."""
    data, ancillary, _, _ = control.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(4))
    descriptor = -1
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptor = array.array("i", payload[:4])[0]
    return (json.loads(data) if data else None), descriptor
