"""The grading process's side of the sandbox: starts a zygote, starts students, keeps deadlines, kills.

Nothing read from a student's socket is trusted: frames are bounded before memory is taken, must
answer the one open request, and hold values only.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

import autograder
from autograder.errors import GraderError, IsolationError, ProcessDied
from autograder.gpu import Gpu
from autograder.model import Limits, Verdict
from autograder.sandbox import cgroups, policy
from autograder.sandbox.launch import START_SECONDS, ZygoteProcess
from autograder.sandbox.places import Place
from autograder.sandbox.wire import HEADER, MAGIC, REQUEST_BOUNDS, Bounds, WireError, decode, encode

Isolation = Literal["sandbox", "process"]

SPAWN_SECONDS = 30.0
_CHUNK = 1 << 16
_KEEPER_BYTES = 64 << 20
_STATUSES = ("ok", "error", "missing", "unusable", "invalid", "timeout")  # another one is no answer


@dataclass(frozen=True)
class Ending:
    """How a student process ended: ``exit`` and ``signal`` are ``None`` where it was killed by us."""

    exit: int | None
    signal: int | None
    cpu_seconds: float
    peak_bytes: int


class Sandbox:
    """One zygote. Starts one student process at a time; a context manager.

    Args:
        isolation: ``sandbox`` keeps all six promises or raises ``IsolationError``; ``process`` only
            separates memory, for trusted code.
        hidden: folders that no student may see, whatever contains them (the course).
        data: the assignment's data folder, shown read-only as ``files``; ``None`` for none.
        gpu: the card that students may use; ``None`` for the CPU alone.
    """

    def __init__(
        self,
        isolation: Isolation = "sandbox",
        hidden: tuple[Path, ...] = (),
        data: Path | None = None,
        gpu: Gpu | None = None,
    ) -> None:
        self.isolation = isolation
        self.gpu = gpu
        self._place = Place()
        self._root = self._place.path
        self._group = cgroups.make() if isolation == "sandbox" else None
        config = self._config(hidden, data if data is not None and data.is_dir() else None)
        self._zygote = ZygoteProcess(config)
        self._ready = False
        self.tier = ""  # how students are kept apart, once ready: namespaces, alone, none

    def _config(self, hidden: tuple[Path, ...], data: Path | None) -> dict[str, Any]:
        package = Path(autograder.__file__).resolve().parent
        prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(sys.executable).resolve().parents[1])}
        libraries = {path for path in sys.path if path.endswith("-packages") and Path(path).is_dir()}
        paths = prefixes | libraries | {str(package)}
        shown = paths | {os.path.realpath(path) for path in paths}
        if self.gpu is not None:  # what lies in /proc is in view with it
            shown |= {path for path in policy.GPU_FILES if path.startswith("/sys") and Path(path).exists()}
        return {
            "isolation": self.isolation,
            "root": self._root,
            "home": self._root,
            "uid": policy.FIRST_UID + os.getpid() % 4000,  # apart from another grading run's students
            "shown": sorted(path for path in shown if not path.startswith("/usr")),
            "hidden": sorted(str(path.resolve()) for path in hidden),
            "data": str(data.resolve()) if data is not None and self.isolation == "sandbox" else None,
            "entrances": self._group.entrances if self._group is not None else [],
            "devices": list(self.gpu.devices) if self.gpu else [],
            "environment": {"CUDA_VISIBLE_DEVICES": self.gpu.visible} if self.gpu else {},
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the zygote is still there."""
        return self._zygote.alive

    def wait_ready(self) -> None:
        """Wait until the zygote has built its cage and imported; raises ``IsolationError`` where it cannot."""
        if self._ready:
            return
        answer = self._zygote.hear(START_SECONDS)
        if "error" in answer:
            raise IsolationError(
                f"this machine cannot keep the sandbox's promises: {answer['error']}. "
                "Run 'autograder doctor' to see which; for code you trust, lower it by name: --isolation process"
            )
        self.tier = answer["tier"]
        self._ready = True

    @property
    def accounting(self) -> str:
        """Who counts a submission's memory and processes: ``cgroup v2``, ``cgroup v1`` or ``watchdog``."""
        return self._group.kind if self._group else "watchdog"

    def kills(self) -> int:
        """How many processes the kernel has ended in this sandbox for want of memory."""
        return self._group.kills() if self._group else 0

    def start(self, limits: Limits) -> StudentProcess:
        """A fresh student process, locked in, that has not read a byte yet."""
        self.wait_ready()
        if self._group is not None:
            # What is in the scratch space is memory as well; the keeper and its kernel structures need a little.
            self._group.bound(limits.memory_bytes + limits.scratch_bytes + _KEEPER_BYTES, limits.processes + 1)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                bounds = msgspec.to_builtins(limits) | {"address_space": self.gpu is None}
                self._zygote.tell({"do": "spawn", "limits": bounds}, theirs)
                answer = self._zygote.hear(SPAWN_SECONDS)
            if "error" in answer:
                raise GraderError(str(answer["error"]))
        except OSError as error:
            ours.close()
            raise GraderError(f"the sandbox's zygote is gone: {error}; {self._zygote.last_words()}") from error
        except GraderError:
            ours.close()
            raise
        return StudentProcess(self, ours, limits)

    def end_student(self, *, ended: bool = False) -> Ending:
        """Kill the student process and everything it started, and say how it had ended.

        ``ended`` grants a process whose socket closed a moment to be found dead: its socket closes first.
        """
        self._zygote.tell({"do": "end", "grace": policy.GRACE_SECONDS if ended else 0.0})
        answer = self._zygote.hear(SPAWN_SECONDS)
        return Ending(answer["exit"], answer["signal"], answer["cpu_seconds"], answer["peak_bytes"])

    def close(self) -> None:
        """End the zygote and its student; idempotent."""
        self._zygote.close()
        if self._group is not None:
            self._group.close()
        self._place.close()


