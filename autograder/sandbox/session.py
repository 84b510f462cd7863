"""One submission's student process from its first cell to its last call, replaced when it dies.

A dead, stuck or overgrown process ends the test it was in; the next test gets a fresh process with
the notebook run again, a few times per submission and within its total time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from autograder.errors import InvalidSubmission, ProcessDied
from autograder.model import CellRecord, Limits, Verdict
from autograder.sandbox.process import Sandbox, StudentProcess
from autograder.text import clean

GRACE_SECONDS = 2.0  # between the alarm inside a cell and the kill from outside
READ_SECONDS = 30.0
WARM_SECONDS = 60.0  # until a GPU that many share has started


class Session:
    """Runs a notebook and answers requests on its names: a ``Backend`` for ``testing.Student``."""

    def __init__(self, sandbox: Sandbox, notebook: bytes, limits: Limits, names: tuple[str, ...] = ()) -> None:
        self._sandbox = sandbox
        self._notebook = notebook
        self._limits = limits
        self._names = list(names)
        self._deadline = time.monotonic() + limits.submission_seconds
        self._process: StudentProcess | None = None
        self._restarts = limits.restarts
        self._fatal: dict[int, CellRecord] = {}  # cells that ended a process are not run again
        self._last_death = ProcessDied(Verdict.CRASHED, "the notebook's process ended")
        self.cells: tuple[CellRecord, ...] = ()
        self.sources: dict[int, str] = {}
        self.names_found: tuple[str, ...] = ()

    def open(self) -> None:
        """Run the notebook.

        Raises ``InvalidSubmission`` where it cannot be read, ``ProcessDied`` where no attempt survives it.
        """
        size = len(self._notebook)
        if size > self._limits.notebook_bytes:
            limit = self._limits.notebook_bytes >> 20
            raise InvalidSubmission(f"the notebook has {size >> 20} MiB, more than {limit}: clear its outputs and save")
        while True:
            try:
                self._run_notebook()
            except ProcessDied as death:
                self._bury(death)
            else:
                return

    def _bury(self, death: ProcessDied) -> None:
        self._process = None
        self._last_death = death
        if self._restarts <= 0 or time.monotonic() >= self._deadline:
            self._restarts = 0
            raise death
        self._restarts -= 1

    def _run_notebook(self) -> None:
        self._process = self._sandbox.start(self._limits)
        request: dict[str, Any] = {"op": "load", "notebook": self._notebook, "names": self._names}
        if self._sandbox.gpu is not None:
            request["gpu_bytes"] = self._limits.gpu_bytes
        reply = self._process.request(request, READ_SECONDS)
        if reply["status"] != "ok":
            self.close()
            raise InvalidSubmission(f"the notebook cannot be read: {clean(str(reply.get('message', '')), 300)}")
        listed = _cells_of(reply)
        self.sources = {index: source for index, _, _, source in listed}
        self.names_found = tuple(str(name) for name in reply.get("names", ()) if name in self._names)
        notebook_deadline = min(time.monotonic() + self._limits.notebook_seconds, self._deadline)
        records: list[CellRecord] = []
        for index, skip, problem, _ in listed:
            record = self._fatal.get(index)
            if record is None:
                record = self._run_cell(index, problem or "", skip=skip, deadline=notebook_deadline)
            records.append(record)
        if self._sandbox.gpu is not None:  # before the first call, whose time is the student's
            self._process.request({"op": "warm", "seconds": WARM_SECONDS}, WARM_SECONDS + GRACE_SECONDS)
        self.cells = tuple(records)

    def _run_cell(self, index: int, problem: str, *, skip: bool, deadline: float) -> CellRecord:
        if skip:
            return CellRecord(index=index, status="skipped", message=clean(problem, 200))
        seconds = min(self._limits.cell_seconds, deadline - time.monotonic())
        if seconds <= 0:
            spent = f"not run: the notebook had used up its {self._limits.notebook_seconds:g} s"
            return CellRecord(index=index, status="timeout", message=spent)
        assert self._process is not None  # noqa: S101 - for the type checker: open() has just started it
        try:
            request = {"op": "cell", "index": index, "seconds": seconds}
            reply = self._process.request(request, seconds + GRACE_SECONDS)
        except ProcessDied as death:
            status: Any = "timeout" if death.verdict is Verdict.TIMEOUT else "error"
            said = f"{clean(death.message, 300)}; the notebook was run again without this cell"
            self._fatal[index] = CellRecord(index=index, status=status, message=said)
            raise
        status = reply["status"] if reply["status"] in ("ok", "error", "timeout") else "error"
        return CellRecord(index=index, status=status, message=clean(str(reply.get("message", "")), 500))

    # ----------------------------------------------------------------------------------- tests

    def revive(self) -> None:
        """Before a test: a living process, a fresh one if need be. Raises the last death where none is left."""
        if self._process is not None and self._process.alive:
            return
        if self._restarts <= 0 or time.monotonic() >= self._deadline:
            raise self._last_death
        self._restarts -= 1
        self.open()

    def perform(self, request: bytes) -> bytes:
        """The student's reply to ``request``; ``ProcessDied`` where there is none."""
        with self._living() as process:
            left = self._deadline - time.monotonic()
            if left <= 0:
                process.kill()
                total = f"the submission had used up its {self._limits.submission_seconds:g} s"
                raise ProcessDied(Verdict.TIMEOUT, total)
            return process.exchange(request, min(self._limits.call_seconds, left))

    def read(self, reply: bytes) -> dict[str, Any]:
        """What a reply says; ``ProcessDied`` where it is none."""
        with self._living() as process:
            return process.read(reply)

    @contextlib.contextmanager
    def _living(self) -> Iterator[StudentProcess]:
        if self._process is None:
            raise self._last_death
        try:
            yield self._process
        except ProcessDied as death:
            self._process = None
            self._last_death = death
            raise

    def close(self) -> None:
        """End the process and everything it started."""
        if self._process is not None:
            self._process.kill(ended=True)  # it ends by itself at the end of file, and its processor time is counted
            self._process = None


def _cells_of(reply: dict[str, Any]) -> list[tuple[int, bool, str, str]]:
    """The sealed list of cells; sent before the first cell runs, so it is the notebook's own."""
    return [(int(index), bool(skip), str(problem), str(source)) for index, skip, problem, source in reply["cells"]]
