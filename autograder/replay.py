"""Repeats a grading from its record, and says what differs. Writes no result, gradebook or page."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from autograder.course import Assignment, Course
from autograder.errors import InvalidSubmission, UsageError
from autograder.gpu import find
from autograder.model import SCHEMA_VERSION, GradeReport, Limits, Provenance, Submission, TestRecord, records_of
from autograder.provenance import Basis, Options, basis_of
from autograder.runner import Grader
from autograder.seed import Seed
from autograder.submissions import is_student_id, read_submission

_NOTHING = hashlib.sha256().hexdigest()  # what a submission that could not be read was recorded with


@dataclass(frozen=True)
class Change:
    """Something that a grade depends on and that is not as it was. ``blocks``: the grading cannot be repeated."""

    what: str
    was: str
    now: str
    blocks: bool = True


@dataclass(frozen=True)
class Difference:
    """A test, or the grade as a whole, that came out otherwise; ``None`` where one side has no such test."""

    name: str
    was: str | None
    now: str | None


@dataclass(frozen=True)
class Plan:
    """A grading to repeat: its record, what it is repeated with, and what has changed since."""

    record: GradeReport
    course: Course
    submission: Submission
    options: Options
    seed: Seed | None
    changes: tuple[Change, ...]
    test: str | None = None


# ------------------------------------------------------------------------------------------ before


def read_record(path: Path) -> GradeReport:
    """The report in a result file; raises ``UsageError`` where it is none."""
    try:
        record = GradeReport.from_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; name a result file: results/TOPIC/STUDENT.json") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: no result file of one submission: {error}") from error
    if record.schema != SCHEMA_VERSION:
        raise UsageError(f"{path}: a result of schema {record.schema}; this version reads {SCHEMA_VERSION}")
    if not is_student_id(record.student):
        raise UsageError(f"{path}: {record.student!r} is no student id")
    return record


def prepare(
    course: Course,
    record: GradeReport,
    *,
    submission: Path | None = None,
    test: str | None = None,
    isolation: Literal["sandbox", "process"] = "sandbox",
) -> Plan:
    """What to repeat, and everything that changed since, before anything is graded."""
    assignment = course.assignment(record.assignment)
    topic, past = record.assignment, record.provenance
    path = submission or course.submitted / record.student / topic / f"{topic}.ipynb"
    limits = past.limits if past.limits != assignment.front.limits else None
    options = Options(isolation=isolation, limits=limits, **_device(past))
    seed = Seed.of_id(course.state, past.seed_id)
    questions = _questions(record, test)
    found = Submission(
        student=record.student, assignment=topic, path=path, questions=questions, notebooks=assignment.several
    )
    changes = [
        *_submission_changes(record, found, limits or assignment.front.limits),
        *_seed_changes(course, record, seed),
        *_basis_changes(record, _basis(assignment, record, seed or Seed.of_course(course.state), limits), test),
    ]
    if isolation != past.isolation:
        changes.append(Change("the isolation", past.isolation, isolation, blocks=False))
    return Plan(record, course, found, options, seed, tuple(changes), test)


def _questions(record: GradeReport, test: str | None) -> tuple[str, ...]:
    """The question that a test belongs to; raises ``UsageError`` where the record knows no such test."""
    if test is None:
        return ()
    questions = {known.name: question.name for question in record.questions for known in question.tests}
    if test not in questions:
        near = difflib.get_close_matches(test, questions, n=1)
        listed = f"did you mean {near[0]!r}?" if near else f"it holds: {', '.join(questions) or 'no test at all'}"
        raise UsageError(f"the result of {record.student!r} holds no test {test!r}; {listed}")
    return (questions[test],)


def _submission_changes(record: GradeReport, submission: Submission, limits: Limits) -> Iterator[Change]:
    was, path = record.provenance.submission_sha256, submission.path
    beside = [path, *(path.with_name(f"{name}.ipynb") for name in submission.notebooks)]
    if was != _NOTHING and not any(each.exists() for each in beside):
        raise UsageError(f"the submission is gone: {path} does not exist; name the notebook: --submission PATH")
    try:
        data = read_submission(submission, limits)
    except InvalidSubmission:
        data = b""
    now = hashlib.sha256(data).hexdigest()
    if now != was:
        yield Change("the submitted notebook", was[:12], now[:12])


def _seed_changes(course: Course, record: GradeReport, seed: Seed | None) -> Iterator[Change]:
    if seed is None:
        kept = [Seed.of_course(course.state).id, *Seed.earlier(course.state)]
        yield Change("the secret seed", record.provenance.seed_id, f"gone; the course holds {', '.join(kept)}")


def _device(past: Provenance) -> dict[str, Any]:
    """The recorded device where this machine has it; the CPU where not, which the plan then tells."""
    card = find() if past.device == "cuda" else None
    return {"device": "cuda", "gpu": card} if card else {}


def _basis(assignment: Assignment, record: GradeReport, seed: Seed, limits: Limits | None) -> Basis:
    """What a grading now would depend on, told what the recorded one was told."""
    options = Options(limits=limits, **_device(record.provenance))
    if record.provenance.isolation == "process":
        options = msgspec.structs.replace(options, isolation="process")
    return basis_of(assignment, seed, options)


def _basis_changes(record: GradeReport, basis: Basis, test: str | None) -> Iterator[Change]:
    past = record.provenance
    if past.tests_sha256 != basis.tests_sha256:
        yield Change("the hidden tests", past.tests_sha256[:12], basis.tests_sha256[:12])
    if past.reference_sha256 != basis.reference_sha256:
        what = "the reference, its misconceptions or the assignment's data"
        yield Change(what, past.reference_sha256[:12], basis.reference_sha256[:12])
    if past.options != basis.options:
        # The limits are taken from the record where it holds them; the questions that are left are compared anyhow.
        what = "the handout's header, or the options of the run"
        yield Change(what, past.options or "not recorded", basis.options, blocks=past.limits is None)
    if past.device != basis.device:
        there = [each.device in ("", past.device) for each in records_of(record) if test in (None, each.name)]
        yield Change("the device", past.device, basis.device, blocks=any(there))
    for name in past.versions.__struct_fields__:
        was, now = getattr(past.versions, name), getattr(basis.versions, name)
        if was != now:
            yield Change(f"the version of {name}", was or "not recorded", now, blocks=False)


# ------------------------------------------------------------------------------------------- again


def run(plan: Plan, told: Callable[[Change], object]) -> GradeReport:
    """Grade the submission again in this process; ``told`` hears what only the drawn examples show."""
    assert plan.seed is not None, "a plan without its seed cannot be run"  # noqa: S101 - the caller has said so
    with warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("ignore")  # as in a worker: what an oracle warns of helps nobody here
        grader = stack.enter_context(Grader(plan.course, plan.record.assignment, plan.options, plan.seed))
        grader.wait_ready()
        was = plan.record.provenance.examples_sha256
        if was and was != grader.examples_sha256:
            told(Change("what the seed draws as examples", was[:12], grader.examples_sha256[:12]))
        if plan.options.device != "cpu":  # a class that was completed there was graded on the CPU before
            grader.devices = {each.name: each.device for each in records_of(plan.record)}
        return grader.grade(plan.submission)


# ------------------------------------------------------------------------------------------- after


def differences(plan: Plan, again: GradeReport) -> list[Difference]:
    """What came out otherwise: tests by verdict and points, then the whole grade where all of it was repeated."""
    was, now = _tests(plan.record), _tests(again)
    names = [plan.test] if plan.test else list(dict.fromkeys([*was, *now]))
    found = [
        Difference(name, _outcome(was.get(name)), _outcome(now.get(name)))
        for name in names
        if not _same_outcome(was.get(name), now.get(name))
    ]
    whole = [_whole(report) for report in (plan.record, again)]
    if not plan.test and whole[0] != whole[1]:
        found.append(Difference("the grade", *whole))
    return found


def other_words(plan: Plan, again: GradeReport) -> list[str]:
    """Tests whose message, hint or counterexample reads otherwise, though their verdict is the same."""
    was, now = _tests(plan.record), _tests(again)
    names = [plan.test] if plan.test else [name for name in was if name in now]
    return [
        name for name in names if _same_outcome(was[name], now.get(name)) and _words(was[name]) != _words(now[name])
    ]


def _tests(report: GradeReport) -> dict[str, TestRecord]:
    return {test.name: test for question in report.questions for test in question.tests}


def _same_outcome(one: TestRecord | None, other: TestRecord | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.verdict is other.verdict and _same_points(one.points, other.points)


def _same_points(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, abs_tol=1e-9)


def _outcome(test: TestRecord | None) -> str | None:
    if test is None:
        return None
    points = "open" if test.points is None else f"{test.points:g}"
    return f"{test.verdict}, {points} of {test.max_points:g}"


def _whole(report: GradeReport) -> str:
    pending = f", {report.pending_points:g} open" if report.pending_points else ""
    return f"{report.verdict}, {report.score:g} of {report.max_score:g}{pending}"


def _words(test: TestRecord) -> Sequence[object]:
    return (test.message, test.hint, test.counterexample)
