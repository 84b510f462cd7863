"""Grading on a Ray cluster of two machines: see ``tests.toolkit.machines``. This process never imports Ray."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest

from autograder.cluster.engine import RayEngine, _next
from autograder.course import Course
from autograder.errors import GraderError, UsageError
from autograder.model import GradeReport, Submission, Verdict
from autograder.provenance import Options
from autograder.runner import Grader
from tests.toolkit.command_line import command, environment
from tests.toolkit.handed_in import HALVER, IMPORTS, RIGHT, WRONG_HALVE
from tests.toolkit.hosts import notebook
from tests.toolkit.machines import Machines
from tests.toolkit.reports import report
from tests.toolkit.test_hostile import CORPUS, read
from tests.toolkit.tiny import TOPIC, edit, tiny_course

OPTIONS = Options(explain=False, isolation="process")
KINDS = (
    notebook(RIGHT),
    notebook(f"{IMPORTS}\n{WRONG_HALVE}\n{HALVER}"),
    notebook(RIGHT, "raise ValueError('late')"),
    notebook(RIGHT, "import os\nos._exit(3)"),
    notebook(IMPORTS),
    b"no notebook",
)
PATIENCE = 300.0  # seconds after which something is taken not to happen
CANARY = f"canary-{secrets.token_hex(16)}"


@pytest.fixture(scope="module", autouse=True)
def machines() -> Iterator[Machines]:
    """The cluster of this file, on its way from the first test on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.delenv("RAY_worker_niceness", raising=False)
        patch.setenv("CANARY", CANARY)
        patch.setenv("PYTHONPATH", environment()["PYTHONPATH"])  # in a checkout that is not installed
        found = Machines(environment(RAY_worker_niceness="0"))
        try:
            yield found
        finally:
            found.close()
    assert "ray" not in sys.modules


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def hand_in(course: Course, student: str, data: bytes) -> Submission:
    path = course.submitted / student / TOPIC / f"{TOPIC}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return Submission(student=student, assignment=TOPIC, path=path)


def broken(submission: Submission, message: str) -> GradeReport:
    return report(student=submission.student, verdict=Verdict.GRADER_ERROR, message=message)


def graded(
    engine: RayEngine, course: Course, submissions: Sequence[Submission], jobs: int = 0
) -> Iterator[GradeReport]:
    return engine(course.root, TOPIC, submissions, msgspec.json.encode(OPTIONS), jobs, broken)


def timeless(found: GradeReport) -> dict[str, Any]:
    """All of a report that does not depend on when it was made, and by whom the notebook was handed in."""
    told: dict[str, Any] = msgspec.to_builtins(found)
    for part in (told["provenance"], *(test for question in told["questions"] for test in question["tests"])):
        for name in ("seconds", "started"):
            part.pop(name, None)
    del told["student"]
    return told


HOOK = "    assert_inputs_untouched(student.halve, x)"
# A bug that one answer sets off, the worst there can be: the grading process is gone.
POISON = """\
    if student.describe('poison') == 'value':
        __import__('os').kill(__import__('os').getpid(), 9)
"""
WAIT = """\
    gate = __import__('pathlib').Path({path!r})
    if student.describe({name!r}) == 'value' and gate.is_fifo():
        with gate.with_suffix('.notes').open('a') as notes:
            notes.write(f"{{__import__('os').getpid()}}\\n")
        gate.read_bytes()
"""


class Gate:
    """Where grading processes wait, at submissions with a variable ``name``, until it is opened."""

    def __init__(self, course: Course, name: str) -> None:
        self._path = course.root / name
        notes = self._path.with_suffix(".notes")
        os.mkfifo(self._path)
        os.mkfifo(notes)
        # For reading and writing: nobody waits for the other end, or meets its end, before the gate is opened.
        self._held = os.fdopen(os.open(self._path, os.O_RDWR), "rb", buffering=0)
        self._notes = os.fdopen(os.open(notes, os.O_RDWR), "rb", buffering=0)
        edit(course.assignment(TOPIC).hidden_tests, HOOK, WAIT.format(path=str(self._path), name=name) + HOOK)

    def wait_for(self, count: int) -> set[int]:
        """The ids of the next ``count`` processes that come here."""
        told = b""
        while told.count(b"\n") < count:
            if not select.select([self._notes], [], [], PATIENCE)[0]:
                raise TimeoutError(f"{told!r} instead of {count} processes came to {self._path.name}")
            told += self._notes.read(4096)
        return {int(line) for line in told.split()}

    def open(self) -> None:
        """Let all pass, from now on."""
        (beside := self._path.with_suffix(".open")).touch()
        beside.rename(self._path)
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        self._notes.close()


