"""``--executor ray``: the engine of grading that has its processes on a Ray cluster.

Ray lives in a process of its own, the conductor: its threads, signal handlers and messages, and its habit of ending
the process when the cluster is lost, stay out of the one that writes results.
"""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
import os
import secrets
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from autograder.capacity import default_jobs
from autograder.course import Course
from autograder.errors import AutograderError, GraderError, UsageError
from autograder.model import GradeReport, Submission
from autograder.pool import end_with_the_parent, for_people
from autograder.provenance import Options
from autograder.text import clean

_CONTEXT = multiprocessing.get_context("spawn")
_END_SECONDS = 20.0  # for an orderly end of a cluster of our own
_STORE_BYTES = 256 << 20  # of a cluster of our own: a parcel and a few notebooks


@dataclass(frozen=True)
class RayEngine:
    """Grades on the cluster at ``address``, or on a cluster of one machine, started for the run, where it is empty.

    ``gpus``: the share of a GPU that each grading process holds. ``join_seconds``: for the cluster to answer;
    ``patience_seconds``: for it to have a first free processor, for which an autoscaler may start a machine.
    """

    address: str = ""
    gpus: float = 0.0
    join_seconds: float = 120.0
    patience_seconds: float = 900.0

    def __post_init__(self) -> None:
        if importlib.util.find_spec("ray") is None:
            raise UsageError("--executor ray: Ray is not installed here; pip install 'autograder[ray]'")
        if "://" in self.address:
            raise UsageError(
                f"--ray-address {self.address}: Ray Client cannot be used; run autograder on a machine of the "
                "cluster and name the cluster as HOST:PORT, or auto"
            )

    def __call__(
        self,
        root: Path,
        topic: str,
        submissions: Sequence[Submission],
        options: bytes,
        jobs: int,
        broken: Callable[[Submission, str], GradeReport],
    ) -> Iterator[GradeReport]:
        """As ``pool.grade_many``; ``jobs`` of 0 means a process per processor of the cluster."""
        if not submissions:
            return
        # In /tmp and short: sockets lie in it, whose paths have 107 characters at most.
        with tempfile.TemporaryDirectory(prefix="ag-ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
            order = _Order(self, root, topic, list(submissions), options, jobs, Path(folder))
            with _conductor(order) as connection:
                while (answer := _next(connection, order.log)) is not None:
                    yield answer if isinstance(answer, GradeReport) else broken(*answer)


@dataclass(frozen=True)
class _Order:
    """What the conductor is told."""

    engine: RayEngine
    root: Path
    topic: str
    submissions: list[Submission]
    options: bytes
    jobs: int
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "conductor.log"


@contextlib.contextmanager
def _conductor(order: _Order) -> Iterator[Connection]:
    ours, theirs = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_conduct, args=(theirs, order))
    process.start()
    theirs.close()
    try:
        yield ours
    except BaseException:
        process.terminate()  # it may be waiting for a report
        raise
    finally:
        ours.close()
        process.join(_END_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()


def _next(connection: Connection, log: Path) -> Any:
    """The conductor's next answer, ``None`` after the last; raises the error that it met."""
    try:
        answer = connection.recv()
    except EOFError as error:
        said = log.read_text(encoding="utf-8", errors="replace").strip() if log.is_file() else ""
        raise GraderError(
            f"the connection to the Ray cluster ended; Ray said: {clean(said[-600:]) or 'nothing'}"
        ) from error
    if isinstance(answer, AutograderError):
        raise answer
    return answer


# ------------------------------------------------------------------------------- in the conductor


def _conduct(connection: Connection, order: _Order) -> None:
    """Grade on the cluster, and tell everything over ``connection``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends the run in order
    end_with_the_parent()
    _write_to(order.log)
    warnings.simplefilter("ignore")
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # as the command line does; Ray imports it
    with contextlib.suppress(OSError):  # the run was ended
        try:
            for answer in _answers(connection, order):
                connection.send(answer)
            connection.send(None)
        except Exception as error:  # noqa: BLE001 - a traceback helps nobody on the other side
            connection.send(for_people(error))


def _write_to(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)


def _answers(connection: Connection, order: _Order) -> Iterator[Any]:
    from autograder.cluster.parcel import pack  # noqa: PLC0415 - torch is imported in the conductor only

    course = Course(order.root)
    options = msgspec.json.decode(order.options, type=Options)
    parcel = msgspec.msgpack.encode(pack(course, order.topic, options))  # an author's mistake is told before Ray starts
    _choose_settings(order)
    from autograder.cluster.crew import Crew  # noqa: PLC0415 - Ray reads its settings when it is imported

    with _joining(connection, order):
        room = _join(order)
    try:
        limits = options.limits or course.assignment(order.topic).front.limits
        told = {"gpus": order.engine.gpus, "patience_seconds": order.engine.patience_seconds}
        crew = Crew(parcel, limits, order.submissions, order.jobs or room, **told)
        yield from crew.reports()
        crew.dismiss()
    finally:
        import ray  # noqa: PLC0415 - as Crew

        ray.shutdown()


def _choose_settings(order: _Order) -> None:
    """What Ray reads from the environment, of this process alone."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not order.engine.address:  # a cluster of our own: nobody else may send it work
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
        os.environ.setdefault("RAY_worker_niceness", "0")  # limits are seconds on the clock: as quick as a local worker
        os.environ["PYTHONPATH"] = quick_path(order.folder)


def quick_path(folder: Path) -> str:
    """A ``PYTHONPATH`` for Ray's own processes, a dozen, each of which would first make a parser that nobody needs."""
    (folder / "rfc3987_syntax.py").write_text("raise ImportError('left out: see autograder.cli')\n", encoding="utf-8")
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


@contextlib.contextmanager
def _joining(connection: Connection, order: _Order) -> Iterator[None]:
    """End this process where the cluster does not answer in time: Ray itself tries for ever."""
    where, seconds = order.engine.address or "this machine", order.engine.join_seconds

    def give_up() -> None:
        said = (
            f"no Ray cluster answers at {where} within {seconds:g} s: is it running, is this machine part of it, "
            "and is RAY_AUTH_TOKEN its token?"
        )
        with contextlib.suppress(OSError):
            connection.send(UsageError(said))
        os._exit(1)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _join(order: _Order) -> int:
    """Join the cluster, or start one on this machine; gives the number of processes it has room for."""
    import ray  # noqa: PLC0415 - as Crew

    own: dict[str, Any] = {
        "num_cpus": order.jobs or default_jobs(),
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
        # For nobody else's eyes, and gone with the run. A folder below, because Ray opens the one it is given to all.
        "_temp_dir": str(order.folder / "ray"),
    }
    address, gpus = order.engine.address, order.engine.gpus
    try:
        ray.init(address or "local", log_to_driver=False, namespace="autograder", **({} if address else own))
    except Exception as error:
        raise UsageError(f"no Ray cluster at {address or 'this machine'}: {clean(str(error), 400)}") from error
    found = ray.cluster_resources()
    room = found.get("CPU", 0.0)
    return max(1, int(min(room, found.get("GPU", 0.0) / gpus) if gpus else room))
