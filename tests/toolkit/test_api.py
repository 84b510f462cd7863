from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from autograder import api
from autograder.course import Course
from autograder.errors import GraderError
from autograder.model import GradeReport, Submission, Verdict
from autograder.provenance import Options
from autograder.results import write_report
from autograder.runner import Grader
from tests.toolkit.handed_in import RIGHT as REFERENCE
from tests.toolkit.hosts import notebook
from tests.toolkit.reports import PROVENANCE, manual_question, question, record, report
from tests.toolkit.tiny import TOPIC, edit, tiny_course

OPTIONS = Options(isolation="process", explain=False)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    yield tiny_course(tmp_path_factory.mktemp("api"))
    api._WARM.close()


def hand_in(course: Course, student: str, *cells: str) -> Submission:
    path = course.submitted / student / TOPIC / f"{TOPIC}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(notebook(REFERENCE, *cells))
    return Submission(student=student, assignment=TOPIC, path=path)


def grade(course: Course, submission: Submission) -> GradeReport:
    return api.grade_one(Course(course.root), submission, OPTIONS)


def test_one_submission_is_graded_written_and_shown(course: Course) -> None:
    found = grade(course, hand_in(course, "ada"))
    assert (found.score, found.verdict) == (5.0, Verdict.PASSED)
    assert GradeReport.from_json((course.results / TOPIC / "ada.json").read_bytes()) == found
    assert (course.root / "feedback" / "ada" / f"{TOPIC}.html").is_file()
    assert not (course.root / "gradebook.db").exists()


def test_a_grade_that_stands_is_returned_as_it_is(course: Course) -> None:
    submission = hand_in(course, "bob")
    first = grade(course, submission)
    assert grade(course, submission) == first
    hand_in(course, "bob", "def halve(x):\n    return x\n")
    again = grade(course, submission)
    assert again.score < first.score
    assert again.provenance.submission_sha256 != first.provenance.submission_sha256


def test_what_grading_needs_stays_warm_until_a_file_changes(course: Course) -> None:
    grade(course, hand_in(course, "cat"))
    warm = api._WARM._grader
    grade(course, hand_in(course, "dan"))
    assert api._WARM._grader is warm
    edit(course.assignment(TOPIC).hidden_tests, "test_halver_counts_its_calls", "test_halver_counts")
    found = grade(course, hand_in(course, "cat"))
    assert api._WARM._grader is not warm
    assert found.questions[1].tests[1].name == "test_halver_counts"


def test_our_own_failure_leaves_the_earlier_grade_and_its_page(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = hand_in(course, "eve")
    first = grade(course, submission)
    page = (course.root / "feedback" / "eve" / f"{TOPIC}.html").read_bytes()
    hand_in(course, "eve", "changed = 1")

    def fails(*_: object) -> None:
        raise GraderError("the disk is full")

    monkeypatch.setattr(Grader, "_judge_all", fails)
    found = grade(course, submission)
    assert (found.verdict, found.message) == (Verdict.GRADER_ERROR, "the disk is full")
    assert GradeReport.from_json((course.results / TOPIC / "eve.json").read_bytes()) == first
    assert (course.results / TOPIC / "errors" / "eve.json").is_file()
    assert (course.root / "feedback" / "eve" / f"{TOPIC}.html").read_bytes() == page


REPORTS = [
    report(
        question("softmax", record(seconds=0.25), record(Verdict.FAILED, message="it is <off> & \\x1b wrong")),
        question("attention", record(Verdict.DEFERRED), record(Verdict.GRADER_ERROR)),
        manual_question(),
        student="ada",
    ),
    report(student="b\x1bob", verdict=Verdict.GRADER_ERROR, message="the disk\x00 is full"),
]


def test_all_reports_are_one_json_list(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "all.json"
    api.write_json(path, REPORTS)
    told = json.loads(path.read_bytes())
    assert [GradeReport.from_json(json.dumps(entry).encode()) for entry in told] == REPORTS
    api.write_json(path, [])
    assert json.loads(path.read_bytes()) == []


def test_junit_holds_a_suite_per_student_and_a_case_per_test(tmp_path: Path) -> None:
    path = tmp_path / "all.xml"
    api.write_junit(path, "attention", REPORTS)
    root = ElementTree.fromstring(path.read_bytes())  # noqa: S314 - our own file
    ada, bob = root.findall("testsuite")
    assert (root.get("name"), ada.get("name"), ada.get("tests")) == ("attention", "ada", "4")
    cases = ada.findall("testcase")
    assert [case.get("classname") for case in cases] == ["attention.softmax"] * 2 + ["attention.attention"] * 2
    assert cases[0].get("time") == "0.250"
    assert [[(child.tag, child.get("type")) for child in case] for case in cases] == [
        [],
        [("failure", "failed")],
        [("skipped", "deferred")],
        [("error", "grader_error")],
    ]
    assert cases[1][0].get("message") == "it is <off> & \\x1b wrong"
    assert (bob.get("name"), bob.get("tests")) == (r"b\x1bob", "1")
    (error,) = bob.findall("testcase/error")
    assert (error.get("message"), error.get("type")) == (r"the disk\x00 is full", "grader_error")


def test_a_class_is_graded_without_a_word_on_how_many_processes(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    hand_in(course, "ada")
    order = api.Order(TOPIC, course.submitted, course.results, options=OPTIONS, gradebook=False)
    found = api.grade_class(course, order, lambda *_: None, lambda *_: None)
    assert [report.score for report in found.reports] == [5.0]


def test_what_took_longest_the_last_time_comes_first(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    submissions = [hand_in(course, student) for student in ("ada", "bob", "cat", "dan")]
    for student, seconds in (("bob", 2.0), ("cat", 30.0), ("dan", 5.0)):
        provenance = replace(PROVENANCE, seconds=seconds)
        write_report(course.results, report(student=student, assignment=TOPIC, provenance=provenance))
    asked: list[str] = []

    def engine(
        root: Path, topic: str, submissions: Sequence[Submission], options: bytes, jobs: int, broken: object
    ) -> Iterator[GradeReport]:
        asked.extend(submission.student for submission in submissions)
        return iter(report(student=submission.student, assignment=topic) for submission in submissions)

    order = api.Order(TOPIC, course.submitted, course.results, gradebook=False, engine=engine, force=True)
    found = api.grade_class(course, order, lambda *_: None, lambda *_: None)
    assert asked == ["cat", "dan", "bob", "ada"]
    assert [each.student for each in found.reports] == [submission.student for submission in submissions]