def test_the_loss_of_ray_s_part_of_a_run_is_told_with_its_last_words(tmp_path: Path) -> None:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    log = tmp_path / "conductor.log"
    log.write_text("raylet is gone\n", encoding="utf-8")
    theirs.close()
    with ours, pytest.raises(GraderError, match=r"the connection to the Ray cluster ended; Ray said: raylet is gone$"):
        _next(ours, log)


def test_without_submissions_nothing_starts(course: Course) -> None:
    assert list(graded(RayEngine("nowhere:1"), course, [])) == []


def test_ray_client_is_refused() -> None:
    with pytest.raises(UsageError, match="Ray Client cannot be used; run autograder on a machine of the cluster"):
        RayEngine("ray://head:10001")


def test_an_interrupted_run_on_a_private_cluster_keeps_what_was_graded_and_no_secret_and_leaves_nothing(
    course: Course,
) -> None:
    tricks = {
        name: read(CORPUS / f"{name}.py")
        for name in ("close_descriptors", "environment_and_arguments", "search_canary")
    }
    edit(course.assignment(TOPIC).hidden_tests, HOOK, f"    print({CANARY!r}, file=__import__('sys').stderr)\n" + HOOK)
    cells = {"ada": "first = 1", "bob": "", "carl": "", "yan": "last = 1", "zoe": ""}
    for student, cell in cells.items():
        hand_in(course, student, notebook(RIGHT, cell))
    for name, trick in tricks.items():
        hand_in(course, name, notebook(*trick.cells()))
    scores = {"ada": 5.0, "bob": 5.0, "carl": 0.0} | {name: trick.expect["score"] for name, trick in tricks.items()}
    results = {student: course.results / TOPIC / f"{student}.json" for student in scores}
    arguments = ("grade", TOPIC, "--executor", "ray", "--db", "none", "--jobs", "1")
    with Gate(course, "first") as first, Gate(course, "last") as last, running(course, *arguments) as process:
        (worker,) = first.wait_for(1)
        (course.submitted / "carl" / TOPIC / f"{TOPIC}.ipynb").unlink()  # a notebook leaves when its turn is near
        first.open()
        assert last.wait_for(1) == {worker}
        with os.fdopen(os.pidfd_open(process.pid)) as ended:
            while not all(path.exists() for path in results.values()) and not select.select([ended], [], [], 0.02)[0]:
                pass
        assert os.getpriority(os.PRIO_PROCESS, worker) == os.getpriority(os.PRIO_PROCESS, 0)
        private, parcel = cluster_of(worker), parcel_of(course)
        assert [path.stat().st_mode & 0o777 for path in (private, parcel)] == [0o700, 0o700]
        assert secrets_in(private / "ray", course) == []
        with os.fdopen(os.pidfd_open(worker)) as ended:
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
            assert select.select([ended], [], [], PATIENCE)[0]
    assert (process.returncode, out) == (3, ""), err
    assert "interrupted; what was graded is kept" in err
    assert "Traceback" not in err
    assert not private.exists()
    while parcel.exists():
        os.sched_yield()
    kept = {path.stem: GradeReport.from_json(path.read_bytes()) for path in (course.results / TOPIC).glob("*.json")}
    assert {student: found.score for student, found in kept.items()} == scores
    assert kept["carl"].message.startswith("no notebook was handed in")


