"""Grades specimens the way submissions are graded: in the sandbox, by the worker pool, with the real suite."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from autograder import api
from autograder.course import Assignment, Course
from autograder.model import GradeReport, QuestionResult, Submission, TestRecord, Verdict
from autograder.pool import default_jobs
from autograder.provenance import Options, basis_of
from autograder.seed import Seed
from autograder.specimens import Specimen
from autograder.suite import Suite

Case = TypeVar("Case")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Graded:
    """A specimen with its report."""

    specimen: Specimen
    report: GradeReport
    suite: Suite

    @property
    def own(self) -> QuestionResult:
        """The result of the question that the specimen answers in its own way."""
        return next(question for question in self.report.questions if question.name == self.specimen.question)


def lost(question: QuestionResult) -> list[TestRecord]:
    """The tests that a question lost."""
    return [record for record in question.tests if record.verdict not in (Verdict.PASSED, Verdict.DEFERRED)]


class Ticks:
    """Counts graded specimens over several threads, and ends them at the next one where the proof was given up."""

    def __init__(self, total: int, progress: Callable[[int, int], None]) -> None:
        self._total, self._progress = total, progress
        self._done, self._given_up = 0, False
        self._lock = threading.Lock()
        progress(0, total)

    def __call__(self) -> None:
        """One more was graded."""
        with self._lock:
            if self._given_up:
                raise GivenUp
            self._done += 1
            self._progress(self._done, self._total)

    def give_up(self) -> None:
        """Let no thread go on."""
        with self._lock:
            self._given_up = True


class GivenUp(Exception):
    """Another assignment's proof ended this one; nobody waits for it any more."""


def side_by_side(
    cases: Sequence[Case], work: Callable[[Case, int], Found], size: Callable[[Case], int], jobs: int, ticks: Ticks
) -> list[Found]:
    """``work(case, jobs of its own)`` for every case, in order, as many at once as there are jobs, the largest first.

    Opening an assignment (its examples, its misconceptions' answers) keeps one process busy: another one is graded
    meanwhile.
    """
    jobs = jobs or default_jobs()
    at_once = max(1, min(jobs, len(cases)))
    with ThreadPoolExecutor(at_once) as threads:
        by_size = sorted(range(len(cases)), key=lambda index: -size(cases[index]))
        begun = {index: threads.submit(work, cases[index], max(1, jobs // at_once)) for index in by_size}
        try:
            return [begun[index].result() for index in range(len(cases))]
        except BaseException:
            ticks.give_up()
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def grade_specimens(
    course: Course,
    assignment: Assignment,
    suite: Suite,
    specimens: Sequence[Specimen],
    options: Options,
    *,
    jobs: int,
    advance: Callable[[], None],
) -> list[Graded]:
    """The specimens with their reports, in order; ``advance`` is told of each.

    Raises ``AuthoringError`` where grading cannot start, ``IsolationError`` where the sandbox cannot keep its promises.
    """
    reports: dict[str, GradeReport] = {}
    with tempfile.TemporaryDirectory(prefix="autograder-proof-") as scratch:
        folder = Path(scratch).resolve()
        waiting = [_hand_in(folder, assignment.topic, number, item) for number, item in enumerate(specimens)]
        order = api.Order(topic=assignment.topic, submitted=folder, results=folder, options=options, jobs=jobs)
        basis = basis_of(assignment, Seed.of_course(course.state), options)
        for report in api.grade_each(course, order, waiting, basis):
            reports[report.student] = report
            advance()
    return [Graded(item, reports[str(number)], suite) for number, item in enumerate(specimens)]


def _hand_in(folder: Path, topic: str, number: int, item: Specimen) -> Submission:
    path = folder / str(number) / f"{topic}.ipynb"
    path.parent.mkdir()
    path.write_bytes(item.notebook)
    return Submission(student=str(number), assignment=topic, path=path, questions=item.graded)
