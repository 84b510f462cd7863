"""Runs notebook cells as Jupyter does, without a kernel: magics, top-level await, ``exit()``.

A cell's outputs are not kept: no grade depends on them. What a cell raises is kept as data.
"""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder.sandbox.evaluate import describe_error, is_own


class CellTimeout(BaseException):
    """A cell has used up its wall time. Not an ``Exception``, so that ``except Exception`` lets it through."""


class Sink(io.TextIOBase):
    """Standard output of cells: counted, not kept."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, text: str) -> int:
        """Count ``text``."""
        self.written += len(text)
        return len(text)

    def writable(self) -> bool:
        """Always."""
        return True


class NotebookShell(InteractiveShell):
    """IPython's shell without history, colours, tracebacks and a terminal."""

    cell_index = 0

    def enable_gui(self, gui: Any = None) -> None:
        """No event loop to join."""

    def ask_exit(self) -> None:
        """``exit()`` in a cell ends nothing: the next cell runs."""

    def system(self, cmd: str) -> None:
        """``!command`` through a pipe: there is no terminal to lend."""
        done = subprocess.run(self.var_expand(cmd, depth=1), shell=True, check=False)  # noqa: S602 - what ! means
        self.user_ns["_exit_code"] = done.returncode

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        """Formatting a traceback nobody reads costs 100 ms."""

    def showsyntaxerror(self, *args: Any, **kwargs: Any) -> None:
        """As ``showtraceback``."""

    def showindentationerror(self) -> None:
        """As ``showtraceback``."""

    def run(self, index: int, source: str, seconds: float) -> dict[str, Any]:
        """Run one cell: ``status`` is ok, error or timeout, with a ``message``."""
        self.cell_index = index
        try:
            with alarm(seconds):
                result = self.run_cell(source, store_history=False, silent=False)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as raised:  # noqa: BLE001 - whatever a cell raises is data
            error = raised
        if error is None:
            return {"status": "ok", "message": ""}
        if isinstance(error, CellTimeout):
            return {"status": "timeout", "message": f"stopped after {seconds:g} s"}
        told = describe_error(error)
        place = f" ({told['where']})" if told["where"] else ""
        # A cell that meets a stub is expected (model.CellRecord.is_stub), one that meets a gap in PyTorch is not.
        whose = "from a library: " if isinstance(error, NotImplementedError) and not is_own(error) else ""
        return {"status": "error", "message": f"{whose}{told['type']}: {told['message']}{place}"}


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise ``CellTimeout`` inside after ``seconds`` of wall time."""
    signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(_signum: int, _frame: FrameType | None) -> None:
    raise CellTimeout


def _no_magic(_line: str) -> None:
    """``%matplotlib``: figures are drawn without a window whatever it says."""


def make_shell() -> NotebookShell:
    """The one shell of this process, with an empty namespace. Made by the zygote, used by its forks."""
    config = Config()
    config.HistoryManager.enabled = False
    config.NotebookShell.colors = "nocolor"
    config.NotebookShell.xmode = "Minimal"
    config.NotebookShell.banner1 = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shell: NotebookShell = NotebookShell.instance(config=config)
    shell.compile.get_code_name = lambda *_: f"cell {shell.cell_index}"  # type: ignore[method-assign]
    shell.register_magic_function(_no_magic, "line", "matplotlib")  # type: ignore[arg-type]
    sys.path.insert(0, "")  # a module that a cell writes can be imported, as in Jupyter
    shell.run_cell("pass", store_history=False)  # the first cell of a process pays for IPython's late imports
    return shell
