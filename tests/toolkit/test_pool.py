from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from autograder import pool
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.model import GradeReport, Submission, Verdict
from autograder.pool import grade_many
from autograder.provenance import Options
from tests.toolkit.handed_in import RIGHT as REFERENCE
from tests.toolkit.hosts import notebook
from tests.toolkit.reports import report
from tests.toolkit.tiny import TOPIC, edit, tiny_course

OPTIONS = msgspec.json.encode(Options(isolation="process"))


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def hand_in(course: Course, *students: str, source: str = "") -> list[Submission]:
    found = []
    for student in students:
        path = course.submitted / student / TOPIC / f"{TOPIC}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(notebook(REFERENCE, source))
        found.append(Submission(student=student, assignment=TOPIC, path=path))
    return found


def broken(submission: Submission, message: str) -> GradeReport:
    return report(student=submission.student, verdict=Verdict.GRADER_ERROR, message=message)


def graded(course: Course, submissions: Sequence[Submission], jobs: int = 1) -> Iterator[GradeReport]:
    return grade_many(course.root, TOPIC, submissions, OPTIONS, jobs, broken)


def kill_the_workers() -> None:
    for process in multiprocessing.active_children():
        process.kill()
        process.join(timeout=30)


def test_a_worker_that_was_killed_is_replaced_and_an_early_end_leaves_none(course: Course) -> None:
    reports = graded(course, hand_in(course, "ada", "bob", "eve"))
    assert next(reports).student == "ada"
    kill_the_workers()
    more = {report.student: report.score for report in (next(reports), next(reports))}
    assert more == {"bob": 5.0, "eve": 5.0}
    assert len(multiprocessing.active_children()) == 1
    reports.close()  # type: ignore[attr-defined] # as Ctrl-C does: what was graded is there, and no worker is left
    assert multiprocessing.active_children() == []


def test_a_submission_that_kills_two_workers_is_reported_and_the_others_are_graded(course: Course) -> None:
    # A hidden test with a bug that one answer sets off, the worst there can be: the worker is gone.
    edit(
        course.assignment(TOPIC).hidden_tests,
        "    assert_inputs_untouched(student.halve, x)",
        f"    if student.describe('poison') == 'value':\n        __import__('os').kill({os.getpid()} and "
        f"__import__('os').getpid(), {int(signal.SIGKILL)})\n    assert_inputs_untouched(student.halve, x)",
    )
    poison = hand_in(course, "eve", source="poison = 1")
    by_student = {report.student: report for report in graded(course, poison + hand_in(course, "zoe"))}
    assert by_student["zoe"].score == 5.0
    assert by_student["eve"].verdict is Verdict.GRADER_ERROR
    assert by_student["eve"].message == "the grading process died 2 times on this submission"


def test_what_keeps_workers_from_starting_is_raised_once(course: Course, capfd: pytest.CaptureFixture[str]) -> None:
    edit(course.assignment(TOPIC).reference, "_FACTOR = 0.5", "_FACTOR = nothing")
    with pytest.raises(AuthoringError, match=r"halving.py, line \d+: importing it raised NameError"):
        list(graded(course, hand_in(course, "ada", "bob"), jobs=2))
    assert multiprocessing.active_children() == []
    assert "Traceback" not in capfd.readouterr().err


def test_without_submissions_nothing_starts(course: Course) -> None:
    assert list(graded(course, [])) == []


def test_a_run_without_a_grading_process_is_refused_and_waits_for_nothing(course: Course) -> None:
    with pytest.raises(ValueError, match="jobs=-1: without a grading process a run would wait for ever"):
        list(graded(course, hand_in(course, "ada"), jobs=-1))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no server forks them")
@pytest.mark.parametrize(("length", "method"), [(70, "forkserver"), (71, "spawn")])
def test_where_a_socket_has_no_room_for_its_name_processes_are_started_anew(
    length: int, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/tmp/".ljust(length, "x"))
    assert pool._context().get_start_method() == method
