"""Grading on a Ray cluster of two machines: see ``tests.toolkit.machines``. This process never imports Ray."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from autograder.cluster.engine import RayEngine
from autograder.course import Course
from autograder.errors import AuthoringError, GraderError, UsageError
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

OPTIONS = Options(explain=False)
KINDS = (
    notebook(RIGHT),
    notebook(f"{IMPORTS}\n{WRONG_HALVE}\n{HALVER}"),
    notebook(RIGHT, "raise ValueError('late')"),
    notebook(RIGHT, "import os\nos._exit(3)"),
    notebook(IMPORTS),
    b"no notebook",
)
CANARY = f"canary-{secrets.token_hex(16)}"


@pytest.fixture(scope="module", autouse=True)
def machines() -> Iterator[Machines]:
    """The cluster of this file, on its way from the first test on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("CANARY", CANARY)
        patch.setenv("PYTHONPATH", environment()["PYTHONPATH"])  # in a checkout that is not installed
        found = Machines(environment())
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
        # Reading and writing: nobody's end of a pipe closes with the last one on the other side.
        self._held = os.open(self._path, os.O_RDWR)
        self._notes = os.fdopen(os.open(notes, os.O_RDWR), encoding="ascii")
        edit(course.assignment(TOPIC).hidden_tests, HOOK, WAIT.format(path=str(self._path), name=name) + HOOK)

    def wait_for(self, count: int) -> set[int]:
        """The ids of the next ``count`` processes that come here."""
        return {int(self._notes.readline()) for _ in range(count)}

    def open(self) -> None:
        """Let all pass, from now on."""
        (beside := self._path.with_suffix(".open")).touch()
        beside.rename(self._path)
        os.close(self._held)


def test_an_author_s_mistake_arrives_as_itself(course: Course) -> None:
    edit(course.assignment(TOPIC).reference, "_FACTOR = 0.5", "_FACTOR = nothing")
    with pytest.raises(AuthoringError, match=rf"^{course.root}/reference/halving.py: importing it raised NameError"):
        list(graded(RayEngine(), course, [hand_in(course, "ada", KINDS[0])]))


def test_the_loss_of_ray_s_part_of_a_run_is_told_with_its_last_words(course: Course) -> None:
    end = "import os\nprint('raylet is gone', flush=True)\nos._exit(1)\n_FACTOR = 0.5"  # as Ray does
    edit(course.assignment(TOPIC).reference, "_FACTOR = 0.5", end)
    with pytest.raises(GraderError, match=r"^the connection to the Ray cluster ended; Ray said: raylet is gone$"):
        list(graded(RayEngine(), course, [hand_in(course, "ada", KINDS[0])]))


def test_a_cluster_that_does_not_answer_ends_the_run(course: Course) -> None:
    engine = RayEngine("127.0.0.1:1", join_seconds=0.5)
    with pytest.raises(UsageError, match=r"no Ray cluster answers at 127.0.0.1:1 within 0.5 s: is it running"):
        list(graded(engine, course, [hand_in(course, "ada", KINDS[0])]))


def test_without_submissions_nothing_starts(course: Course) -> None:
    assert list(graded(RayEngine("nowhere:1"), course, [])) == []


def test_ray_client_is_refused() -> None:
    with pytest.raises(UsageError, match="Ray Client cannot be used; run autograder on a machine of the cluster"):
        RayEngine("ray://head:10001")


EXPLAIN = """
import sys
sys.modules["rfc3987_syntax"] = None
from ray.exceptions import ActorDiedError, RayActorError
from autograder.cluster.crew import why_none_starts
missing = "The actor died\\n\\x1b[36mray::X\\nModuleNotFoundError: No module named 'autograder'\\n"
print(why_none_starts(RayActorError("7", missing, True)))
print(why_none_starts(ActorDiedError()))
"""


def test_a_process_that_cannot_be_made_is_explained() -> None:
    told = subprocess.run(
        [sys.executable, "-c", EXPLAIN], capture_output=True, text=True, env=environment(), check=True
    )
    not_made, died = told.stdout.splitlines()
    assert not_made == (
        "a machine of the cluster cannot make a grading process: ModuleNotFoundError: No module named 'autograder'; "
        "install the same autograder on every machine"
    )
    assert died.startswith("grading processes die on the cluster before they start: The")


def test_no_machine_with_what_is_asked_for_ends_the_run(machines: Machines, course: Course) -> None:
    engine = RayEngine(machines.address, gpus=0.5, patience_seconds=0.5)
    with pytest.raises(UsageError, match=r"no grading process could start .* \(\d of \d CPUs free, 0 of 0 GPUs free\)"):
        list(graded(engine, course, [hand_in(course, "ada", KINDS[0])]))


