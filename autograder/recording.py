"""Results from a machine that ran student code, judged by one that never does, and entered.

Grading in CI runs where a submission may have broken out of its sandbox. So its result files are taken for what a
stranger sent: each must be a report on the notebook that was collected, by the tests and the reference that lie here,
with every title and total of theirs, and its points must follow from its verdicts by the rules of ``scoring``.
Nothing in here starts a process or knows how a notebook is run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from autograder.course import Course, tests_digest
from autograder.disclosure import Level
from autograder.errors import InvalidSubmission, UsageError
from autograder.feedback import render
from autograder.landing import land_once
from autograder.model import SCHEMA_VERSION, GradeReport, Submission, TestRecord, Verdict, worst
from autograder.provenance import basis_told, reference_digest
from autograder.readers import Readers
from autograder.release.asked import asked
from autograder.release.manifest import MANIFEST_NAME, check_manifest, read_manifest
from autograder.results import course_lock, result_path
from autograder.roster import course_roster
from autograder.scoring import overall_verdict, score_questions, totals
from autograder.submissions import find_submissions, read_bytes, read_submission, submitted_bytes
from autograder.suite import HiddenTest, collect
from autograder.teams import parties

REPORT_BYTES = 4 << 20
RESULTS_BYTES = 1 << 30  # of a class in one file
SECONDS = 1e6  # no notebook takes longer
YEARS = range(2000, 2100)


class RefusedReportError(Exception):
    """A result file that may not be entered; the message says why."""


@dataclass(frozen=True)
class Recorded:
    """The reports that were entered, and why other submissions have none, by student or team.

    ``strangers`` are not in the course's roster: recorded, and kept out of the gradebook.
    """

    reports: tuple[GradeReport, ...]
    problems: dict[str, str]
    strangers: tuple[str, ...] = ()


def record_class(
    course: Course, topic: str, submitted: Path, results: Path, db_url: str | None = None, level: Level | None = None
) -> Recorded:
    """Enter the results of the notebooks in ``submitted``: gradebook, pages and the course's results.

    ``results`` is a folder as ``grade --results`` leaves it, or a file as ``grade --json`` does. Raises ``UsageError``
    where it is neither. What is entered is told in the history, and a team's grade is entered for each member.
    """
    with course_lock(course):
        judge, told = _Judge(course, topic), _told(results, topic)
        found, _ = find_submissions(submitted, topic, notebooks=course.assignment(topic).several)
        who = parties(found, course_roster(course))
        reports, problems = list[GradeReport](), dict(who.conflicts)
        with Readers(course, topic, course.results, gradebook=True, db_url=db_url, level=level) as reading:
            for submission in who.submissions:
                shares = who.shares[submission.student]
                try:
                    accepted = _accepted(judge, told, shares)
                except RefusedReportError as error:
                    problems |= {share.student: str(error) for share in shares}
                    continue
                for report, share in who.each(accepted):
                    land_once(course, course.results, report, basis_told(report), submitted_bytes(share))
                    reading.take(report, share, enter=report.student not in who.strangers)
                    reports.append(report)
    return Recorded(tuple(reports), problems, tuple(sorted(who.strangers)))


def _accepted(judge: _Judge, told: Callable[[str], bytes], shares: Sequence[Submission]) -> GradeReport:
    """The report on a notebook, from the result of any of those whose grade it is; under the first one's name."""
    share = next((share for share in shares if told(share.student)), shares[0])
    return replace(judge.accepted(share, told(share.student)), student=shares[0].student)