def secrets_in(folder: Path, course: Course) -> list[Path]:
    """Files that hold the course's seed, or what a hidden test prints."""
    seed = (course.state / "seed").read_text(encoding="ascii").strip()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    secret = (CANARY.encode(), seed.encode(), bytes.fromhex(seed))
    return [path for path in files if any(mark in path.read_bytes() for mark in secret)]


def cluster_of(worker: int) -> Path:
    """The folder of the private cluster that a process belongs to."""
    found = re.search(rb"/tmp/ag-ray-\w+", Path(f"/proc/{worker}/environ").read_bytes())
    assert found
    return Path(os.fsdecode(found[0]))


def parcel_of(course: Course) -> Path:
    """Where the grading process has the files of ``course``, whose hidden tests name a gate of their own."""
    tests, found = course.assignment(TOPIC).hidden_tests, []
    for folder in Path(tempfile.gettempdir()).glob("autograder-course-*"):
        with contextlib.suppress(OSError):  # another run's, on its way out
            if (folder / tests.relative_to(course.root)).read_bytes() == tests.read_bytes():
                found.append(folder)
    (folder,) = found
    return folder


@contextlib.contextmanager
def running(course: Course, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, as a shell starts it."""
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(
        command(*arguments), cwd=course.root, env=environment(), start_new_session=True, **streams
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_runs_that_cannot_start_end_and_say_why(machines: Machines, tmp_path: Path) -> None:
    engines = {
        RayEngine("127.0.0.1:1", join_seconds=0.5): r"no Ray cluster answers at 127.0.0.1:1 within 0.5 s: is it runn",
        RayEngine(machines.address, gpus=0.5, patience_seconds=0.5): (
            r"no grading process could start .* \(\d of \d CPUs free, 0 of 0 GPUs free\)"
        ),
    }
    with ThreadPoolExecutor(2) as beside:
        ends = []
        for number, engine in enumerate(engines):
            course = tiny_course(tmp_path / str(number))
            ends.append(beside.submit(list, graded(engine, course, [hand_in(course, "ada", KINDS[0])])))
    for end, message in zip(ends, engines.values(), strict=True):
        with pytest.raises(UsageError, match=message):
            end.result()


def test_a_machine_and_a_process_that_die_lose_nothing_and_grades_are_those_of_one_machine(
    machines: Machines, course: Course
) -> None:
    edit(course.assignment(TOPIC).hidden_tests, HOOK, POISON + HOOK)
    eve = hand_in(course, "eve", notebook(RIGHT, "poison = 1"))
    kinds = [*KINDS, notebook(RIGHT, "stop = 1")]
    numbers = [number % len(KINDS) for number in range(12)] + [(0, 5, 5, 5)[number % 4] for number in range(188)]
    numbers[140:144] = [len(KINDS)] * 4  # two at work, two at hand
    submissions = [hand_in(course, f"s{place:03}", kinds[number]) for place, number in enumerate(numbers)]
    link = Submission(student="link", assignment=TOPIC, path=course.root / "link.ipynb")
    link.path.symlink_to(submissions[0].path)

    def lose_one_and_grade_here() -> list[dict[str, Any]]:
        try:
            assert len(gate.wait_for(2)) == 2
            machines.lose_one()
        finally:
            gate.open()
        one_of_each = [submissions[numbers.index(number)] for number in range(len(kinds))]
        with Grader(course, TOPIC, OPTIONS) as grader:
            return [timeless(grader.grade(submission)) for submission in [*one_of_each, link]]

    with Gate(course, "stop") as gate, ThreadPoolExecutor(1) as beside:
        graded_here = beside.submit(lose_one_and_grade_here)
        landed = list(graded(RayEngine(machines.address), course, [eve, *submissions, link]))
    here = graded_here.result()
    expected = {s.student: here[number] for s, number in zip(submissions, numbers, strict=True)} | {"link": here[-1]}
    (given_up,) = [found for found in landed if found.student == "eve"]
    assert given_up.message == "the grading process died 2 times on this submission"
    landed.remove(given_up)
    assert sorted(found.student for found in landed) == sorted(expected)
    assert {found.student: timeless(found) for found in landed} == expected