def test_a_machine_that_dies_loses_nothing_and_grades_are_those_of_one_machine(
    machines: Machines, course: Course
) -> None:
    gate = Gate(course, "stop")
    kinds = [*KINDS, notebook(RIGHT, "stop = 1")]
    # Two at work and two at hand wait until there is a process on both machines.
    numbers = [len(KINDS)] * 4 + [number % len(KINDS) for number in range(196)]
    submissions = [hand_in(course, f"s{place:03}", kinds[number]) for place, number in enumerate(numbers)]
    link = Submission(student="link", assignment=TOPIC, path=course.root / "link.ipynb")
    link.path.symlink_to(submissions[0].path)
    landed = []
    with opened_by(gate, 2):
        for found in graded(RayEngine(machines.address), course, [*submissions, link]):
            landed.append(found)
            if len(landed) == 100:
                machines.lose_one()
    with Grader(course, TOPIC, OPTIONS) as grader:
        here = [timeless(grader.grade(submissions[numbers.index(number)])) for number in range(len(kinds))]
        expected = {s.student: here[number] for s, number in zip(submissions, numbers, strict=True)}
        expected["link"] = timeless(grader.grade(link))
    assert sorted(found.student for found in landed) == sorted(expected)
    assert {found.student: timeless(found) for found in landed} == expected


@contextlib.contextmanager
def opened_by(gate: Gate, count: int) -> Iterator[None]:
    """Inside, ``gate`` opens once ``count`` processes wait there."""

    def wait() -> None:
        gate.wait_for(count)
        gate.open()

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    yield
    waiting.join()


def test_an_interrupted_run_keeps_what_was_graded_and_nothing_of_it_is_left_on_the_cluster(
    machines: Machines, course: Course
) -> None:
    first, last = Gate(course, "first"), Gate(course, "last")
    for student, cell in {"ada": "first = 1", "bob": "", "eve": "", "joe": "last = 1", "zoe": ""}.items():
        hand_in(course, student, notebook(RIGHT, cell))
    results = {student: course.results / TOPIC / f"{student}.json" for student in ("ada", "bob", "eve")}
    process = subprocess.Popen(
        command("grade", TOPIC, "--executor", "ray", "--ray-address", machines.address, "--db", "none", "--jobs", "1"),
        cwd=course.root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        (worker,) = first.wait_for(1)
        (course.submitted / "eve" / TOPIC / f"{TOPIC}.ipynb").unlink()  # a notebook leaves when its turn is near
        first.open()
        assert last.wait_for(1) == {worker}
        with contextlib.closing(Pidfd(process.pid)) as command_line, contextlib.closing(Pidfd(worker)) as there:
            while not all(path.exists() for path in results.values()) and not command_line.ended(0.02):
                pass
            os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=120)
            assert there.ended(120)
    assert (process.returncode, out) == (3, ""), err
    assert "interrupted; what was graded is kept" in err
    assert "Traceback" not in err
    kept = {path.stem: GradeReport.from_json(path.read_bytes()) for path in (course.results / TOPIC).glob("*.json")}
    assert {student: found.score for student, found in kept.items()} == {"ada": 5.0, "bob": 5.0, "eve": 0.0}
    assert kept["eve"].message.startswith("no notebook was handed in")


class Pidfd:
    """A process, to be waited for, whoever started it."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)

    def ended(self, seconds: float) -> bool:
        return bool(select.select([self._descriptor], [], [], seconds)[0])

    def close(self) -> None:
        os.close(self._descriptor)


def test_a_private_cluster_bears_deadly_and_hostile_submissions_and_keeps_no_secret(course: Course) -> None:
    # A hidden test that prints, and with a bug that one answer sets off, the worst there can be: the process is gone.
    edit(
        course.assignment(TOPIC).hidden_tests,
        HOOK,
        f"    print({CANARY!r}, file=__import__('sys').stderr)\n"
        "    if student.describe('poison') == 'value':\n        __import__('os').kill(__import__('os').getpid(), 9)\n"
        + HOOK,
    )
    tricks = [
        read(CORPUS / f"{name}.py") for name in ("search_canary", "environment_and_arguments", "close_descriptors")
    ]
    submissions = [hand_in(course, "eve", notebook(RIGHT, "poison = 1")), hand_in(course, "zoe", notebook(RIGHT))]
    submissions += [hand_in(course, trick.name, notebook(*trick.cells())) for trick in tricks]
    before = left_behind()
    reports = graded(RayEngine(), course, submissions, jobs=1)
    landed = {found.student: found for found in (next(reports) for _ in submissions)}
    (folder,) = {path for path in left_behind() - before if path.name.startswith("ag-ray-")}
    assert folder.stat().st_mode & 0o777 == 0o700
    logs = [path for path in (folder / "ray").rglob("*") if path.is_file()]
    seed = (course.state / "seed").read_text(encoding="ascii").strip()
    assert len(logs) > 10
    for data in (path.read_bytes() for path in logs):
        assert not [secret for secret in (CANARY.encode(), seed.encode(), bytes.fromhex(seed)) if secret in data]
    assert list(reports) == []
    assert left_behind() <= before
    assert landed["eve"].message == "the grading process died 2 times on this submission"
    assert landed["zoe"].score == 5.0
    for trick in tricks:
        assert landed[trick.name].score == trick.expect["score"], landed[trick.name]


def left_behind() -> set[Path]:
    folder = Path(tempfile.gettempdir())
    return {*folder.glob("ag-ray-*"), *folder.glob("autograder-course-*")}
