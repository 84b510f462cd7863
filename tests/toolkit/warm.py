"""The command line without the wait: a process that has imported what commands import, and forks one for each.

What it forks is a process of its own with its own arguments, folder, streams and exit code, and calls what the console
script calls. This file is both sides: ``Warm`` asks, the program answers one JSON line of arguments, folder and files
for the two streams with an exit code.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

PATIENCE = 300.0  # seconds after which a command is taken to hang


class Warm:
    """The asking side; the program ends with it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.toolkit.warm"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        atexit.register(self._process.communicate)

    def run(self, arguments: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
        """What a command said and its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as name:
            streams = [Path(name, "out"), Path(name, "err")]
            asked = {"arguments": arguments, "folder": str(folder), "streams": [str(path) for path in streams]}
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
                self._process.kill()
                raise TimeoutError(f"{arguments} took more than {PATIENCE:g} s")
            code = int(self._process.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, *(path.read_text("utf-8") for path in streams))


# ------------------------------------------------------------------------------------ the program


NURSERY: list[socket.socket] = []  # the way to one for all commands


def _serve() -> None:
    for line in iter(sys.stdin.buffer.readline, b""):
        pid = os.fork()
        if pid == 0:
            _command(**json.loads(line))
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _command(arguments: list[str], folder: str, streams: list[str]) -> None:
    from autograder.cli import main
    from autograder.sandbox import launch

    launch.adopt(NURSERY[0])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, path in enumerate([os.devnull, *streams]):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    sys.argv = ["autograder", *arguments]
    main()


if __name__ == "__main__":
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # as the command line does
    import autograder.demo
    import autograder.gradebook
    import autograder.proof.coverage
    import autograder.proof.mutants
    import autograder.replay
    import autograder.verify  # noqa: F401 - whatever a command imports when it runs
    from autograder.sandbox.launch import shared

    NURSERY.append(shared().channel)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the tests
    _serve()
