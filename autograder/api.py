"""Grading a class, from submissions to results, gradebook and pages: what the command line calls."""

from __future__ import annotations

import atexit
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol
from xml.etree import ElementTree

import msgspec

from autograder import pool
from autograder.capacity import default_jobs
from autograder.course import Course
from autograder.files import sweep, write_whole
from autograder.interrupts import heeded
from autograder.landing import land, land_once
from autograder.model import GradeReport, Provenance, Submission, Verdict
from autograder.provenance import Basis, Options, basis_of, what_changed
from autograder.readers import Readers
from autograder.results import course_lock, read_report, result_path
from autograder.roster import course_roster
from autograder.seed import Seed
from autograder.submissions import find_submissions, require_submitted, submitted_bytes
from autograder.teams import Parties, parties, teams_of
from autograder.text import clean, inert_json, inert_xml

if TYPE_CHECKING:
    from autograder.runner import Grader


class Progress(Protocol):
    """Told about each report as it lands."""

    def __call__(self, report: GradeReport, previous: GradeReport | None, changed: Sequence[str]) -> None:
        """``previous`` is the student's earlier report, ``changed`` what differs from when it was made."""


class Engine(Protocol):
    """Grades many submissions, wherever it does so; ``pool.grade_many`` does it on this machine."""

    def __call__(
        self,
        root: Path,
        topic: str,
        submissions: Sequence[Submission],
        options: bytes,
        jobs: int,
        broken: Callable[[Submission, str], GradeReport],
    ) -> Iterator[GradeReport]:
        """Reports as they are ready, as ``pool.grade_many`` describes it."""


@dataclass(frozen=True)
class Order:
    """What to grade, and where results go. ``submitted`` and ``results`` default to the course's own folders."""

    topic: str
    submitted: Path
    results: Path
    students: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    jobs: int = 0  # 0: as many as the engine's machines bear
    engine: Engine = pool.grade_many
    force: bool = False
    gradebook: bool = True
    db_url: str | None = None  # None: the database that nbgrader is configured for
    level: Literal["full", "category"] | None = None  # None: as the handout says


@dataclass(frozen=True)
class Graded:
    """A grading run's outcome: every report, new or still standing, by student."""

    reports: tuple[GradeReport, ...]
    fresh: tuple[str, ...]
    strange_folders: tuple[str, ...]
    strangers: tuple[str, ...] = ()  # not in the course's roster: graded, and kept out of the gradebook
    conflicts: Mapping[str, str] = field(default_factory=dict)  # teams without a grade in this run, and why

    @property
    def complete(self) -> bool:
        """Whether every submission has a grade."""
        return not self.conflicts and not self.failed

    @property
    def failed(self) -> bool:
        """Whether the grader itself failed on a submission."""
        return any(report.verdict is Verdict.GRADER_ERROR for report in self.reports)


def grade_class(course: Course, order: Order, started: Callable[[int, int], None], progress: Progress) -> Graded:
    """Grade what is not up to date; ``started(total, to_grade)`` is told first, ``progress`` as reports land.

    What was graded is kept when this is interrupted: each report is written as it lands.
    """
    with course_lock(course), heeded() as heed_interrupts:
        for folder in (course.state, order.results / order.topic, course.root / "feedback", course.root / "autograded"):
            sweep(folder)
        assignment = course.assignment(order.topic)
        basis = basis_of(assignment, Seed.of_course(course.state), order.options)
        who, strange = _parties(course, order)
        submissions = who.submissions
        standing, waiting = _compared(submissions, order.results, basis, force=order.force)
        started(len(submissions), len(waiting))
        reports = dict[str, GradeReport]()
        with readers(course, order) as reading:
            for stands in standing.values():
                for report, submission in who.each(stands):
                    if report.student not in standing:
                        land_once(course, order.results, report, basis, submitted_bytes(submission))
                    reports[report.student] = report
                    reading.take(report, submission, enter=report.student not in who.strangers)
                    heed_interrupts()
            reading.settle()
            for fresh in grade_each(course, order, waiting, basis):
                for report, submission in who.each(fresh):
                    previous, changed = land(course, order.results, report, basis, submitted_bytes(submission))
                    reports[report.student] = report
                    reading.take(report, submission, enter=report.student not in who.strangers)
                    progress(report, previous, changed)
                heed_interrupts()
    ordered = tuple(reports[student] for student in sorted(reports))
    graded, strangers = tuple(submission.student for submission in waiting), tuple(sorted(who.strangers))
    return Graded(ordered, graded, tuple(strange), strangers, who.conflicts)


def _parties(course: Course, order: Order) -> tuple[Parties, list[str]]:
    """What is to be graded, and folder names that are no student ids."""
    roster = course_roster(course)
    teams = teams_of(roster)
    named = () if teams else order.students  # a member's notebook may lie in another's folder
    several = course.assignment(order.topic).several
    found, strange = find_submissions(order.submitted, order.topic, named, several)
    who = parties(found, roster, order.students)
    there = {share.student for submission in who.submissions for share in who.shares[submission.student]}
    there |= {student for team in who.conflicts for student in teams[team]}
    require_submitted(order.submitted, order.topic, set(order.students) - there)
    return who, strange


def readers(course: Course, order: Order) -> Readers:
    """What reads the reports of ``order``."""
    return Readers(
        course, order.topic, order.results, gradebook=order.gradebook, db_url=order.db_url, level=order.level
    )


