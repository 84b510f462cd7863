"""Many submissions over worker processes: results as they land, a dead worker replaced, order kept by nobody."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import types
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec

from autograder.capacity import default_jobs
from autograder.errors import AutograderError, GraderError
from autograder.files import cannot_write, is_full
from autograder.model import GradeReport, Submission
from autograder.sandbox import launch, lockdown, syscalls
from autograder.streams import guard

ATTEMPTS = 2  # a submission whose worker dies is graded again once, in a fresh worker
_LONGEST = 70  # bytes of the temporary folder's path: the server of forks has a socket in it, and sockets short names


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    busy_with: tuple[Submission, int] | None = None


def grade_many(
    root: Path,
    topic: str,
    submissions: Sequence[Submission],
    options: bytes,
    jobs: int,
    broken: Callable[[Submission, str], GradeReport],
) -> Iterator[GradeReport]:
    """Reports of all submissions as they are ready.

    ``options`` are JSON of ``provenance.Options``; with ``jobs`` of 0 as many workers grade as this machine bears;
    ``broken`` makes the report of a submission whose worker died twice. Raises what kept the workers from starting.
    """
    waiting = deque((submission, 1) for submission in submissions)
    workers: list[_Worker] = []
    try:
        # One by one: where one cannot be started, those before it are ended.
        workers.extend(_start(root, topic, options) for _ in range(enough(jobs or default_jobs(), len(waiting))))
        while waiting or any(worker.busy_with for worker in workers):
            for worker in workers:
                if waiting and worker.busy_with is None:
                    _give(worker, waiting.popleft())
            ready = wait([worker.connection for worker in workers if worker.busy_with])
            for index, worker in enumerate(workers):
                if worker.connection not in ready or worker.busy_with is None:
                    continue
                report = _take(worker)
                if report is not None:
                    worker.busy_with = None
                    yield report
                    continue
                submission, attempt = worker.busy_with
                _stop(worker)
                workers[index] = _start(root, topic, options)
                if attempt < ATTEMPTS:
                    waiting.append((submission, attempt + 1))
                else:
                    yield broken(submission, f"the grading process died {ATTEMPTS} times on this submission")
    finally:
        for worker in workers:
            worker.connection.close()  # all of them, before one is waited for
        for worker in workers:
            _stop(worker)


def enough(jobs: int, submissions: int) -> int:
    """How many grading processes a run starts; raises ``ValueError`` where ``jobs`` is none."""
    if jobs < 1:
        raise ValueError(f"jobs={jobs}: without a grading process a run would wait for ever")
    return min(jobs, submissions)


def _start(root: Path, topic: str, options: bytes) -> _Worker:
    ours, theirs = multiprocessing.Pipe()
    try:
        channel = launch.shared().channel  # one nursery for all: it starts importing while the workers do
        process = _context().Process(target=_work, args=(theirs, channel, str(root), topic, options))
        with _without_main():
            process.start()
    except OSError as error:
        raise for_people(error) from error
    finally:
        theirs.close()
    return _Worker(process, ours)


def _context() -> SpawnContext | ForkServerContext:
    """Workers must not inherit this process's threads or torch state: they are forks of a server that has none."""
    if sys.platform != "linux" or len(os.fsencode(tempfile.gettempdir())) > _LONGEST:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograder.preload"])
    return context


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Hide the script that was started: a worker would import it, and the command line with it, for nothing."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _give(worker: _Worker, job: tuple[Submission, int]) -> None:
    with contextlib.suppress(OSError):  # a dead worker is noticed when its answer is read
        worker.connection.send(job[0])
    worker.busy_with = job


def _take(worker: _Worker) -> GradeReport | None:
    """A worker's report; ``None`` where it died. Raises the error that kept it from starting."""
    try:
        answer = worker.connection.recv()
    except (EOFError, OSError):
        return None
    if isinstance(answer, Exception):
        raise answer
    report: GradeReport = answer
    return report


def _stop(worker: _Worker) -> None:
    """End a worker. One without work ends by itself, its sandbox first."""
    worker.connection.close()
    worker.process.join(timeout=0.2 if worker.busy_with else 5.0)
    if worker.process.is_alive():
        worker.process.terminate()
        worker.process.join()


def _work(connection: Connection, channel: socket.socket, root: str, topic: str, options: bytes) -> None:
    """A worker: grades what comes until the connection closes."""
    launch.adopt(channel)
    lockdown.be_called("ag-grader")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends the run in order
    guard()  # a hidden test may print an answer
    end_with_the_parent()
    warnings.simplefilter("ignore")  # what a misconception or an oracle warns of helps nobody at the terminal
    from autograder import preload  # noqa: F401, PLC0415 - there already where the server of forks has imported it
    from autograder.course import Course  # noqa: PLC0415
    from autograder.provenance import Options  # noqa: PLC0415
    from autograder.runner import Grader  # noqa: PLC0415 - torch is imported in workers only

    try:
        grader = Grader(Course(Path(root)), topic, msgspec.json.decode(options, type=Options))
        grader.wait_ready()
    except Exception as error:  # noqa: BLE001 - a traceback of a worker helps nobody on the other side
        _tell(connection, for_people(error))
        return
    with grader, contextlib.suppress(EOFError, OSError):
        while True:
            connection.send(grader.grade(connection.recv()))


def end_with_the_parent() -> None:
    """When the main process is killed, end at once: a submission may take minutes, and nobody waits for its report."""
    if sys.platform != "linux":
        return
    syscalls.die_with_parent()  # the server of forks ends as the main process does
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():  # it was killed before we asked
        os._exit(1)


def for_people(error: Exception) -> AutograderError:
    """What to say of an error that kept a grading process from starting."""
    if isinstance(error, AutograderError):
        return error
    if isinstance(error, OSError) and is_full(error):
        return cannot_write(error.filename or tempfile.gettempdir(), error)
    return GraderError(f"a grading process could not start: {type(error).__name__}: {error}")


def _tell(connection: Connection, error: AutograderError) -> None:
    with contextlib.suppress(OSError):  # another worker's error may have ended the run already
        connection.send(error)