class _Judge:
    """What a report on one assignment must agree with."""

    def __init__(self, course: Course, topic: str) -> None:
        self._assignment = course.assignment(topic)
        self._suite = collect(course, self._assignment)
        manifest = read_manifest(self._assignment.release_folder / MANIFEST_NAME)
        check_manifest(manifest, self._suite, self._assignment.front)
        self._notebooks = asked(self._assignment, [question.name for question in manifest.questions])
        self._manual = {name: question.points for name, question in self._assignment.front.manual.items()}
        self._tests = tests_digest(self._assignment)
        self._reference = reference_digest(self._assignment)

    def accepted(self, submission: Submission, told: bytes) -> GradeReport:
        """The report on ``submission`` in ``told``; raises ``RefusedReportError`` where it is none or does not hold."""
        if not told:
            raise RefusedReportError("there is no result of it")
        try:
            report = GradeReport.from_json(told)
        except (msgspec.DecodeError, RecursionError) as error:
            raise RefusedReportError(f"its result is no report: {error}") from error
        if report.verdict is Verdict.GRADER_ERROR:
            raise RefusedReportError("the grader failed on it; see its log")
        self._require_current(report, submission)
        self._require_sums(report)
        self._require_readable(report)
        return report

    def _require_current(self, report: GradeReport, submission: Submission) -> None:
        if report.schema != SCHEMA_VERSION:
            raise RefusedReportError(f"its result has schema {report.schema}, and this version reads {SCHEMA_VERSION}")
        if (report.student, report.assignment) != (submission.student, submission.assignment):
            raise RefusedReportError(f"its result is that of {report.student!r} in {report.assignment!r}")
        try:
            handed_in = read_submission(submission, self._assignment.front.limits)
        except InvalidSubmission:
            handed_in = b""
        past = report.provenance
        for found, wanted, what in (
            (past.submission_sha256, hashlib.sha256(handed_in).hexdigest(), "another notebook"),
            (past.tests_sha256, self._tests, "other hidden tests"),
            (past.reference_sha256, self._reference, "another reference"),
        ):
            if found != wanted:
                raise RefusedReportError(f"its result was made with {what} than there is here; grade it again")

    def _require_sums(self, report: GradeReport) -> None:
        """All that counts must come out when it is worked out from the verdicts."""
        records = {test.name: test for question in report.questions for test in question.tests}
        if sorted(records) != sorted(test.name for test in self._suite.tests):
            raise RefusedReportError("its result does not hold the tests of this assignment")
        scored = [_scored(test, records[test.name]) for test in self._suite.tests]
        questions = score_questions(self._suite, scored, self._manual, self._notebooks)
        sums = (report.score, report.max_score, report.pending_points)
        if report.questions != questions or sums != totals(questions):
            raise RefusedReportError("the points in its result do not follow from its verdicts")
        overall = overall_verdict(questions)
        if worst([overall, report.verdict]) is not report.verdict:
            raise RefusedReportError(f"its result calls itself {report.verdict}, and a test of it {overall}")

    def _require_readable(self, report: GradeReport) -> None:
        """All that nothing here can be compared with must at least stop no page and no table of the class."""
        if not {cell.notebook for cell in report.cells} <= {"", *self._assignment.several}:
            raise RefusedReportError("its result tells of a notebook that this assignment does not have")
        times = (report.provenance.seconds, *(test.seconds for q in report.questions for test in q.tests))
        if not all(0 <= seconds <= SECONDS for seconds in times):
            raise RefusedReportError(f"its result holds a time that is not between 0 and {SECONDS:.0f} seconds")
        started = report.provenance.started
        try:
            year = datetime.fromisoformat(started).astimezone(UTC).year
        except (ValueError, OverflowError):
            year = 0
        if year not in YEARS:
            raise RefusedReportError(f"its result says that it was made {started!r}, which is no time of these years")
        try:
            render(report, title=self._assignment.front.title)
        except Exception as error:
            raise RefusedReportError(f"its result cannot be shown: {type(error).__name__}: {error}") from error


def _told(results: Path, topic: str) -> Callable[[str], bytes]:
    """What ``results`` says of a student; of two answers the grade, not the failure; nothing where there is none."""
    if results.is_dir():

        def from_folder(student: str) -> bytes:
            path = result_path(results, topic, student)
            return read_bytes(path, REPORT_BYTES) or read_bytes(path.parent / "errors" / path.name, REPORT_BYTES)

        return from_folder
    try:
        with results.open("rb") as file:
            data = file.read(RESULTS_BYTES + 1)
        if len(data) > RESULTS_BYTES:
            raise UsageError(f"{results}: has more than {RESULTS_BYTES} bytes, which no grading writes; grade again")
        listed = msgspec.json.decode(data, type=list[msgspec.Raw])
        found = [(msgspec.json.decode(report, type=_Whose).student, bytes(report)) for report in listed]
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        raise UsageError(
            f"{results}: holds no results ({error}); name what 'autograder grade' wrote for --results or --json"
        ) from error
    by_student = dict(found)
    twice = len(found) > len(by_student)
    if twice or any(len(report) > REPORT_BYTES for report in by_student.values()):
        what = "two results of one student" if twice else f"a result of more than {REPORT_BYTES >> 20} MiB"
        raise UsageError(f"{results}: holds {what}, which no grading writes; grade again")
    return lambda student: by_student.get(student, b"")


class _Whose(msgspec.Struct):
    student: str


def _scored(test: HiddenTest, found: TestRecord) -> TestRecord:
    """``found`` with the title, the total and, by its verdict alone, the points of ``test``."""
    full = test.question.points
    points = {Verdict.PASSED: full, Verdict.DEFERRED: None}.get(found.verdict, 0.0)
    return replace(found, title=test.title, max_points=full, points=points)
