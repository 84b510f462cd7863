"""Grading on a Ray cluster of two machines, which are processes here: a machine dies when its raylet is killed."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from autograder.cluster.engine import RayEngine
from autograder.course import Course
from autograder.errors import AuthoringError, GraderError, UsageError
from autograder.model import GradeReport, Submission, Verdict
from autograder.pool import grade_many
from autograder.provenance import Options
from tests.toolkit.command_line import command, environment
from tests.toolkit.handed_in import HALVER, IMPORTS, RIGHT, WRONG_HALVE
from tests.toolkit.hosts import notebook
from tests.toolkit.reports import report
from tests.toolkit.test_hostile import CORPUS, read
from tests.toolkit.tiny import TOPIC, edit, tiny_course

OPTIONS = msgspec.json.encode(Options(explain=False))
KINDS = (
    notebook(RIGHT),
    notebook(f"{IMPORTS}\n{WRONG_HALVE}\n{HALVER}"),
    notebook(RIGHT, "raise ValueError('late')"),
    notebook(RIGHT, "import os\nos._exit(3)"),
    notebook(IMPORTS),
    b"no notebook",
)
CANARY = f"canary-{secrets.token_hex(16)}"


@dataclass
class Machines:
    """A cluster: its address, and a way to lose the machine that is not the head."""

    address: str
    cluster: Any

    def lose_one(self) -> None:
        (node,) = self.cluster.worker_nodes
        self.cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # Ray reads it once in a process, and the process may be older
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("CANARY", CANARY)
        patch.setenv("PYTHONPATH", environment()["PYTHONPATH"])  # in a checkout that is not installed
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            yield Machines(cluster.address, cluster)
        finally:
            cluster.shutdown()


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
    engine: Any, course: Course, submissions: Sequence[Submission], options: bytes = OPTIONS, jobs: int = 0
) -> Iterator[GradeReport]:
    found: Iterator[GradeReport] = engine(course.root, TOPIC, submissions, options, jobs, broken)
    return found


def timeless(found: GradeReport) -> dict[str, Any]:
    """All of a report that does not depend on when it was made, and by whom the notebook was handed in."""
    told: dict[str, Any] = msgspec.to_builtins(found)
    for part in (told["provenance"], *(test for question in told["questions"] for test in question["tests"])):
        for name in ("seconds", "started"):
            part.pop(name, None)
    del told["student"]
    return told


NOTE_WHO_GRADES = """
    with open({path!r}, "a") as file:
        file.write(f"{{__import__('os').getpid()}}\\n")
