"""The nursery: a clean program that pays for the imports once and forks zygotes, one for each sandbox.

It holds no test, no reference, no seed and no descriptor but its channel, runs no line of a notebook and computes
nothing: a process that has run a torch operation on more than one thread must not fork. A message on the channel is a
zygote's configuration as JSON, with the zygote's control socket and the file for what it complains of. The nursery
ends when every process that may ask it has, and its zygotes with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from autograder.sandbox import lockdown, policy

MESSAGE_BYTES = 1 << 17


def main(descriptor: int, forget_path: str) -> None:
    """Import what notebooks import, then fork a zygote for each message, until nobody is left who could send one."""
    channel = socket.socket(fileno=descriptor)
    lockdown.be_called("ag-nursery")
    place = channel.recv(MESSAGE_BYTES)
    shell, problem = None, ""
    try:
        shell = _import_everything(place.decode(), forget_path)
    except Exception as error:  # noqa: BLE001 - each zygote says it to the one who asked for it
        problem = f"{type(error).__name__}: {error}"
    own = os.getpid()
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        data, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, 2)
        if not data:
            os._exit(0)
        control, errors = descriptors
        try:
            if os.fork() == 0:
                channel.close()
                _be_zygote(json.loads(data), control, errors, shell, problem, own)
        except OSError as error:
            os.write(errors, f"it cannot be forked: {error}".encode())
        os.close(control)
        os.close(errors)


def _import_everything(place: str, forget_path: str) -> Any:
    """The shell that notebooks run in; what the libraries write as they are imported goes to ``place``."""
    gc.disable()  # nothing that is imported goes away again: looking for garbage takes a sixth of the time
    os.environ.update(HOME=place, TMPDIR=place, IPYTHONDIR=f"{place}/ipython", MPLCONFIGDIR=f"{place}/matplotlib")
    with contextlib.suppress(ImportError):  # where there is none, the cage says so
        importlib.import_module("pyseccomp")  # finds libseccomp while the whole system is still in view
    for name in policy.PRELOADED:
        importlib.import_module(name)
    import torch  # noqa: PLC0415 - as all of the above

    from autograder.sandbox import zygote  # noqa: F401, PLC0415 - loaded before the forks
    from autograder.sandbox.shell import make_shell  # noqa: PLC0415

    torch.set_num_threads(1)
    shell = make_shell()
    sys.path[:] = [path for path in sys.path if path != forget_path]
    gc.collect()
    gc.freeze()
    gc.enable()
    if sys.platform == "linux":
        from autograder.sandbox import pages  # noqa: PLC0415 - Linux only

        pages.enlarge()
    return shell


def _be_zygote(config: dict[str, Any], control: int, errors: int, shell: Any, problem: str, nursery: int) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(errors, 2)
    os.close(errors)
    lockdown.be_called("ag-zygote")
    code = 1
    try:
        if sys.platform == "linux":
            from autograder.sandbox import syscalls  # noqa: PLC0415 - Linux only

            syscalls.die_with_parent()
        if os.getppid() == nursery:  # it may have ended before we asked
            for entrance in config["entrances"]:  # before anything else: no process of the zygote is ever outside
                Path(entrance).write_text(str(os.getpid()), encoding="ascii")
            os.environ.clear()
            os.environ.update(policy.ENVIRONMENT | config["environment"])
            tempfile.tempdir = None
            from autograder.sandbox.zygote import main as serve  # noqa: PLC0415

            serve(control, config, shell, problem)
            code = 0
    except BaseException as error:  # noqa: BLE001 - its last words
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    os._exit(code)


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