def grade_each(course: Course, order: Order, waiting: list[Submission], basis: Basis) -> Iterator[GradeReport]:
    """Reports of ``waiting`` as they are ready, over as many workers as asked for."""
    options, jobs = msgspec.json.encode(order.options), order.jobs
    if order.options.gpu is not None:
        limits = order.options.limits or course.assignment(order.topic).front.limits
        jobs = min(jobs or default_jobs(), order.options.gpu.students(limits.gpu_bytes))

    def broken(submission: Submission, message: str) -> GradeReport:
        return empty_report(submission, message, basis)

    return order.engine(course.root, order.topic, waiting, options, jobs, broken)


def empty_report(submission: Submission, message: str, basis: Basis) -> GradeReport:
    """The ``grader_error`` report of a submission that no worker survived."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    provenance = Provenance(
        submission_sha256=hashlib.sha256(submitted_bytes(submission)).hexdigest(),
        started=now,
        seconds=0.0,
        **vars(basis),
    )
    return GradeReport(
        student=submission.student,
        assignment=submission.assignment,
        score=0.0,
        max_score=0.0,
        pending_points=0.0,
        verdict=Verdict.GRADER_ERROR,
        questions=(),
        message=message,
        provenance=provenance,
    )


def grade_one(course: Course, submission: Submission, options: Options | None = None) -> GradeReport:
    """Grade one submission in this process; a report whose grade still stands is returned as it is.

    Writes the result file and the page. What grading needs stays warm for the next call in this
    process, until the assignment's files change.
    """
    order = Order(submission.assignment, course.submitted, course.results, options=options or Options())
    basis = basis_of(course.assignment(order.topic), Seed.of_course(course.state), order.options)
    standing, waiting = _compared([submission], order.results, basis)
    if not waiting:
        return standing[submission.student]
    report = _WARM.grader(course, order, basis).grade(waiting[0])
    land(course, order.results, report, basis, submitted_bytes(submission))
    with readers(course, replace(order, gradebook=False)) as reading:
        reading.take(report, submission)
    return report


class _Warm:
    """The grader of the last single submission, kept for the next one of the same assignment."""

    def __init__(self) -> None:
        self._key: tuple[Path, str, Options, Basis] | None = None
        self._grader: Grader | None = None

    def grader(self, course: Course, order: Order, basis: Basis) -> Grader:
        from autograder.runner import Grader

        key = (course.root, order.topic, order.options, basis)
        if self._grader is None or self._key != key:
            self.close()
            self._grader = Grader(Course(course.root), order.topic, order.options)
            self._key = key
        self._grader.wait_ready()
        return self._grader

    def close(self) -> None:
        if self._grader is not None:
            self._grader.close()
            self._grader = None


_WARM = _Warm()
atexit.register(_WARM.close)


def _compared(
    submissions: Sequence[Submission], results: Path, basis: Basis, *, force: bool = False
) -> tuple[dict[str, GradeReport], list[Submission]]:
    """Earlier reports whose grade still stands, by student, and what is to be graded.

    Where nothing but the hidden tests or the device has changed, a submission takes its earlier report along: what
    they do not touch of it is kept. With ``force`` everything is graded, and nothing kept. What took longest the last
    time comes first, so that no long one is left over when the others are done.
    """
    standing, waiting, seconds = dict[str, GradeReport](), list[Submission](), dict[str, float]()
    for submission in submissions:
        report = read_report(result_path(results, submission.assignment, submission.student))
        changed = what_changed(report, basis, submitted_bytes(submission)) if report is not None else []
        if report is not None and not changed and not force:
            standing[submission.student] = report
            continue
        earlier = report if changed in (["tests"], ["device"]) and not force else None
        waiting.append(msgspec.structs.replace(submission, earlier=earlier))
        seconds[submission.student] = report.provenance.seconds if report is not None else 0.0
    return standing, sorted(waiting, key=lambda submission: -seconds[submission.student])


def write_json(path: Path, reports: Sequence[GradeReport]) -> None:
    """All reports as one JSON list."""
    write_whole(path, inert_json(msgspec.json.format(msgspec.json.encode(reports), indent=2)) + b"\n")


def write_junit(path: Path, topic: str, reports: Sequence[GradeReport]) -> None:
    """One test suite per student, one case per hidden test: what CI systems read."""
    root = ElementTree.Element("testsuites", name=topic)
    for report in reports:
        tests = [(question, test) for question in report.questions for test in question.tests]
        suite = ElementTree.SubElement(root, "testsuite", name=clean(report.student), tests=str(max(1, len(tests))))
        if not tests:
            case = ElementTree.SubElement(suite, "testcase", classname=topic, name="grading")
            ElementTree.SubElement(case, "error", message=clean(report.message), type=str(report.verdict))
        for question, test in tests:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"{topic}.{question.name}", name=test.name, time=f"{test.seconds:.3f}"
            )
            kind = _JUNIT_KINDS.get(test.verdict, "failure")
            if kind:
                ElementTree.SubElement(case, kind, message=clean(test.message), type=str(test.verdict))
    ElementTree.indent(root)
    write_whole(path, inert_xml(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n")


_JUNIT_KINDS = {Verdict.PASSED: "", Verdict.DEFERRED: "skipped", Verdict.GRADER_ERROR: "error"}
