"""Grading on a Ray cluster of two machines, which are processes here: a machine dies when its raylet is killed."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
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
from tests.toolkit.command_line import command, environment, result
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


@dataclass
class Machines:
    """A cluster: its address, and a way to lose the machine that is not the head."""

    address: str
    cluster: Any

    def processors(self) -> int:
        return sum(node["Resources"].get("CPU", 0) for node in self.cluster.global_state.node_table() if node["Alive"])

    def lose_one(self) -> None:
        (node,) = self.cluster.worker_nodes
        self.cluster.remove_node(node, allow_graceful=False)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
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
    told = msgspec.to_builtins(found)
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
    edit(course.assignment(TOPIC).hidden_tests, first, NOTE_WHO_GRADES.format(path=str(path)).strip("\n") + "\n" + first)
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
        if not lost and len(at_work() - {here}) == 2:
            machines.lose_one()
            lost = True
    assert lost
    assert machines.processors() == 1
    assert sorted(found.student for found in landed) == sorted(submission.student for submission in submissions)
    for found in landed:
        kind = found.student if found.student == "link" else f"s{int(found.student[1:]) % len(KINDS):03}"
        assert timeless(found) == expected[kind]


def test_a_submission_that_kills_its_processes_is_reported_and_the_others_are_graded(
    machines: Machines, course: Course
) -> None:
    # A hidden test with a bug that one answer sets off, the worst there can be: the process is gone.
    edit(
        course.assignment(TOPIC).hidden_tests,
        "    assert_inputs_untouched(student.halve, x)",
        "    if student.describe('poison') == 'value':\n        __import__('os').kill(__import__('os').getpid(), 9)\n"
        "    assert_inputs_untouched(student.halve, x)",
    )
    kinds = {"eve": notebook(RIGHT, "poison = 1"), "joe": notebook(RIGHT), "zoe": notebook(RIGHT)}
    submissions = [hand_in(course, student, data) for student, data in kinds.items()]
    landed = [(found.student, found.score, found.message) for found in graded(RayEngine(machines.address), course, submissions)]
    died = ("eve", 0.0, "the grading process died 2 times on this submission")
    assert sorted(landed) == [died, ("joe", 5.0, ""), ("zoe", 5.0, "")]


def test_the_sandbox_keeps_its_promises_on_a_machine_and_nothing_secret_is_left_there(
    machines: Machines, course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = f"canary-{secrets.token_hex(16)}"
    edit(
        course.assignment(TOPIC).hidden_tests,
        "    assert_inputs_untouched(student.halve, x)",
        f"    print({canary!r}, file=__import__('sys').stderr)\n    assert_inputs_untouched(student.halve, x)",
    )
    tricks = [read(CORPUS / f"{name}.py") for name in ("search_canary", "environment_and_arguments", "close_descriptors")]
    submissions = [hand_in(course, trick.name, notebook(*trick.cells())) for trick in tricks]
    landed = {found.student: found for found in graded(RayEngine(machines.address), course, submissions)}
    for trick in tricks:
        assert landed[trick.name].score == trick.expect["score"], landed[trick.name]
    seed = (course.state / "seed").read_text(encoding="ascii").strip()
    session = Path(machines.cluster.head_node.get_session_dir_path())
    logs = [path for path in session.rglob("*") if path.is_file()]
    assert len(logs) > 10
    for path in logs:
        data = path.read_bytes()
        assert canary.encode() not in data
        assert seed.encode() not in data
        assert bytes.fromhex(seed) not in data
