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


def test_a_machine_that_dies_loses_nothing_and_grades_are_those_of_one_machine(
    machines: Machines, course: Course
) -> None:
    machines.cluster.add_node(num_cpus=1)
    submissions = [hand_in(course, f"s{number:03}", KINDS[number % len(KINDS)]) for number in range(200)]
    submissions.append(Submission(student="link", assignment=TOPIC, path=course.root / "link.ipynb"))
    (course.root / "link.ipynb").symlink_to(submissions[0].path)
    kinds = [*submissions[: len(KINDS)], submissions[-1]]
    expected = {found.student: timeless(found) for found in graded(grade_many, course, kinds, jobs=1)}
    landed = []
    for found in graded(RayEngine(machines.address), course, submissions):
        landed.append(found)
        if len(landed) == 60:
            machines.lose_one()
    assert sorted(found.student for found in landed) == sorted(submission.student for submission in submissions)
    for found in landed:
        kind = found.student if found.student == "link" else f"s{int(found.student[1:]) % len(KINDS):03}"
        assert timeless(found) == expected[kind]
