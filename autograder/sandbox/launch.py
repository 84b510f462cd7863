"""The grading side of nurseries and zygotes: one nursery for all sandboxes of a run, started when first needed."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

import autograder
from autograder.errors import GraderError
from autograder.sandbox import policy
from autograder.sandbox.places import Place

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[2]);"
    "from autograder.sandbox.nursery import main; main(int(sys.argv[1]), sys.argv[2])"
)
START_SECONDS = 120.0  # importing torch from a cold disk on a slow machine
_END_SECONDS = 10.0
_MESSAGE_BYTES = 1 << 16


class Nursery:
    """Where zygotes come from: a program of our own, or that of the process which lent us its ``channel``."""

    def __init__(self, channel: socket.socket | None = None) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        if channel is not None:
            self.channel = channel
            return
        self._place = Place()
        box = Path(self._place.path, "box")
        box.mkdir()
        package = str(Path(autograder.__file__).resolve().parents[1])
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-c", _BOOT, str(theirs.fileno()), package],
                pass_fds=[theirs.fileno()],
                env=policy.ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                start_new_session=True,  # a Ctrl-C in the terminal is ours to handle
            )
        self.channel.send(str(box).encode())

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not _hung_up(self.channel)

    def hatch(self, config: dict[str, Any], control: socket.socket, errors: IO[bytes]) -> None:
        """Ask for a zygote: it hears on ``control``, and what it complains of goes to ``errors``."""
        socket.send_fds(self.channel, [json.dumps(config).encode()], [control.fileno(), errors.fileno()])

    def last_words(self) -> str:
        """What it complained of."""
        return _text(self._errors)

    def close(self) -> None:
        """Let go of it: it ends where nobody else holds it. The one who started it ends it for all."""
        self.channel.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._place.close()
        self._errors.close()


class _Shared:
    """The nursery of this process. A fork does not inherit it: it may have been put under other rules since."""

    def __init__(self) -> None:
        self._nursery: Nursery | None = None
        self._inherited: Nursery | None = None
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def nursery(self) -> Nursery:
        with self._lock:
            if self._pid != os.getpid():
                self._inherited, self._nursery, self._pid = self._nursery, None, os.getpid()
                if self._inherited is not None:
                    self._inherited.channel.close()
            if self._nursery is not None and not self._nursery.alive:
                self._nursery.close()
                self._nursery = None
            if self._nursery is None:
                self._nursery = Nursery()
            return self._nursery

    def adopt(self, channel: socket.socket) -> None:
        self._inherited, self._nursery, self._pid = self._nursery, Nursery(channel), os.getpid()

    def close(self) -> None:
        if self._nursery is not None and self._pid == os.getpid():
            self._nursery.close()
            self._nursery = None


_SHARED = _Shared()
atexit.register(_SHARED.close)
shared = _SHARED.nursery
adopt = _SHARED.adopt


class ZygoteProcess:
    """A zygote as the grading process sees it: obeys one message at a time, ends with its socket."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._descriptor = -1  # a pidfd, where there are any
        self._pid = 0
        with theirs:
            try:
                self._nursery = shared()
                self._nursery.hatch(config, theirs, self._errors)
            except OSError as error:
                self._control.close()
                self._errors.close()
                raise GraderError(f"no zygote can be asked for: {error}") from error

    @property
    def alive(self) -> bool:
        """Whether it is still there."""
        return not _hung_up(self._control)

    @property
    def pid(self) -> int:
        """Its process, which it says first of all."""
        if not self._pid:
            self._next(START_SECONDS)
        return self._pid

    def tell(self, message: dict[str, Any], *sockets: socket.socket) -> None:
        """Send an order, with the sockets it speaks of."""
        socket.send_fds(self._control, [json.dumps(message).encode()], [each.fileno() for each in sockets])

    def hear(self, seconds: float) -> dict[str, Any]:
        """Its next answer; raises ``GraderError`` with its last words where none comes in time."""
        return self._next(seconds) if self.pid else {}

    def _next(self, seconds: float) -> dict[str, Any]:
        readable, _, _ = select.select([self._control], [], [], seconds)
        with contextlib.suppress(ConnectionError):
            if readable and (data := self._control.recv(_MESSAGE_BYTES)):
                answer: dict[str, Any] = json.loads(data)
                if "zygote" in answer:
                    self._pid = answer["zygote"]
                    with contextlib.suppress(AttributeError, OSError):
                        self._descriptor = os.pidfd_open(self._pid)
                return answer
        problem = "ended" if readable else f"did not answer within {seconds:g} s"
        raise GraderError(f"the sandbox's zygote {problem}; {self.last_words()}")

    def last_words(self) -> str:
        """What it complained of."""
        text = _text(self._errors) or self._nursery.last_words()
        return f"its last words: {text[-500:]}" if text else "it said nothing"

    def kill(self) -> None:
        """End it from outside."""
        with contextlib.suppress(ProcessLookupError):
            if self._descriptor >= 0:
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Whether it ends within ``seconds``."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(GraderError):
            while True:  # what it may still say, up to the end
                self._next(max(0.0, deadline - time.monotonic()))
        if self._descriptor >= 0:  # its socket closes a moment before it can be seen to have ended
            left = max(0.0, deadline - time.monotonic())
            return bool(select.select([self._descriptor], [], [], left)[0])
        return not self.alive

    def close(self) -> None:
        """End it and its student; idempotent."""
        if self._errors.closed:
            return
        with contextlib.suppress(OSError, GraderError):
            self._control.shutdown(socket.SHUT_WR)
            if not self.wait(_END_SECONDS):
                self.kill()
                self.wait(_END_SECONDS)
        self._control.close()
        self._errors.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)


def _text(file: IO[bytes]) -> str:
    if file.closed:
        return ""
    file.seek(0)
    return file.read().decode(errors="replace").strip()


def _hung_up(side: socket.socket) -> bool:
    """Whether the other side is gone, or ours is closed."""
    if side.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(side, 0)  # a hang-up is always told
    return bool(poll.poll(0))