"""


def instrument(course: Course, path: Path) -> Callable[[], set[str]]:
    """Have grading processes note that they graded something; gives their ids."""
    first = "    assert_inputs_untouched(student.halve, x)"
    edit(
        course.assignment(TOPIC).hidden_tests, first, NOTE_WHO_GRADES.format(path=str(path)).strip("\n") + "\n" + first
    )
    if not path.exists():
        path.touch()
    return lambda: set(path.read_text(encoding="utf-8").split())


def test_a_machine_that_dies_loses_nothing_and_grades_are_those_of_one_machine(
    machines: Machines, course: Course, tmp_path: Path
) -> None:
    machines.cluster.add_node(num_cpus=1)
    submissions = [hand_in(course, f"s{number:03}", KINDS[number % len(KINDS)]) for number in range(200)]
    submissions.append(Submission(student="link", assignment=TOPIC, path=course.root / "link.ipynb"))
    (course.root / "link.ipynb").symlink_to(submissions[0].path)
    at_work = instrument(course, tmp_path / "at-work")
    kinds = [*submissions[: len(KINDS)], submissions[-1]]
    expected = {found.student: timeless(found) for found in graded(grade_many, course, kinds, jobs=1)}
    (here,) = at_work()
    landed, lost = [], False
    for found in graded(RayEngine(machines.address), course, submissions):
        landed.append(found)
        if not lost and len(landed) >= 100 and len(at_work() - {here}) == 2:
            machines.lose_one()
            lost = True
    assert lost
    assert sorted(found.student for found in landed) == sorted(submission.student for submission in submissions)
    for found in landed:
        kind = found.student if found.student == "link" else f"s{int(found.student[1:]) % len(KINDS):03}"
        assert timeless(found) == expected[kind]


def test_hostile_and_deadly_submissions_get_what_they_earn_and_nothing_secret_is_left_on_a_machine(
    machines: Machines, course: Course
) -> None:
    # A hidden test that prints, and with a bug that one answer sets off, the worst there can be: the process is gone.
    edit(
        course.assignment(TOPIC).hidden_tests,
        "    assert_inputs_untouched(student.halve, x)",
        f"    print({CANARY!r}, file=__import__('sys').stderr)\n"
        "    if student.describe('poison') == 'value':\n        __import__('os').kill(__import__('os').getpid(), 9)\n"
        "    assert_inputs_untouched(student.halve, x)",
    )
    tricks = [
        read(CORPUS / f"{name}.py") for name in ("search_canary", "environment_and_arguments", "close_descriptors")
    ]
    submissions = [hand_in(course, trick.name, notebook(*trick.cells())) for trick in tricks]
    submissions += [hand_in(course, "eve", notebook(RIGHT, "poison = 1")), hand_in(course, "zoe", notebook(RIGHT))]
    landed = {found.student: found for found in graded(RayEngine(machines.address), course, submissions)}
    assert landed["eve"].message == "the grading process died 2 times on this submission"
    assert landed["zoe"].score == 5.0
    for trick in tricks:
        assert landed[trick.name].score == trick.expect["score"], landed[trick.name]
    seed = (course.state / "seed").read_text(encoding="ascii").strip()
    session = Path(machines.cluster.head_node.get_session_dir_path())
    logs = [path for path in session.rglob("*") if path.is_file()]
    assert len(logs) > 10
    for path in logs:
        data = path.read_bytes()
        assert CANARY.encode() not in data
        assert seed.encode() not in data
        assert bytes.fromhex(seed) not in data


def test_an_interrupted_run_keeps_what_was_graded_and_leaves_no_process_on_the_cluster(
    machines: Machines, course: Course, tmp_path: Path
) -> None:
    for number in range(200):
        hand_in(course, f"s{number:03}", notebook(RIGHT))
    noted = tmp_path / "noted"
    os.mkfifo(noted)
    instrument(course, noted)
    arguments = ("grade", TOPIC, "--executor", "ray", "--ray-address", machines.address, "--db", "none")
    with (
        subprocess.Popen(
            command(*arguments),
            cwd=course.root,
            env=environment(),
            stdout=-1,
            stderr=-1,
            text=True,
            start_new_session=True,
        ) as process,
        os.fdopen(os.open(noted, os.O_RDWR), encoding="utf-8") as notes,  # writing as well: it has no end then
    ):
        at_work = {notes.readline().strip() for _ in range(200)}  # more than waits in pipes on the way here
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
        while any(Path("/proc", number, "exe").exists() for number in at_work):
            os.sched_yield()
    assert (process.returncode, out) == (3, ""), err
    assert "interrupted; what was graded is kept" in err
    assert "Traceback" not in err
    kept = [GradeReport.from_json(path.read_bytes()) for path in (course.results / TOPIC).glob("*.json")]
    assert 0 < len(kept) < 200
    assert {found.score for found in kept} == {5.0}


def test_without_an_address_a_private_cluster_is_started_and_nothing_of_it_is_left(course: Course) -> None:
    before = left_behind()
    reports = graded(RayEngine(), course, [hand_in(course, "ada", KINDS[0])], jobs=1)
    assert next(reports).score == 5.0
    (folder,) = {path for path in left_behind() - before if path.name.startswith("ag-ray-")}
    assert (folder / "ray").is_dir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(reports) == []
    assert left_behind() <= before


def left_behind() -> set[Path]:
    folder = Path(tempfile.gettempdir())
    return {*folder.glob("ag-ray-*"), *folder.glob("autograder-course-*")}


def test_no_machine_with_what_is_asked_for_ends_the_run(machines: Machines, course: Course) -> None:
    engine = RayEngine(machines.address, gpus=0.5, patience_seconds=0.5)
    with pytest.raises(UsageError, match=r"no grading process could start .* \(\d of \d CPUs free, 0 of 0 GPUs free\)"):
        list(graded(engine, course, [hand_in(course, "ada", KINDS[0])]))


def test_a_cluster_that_does_not_answer_ends_the_run(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    engine = RayEngine("127.0.0.1:1", join_seconds=0.5)
    with pytest.raises(UsageError, match=r"no Ray cluster answers at 127.0.0.1:1 within 0.5 s: is it running"):
        list(graded(engine, course, [hand_in(course, "ada", KINDS[0])]))


def test_the_loss_of_ray_s_part_of_a_run_is_told(machines: Machines, course: Course) -> None:
    reports = graded(RayEngine(machines.address), course, [hand_in(course, f"s{n:02}", KINDS[0]) for n in range(60)])
    assert next(reports).score == 5.0
    (conductor,) = multiprocessing.active_children()
    conductor.kill()
    with pytest.raises(GraderError, match="the connection to the Ray cluster ended; Ray said: "):
        list(reports)
    assert multiprocessing.active_children() == []


def test_an_author_s_mistake_arrives_as_itself(course: Course) -> None:
    edit(course.assignment(TOPIC).reference, "_FACTOR = 0.5", "_FACTOR = nothing")
    with pytest.raises(AuthoringError, match=rf"^{course.root}/reference/halving.py: importing it raised NameError"):
        list(graded(RayEngine(), course, [hand_in(course, "ada", KINDS[0])]))


def test_without_submissions_nothing_starts(course: Course) -> None:
    assert list(graded(RayEngine("nowhere:1"), course, [])) == []


def test_ray_client_is_refused() -> None:
    with pytest.raises(UsageError, match="Ray Client cannot be used; run autograder on a machine of the cluster"):
        RayEngine("ray://head:10001")


def test_a_process_that_cannot_be_made_is_explained() -> None:
    from ray.exceptions import ActorDiedError, RayActorError

    from autograder.cluster.crew import why_none_starts

    missing = RayActorError(
        "7", "The actor died\n\x1b[36mray::X\nModuleNotFoundError: No module named 'autograder'\n", True
    )
    assert str(why_none_starts(missing)) == (
        "a machine of the cluster cannot make a grading process: ModuleNotFoundError: No module named 'autograder'; "
        "install the same autograder on every machine"
    )
    assert str(why_none_starts(ActorDiedError())).startswith(
        "grading processes die on the cluster before they start: The"
    )