class StudentProcess:
    """One student process: one request at a time, each with a deadline."""

    def __init__(self, sandbox: Sandbox, connection: socket.socket, limits: Limits) -> None:
        self._sandbox = sandbox
        self._socket = connection
        self._limits = limits
        self._kills = sandbox.kills()
        self._bounds = Bounds(total_bytes=limits.reply_bytes)
        self.alive = True

    def request(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The reply to ``message`` within ``seconds`` of wall time; raises like ``exchange``."""
        return self.read(self.exchange(encode(message, REQUEST_BOUNDS), seconds))

    def exchange(self, body: bytes, seconds: float) -> bytes:
        """The bytes that come back for the request ``body`` within ``seconds`` of wall time.

        Raises ``ProcessDied`` with the verdict where none do; the process is gone then, and
        everything it had started with it.
        """
        deadline = time.monotonic() + seconds
        number = secrets.randbits(63)
        try:
            self._send(HEADER.pack(MAGIC, number, len(body)) + body, deadline)
            return self._reply(number, deadline)
        except WireError as error:
            raise self._broken(error) from error
        except TimeoutError as error:
            self.kill()
            raise ProcessDied(Verdict.TIMEOUT, f"no answer within {seconds:g} s") from error
        except (ConnectionError, EOFError) as error:
            raise self._post_mortem(self.kill(ended=True)) from error

    def read(self, answer: bytes) -> dict[str, Any]:
        """The reply that ``answer`` holds; where it holds none, the process is ended and ``ProcessDied`` raised."""
        try:
            reply = decode(answer, self._bounds)
            if not isinstance(reply, dict) or type(status := reply.get("status")) is not str or status not in _STATUSES:
                raise WireError("a frame that is no reply")
        except WireError as error:
            raise self._broken(error) from error
        return reply

    def _broken(self, error: WireError) -> ProcessDied:
        self.kill()
        said = "the notebook's process broke the protocol"
        return ProcessDied(Verdict.PROTOCOL, f"{said}: {error}", said)

    def _post_mortem(self, ending: Ending) -> ProcessDied:
        limits, caged = self._limits, self._sandbox.isolation == "sandbox"
        code = ending.exit if ending.exit is not None else -(ending.signal or 0)
        number = code - 128 if code > 128 else -code if code < 0 else 0
        starved = number == signal.SIGKILL and self._sandbox.kills() > self._kills
        if starved or (caged and code == policy.EXIT_MEMORY):
            return ProcessDied(Verdict.MEMORY, f"it used more than {limits.memory_bytes >> 20} MiB of memory")
        if caged and code == policy.EXIT_SCRATCH:
            most = f"{limits.scratch_bytes >> 20} MiB or {limits.scratch_files} files"
            return ProcessDied(Verdict.CRASHED, f"it left more than {most}")
        if self._sandbox.gpu is not None and code == policy.EXIT_DEVICE:
            return ProcessDied(Verdict.CRASHED, "the GPU reported a fault in this call, such as an index out of range")
        spent = number == signal.SIGKILL and ending.cpu_seconds >= limits.cpu_seconds
        if spent or number == signal.SIGXCPU or (caged and code == policy.EXIT_CPU):
            return ProcessDied(Verdict.TIMEOUT, f"it used more than {limits.cpu_seconds} s of processor time")
        if number:
            said = "the notebook's process was ended by a signal"
            return ProcessDied(Verdict.CRASHED, f"the notebook's process was ended by signal {number}", said)
        said = "the notebook's process ended itself"
        return ProcessDied(Verdict.CRASHED, f"{said} (exit status {max(code, 0)})", said)

    def kill(self, *, ended: bool = False) -> Ending:
        """End the process and everything it started; ``ended`` says that it seems to have ended by itself."""
        if not self.alive:
            return Ending(None, None, 0.0, 0)
        self.alive = False
        with contextlib.suppress(OSError):
            self._socket.close()
        return self._sandbox.end_student(ended=ended)

    # ---------------------------------------------------------------------------------- frames

    def _send(self, data: bytes, deadline: float) -> None:
        self._until(deadline)
        self._socket.sendall(data)

    def _reply(self, number: int, deadline: float) -> bytes:
        data = self._at_least(HEADER.size, bytearray(), deadline)
        magic, echoed, length = HEADER.unpack_from(data)
        if magic != MAGIC or echoed != number:
            raise WireError("a frame that answers no request")
        if length > self._limits.reply_bytes + (1 << 20):
            raise WireError(f"a frame of {length} bytes; at most {self._limits.reply_bytes} are read")
        end = HEADER.size + length
        if len(self._at_least(end, data, deadline)) > end:
            raise WireError("bytes after the end of a frame")
        return bytes(memoryview(data)[HEADER.size :])

    def _at_least(self, size: int, data: bytearray, deadline: float) -> bytearray:
        """``data``, grown to ``size`` bytes or what has come beyond; memory grows only as bytes arrive."""
        while len(data) < size:
            self._until(deadline)
            piece = self._socket.recv(max(_CHUNK, min(size - len(data), 1 << 20)))
            if not piece:
                raise EOFError
            data += piece
        return data

    def _until(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
