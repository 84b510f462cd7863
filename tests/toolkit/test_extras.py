"""What people gave in nbgrader's gradebook, and lateness, on the students' pages and in the class report."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook
from sqlalchemy import event
from sqlalchemy.engine import Engine

from autograder.commands.feedback import feedback
from autograder.commands.report import class_report
from autograder.course import Course
from autograder.exports.grades import gather
from autograder.extras import Extras, Given
from autograder.feedback import render
from autograder.model import Verdict
from autograder.nbgrader_bridge import configured_db_url
from autograder.nbgrader_bridge.finals import read_finals
from autograder.words import points
from tests.toolkit.canned import run
from tests.toolkit.command_line import runner
from tests.toolkit.gradebooks import execute, write
from tests.toolkit.reports import grader_failed, manual_question, question, record, report
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import answered, cell_of, graded, hand_in, released_course, released_notebook

COMMENT = "See **page 3** & <b>Glorot</b>:\n\n$a<b$ ![x](http://spy.example/x.png)"
DUE = "update assignment set duedate = '2026-03-01 12:00:00.000000'"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Ada on time, bob an hour late, both graded and written into the gradebook."""
    found = released_course(tmp_path)
    hand_in(found, "ada", answered(found), "2026-03-01 10:00:00 UTC")
    hand_in(found, "bob", answered(found), "2026-03-01 13:00:00 UTC")
    run(found)
    execute(configured_db_url(found), DUE)
    return found


@contextlib.contextmanager
def by_hand(course: Course, student: str, name: str = "explain_halving") -> Iterator[tuple[Any, Any]]:
    """A grade and its comment as nbgrader's formgrader has them open, saved at the end."""
    with Gradebook(configured_db_url(course)) as gradebook:
        cell = f"{name}-answer" if name != "explain_halving" else name
        grade = gradebook.find_grade(name, TOPIC, TOPIC, student)
        yield grade, gradebook.find_comment(cell, TOPIC, TOPIC, student)
        grade.needs_manual_grade = grade.manual_score is None and grade.auto_score is None
        gradebook.db.commit()


def page(course: Course, student: str) -> str:
    """What a person reads, in single spaces."""
    text = (course.root / "feedback" / student / f"{TOPIC}.html").read_text(encoding="utf-8")
    body = text[text.index("<body>") :]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


# ------------------------------------------------------------------------------------------- one report

POINTS = st.integers(0, 40).map(lambda quarters: quarters / 4)
GIVEN = st.builds(Given, score=st.none() | POINTS, extra=st.sampled_from([0.0, 0.5, -0.25]), waits=st.booleans())


@given(POINTS, st.dictionaries(st.sampled_from(["softmax", "explain", "open"]), GIVEN), POINTS)
def test_a_final_score_is_the_sum_of_its_questions_less_the_penalty(
    won: float, given: dict[str, Given], penalty: float
) -> None:
    plain = report(
        question("softmax", record(points=won, max_points=10.0), record(Verdict.FAILED)),
        manual_question("explain"),
        question("open", record(), record(Verdict.DEFERRED)),
    )
    final = Extras(given, 60.0, penalty).applied(plain)
    assert final.score == pytest.approx(max(0.0, sum(q.score or 0.0 for q in final.questions) - penalty))
    assert final.pending_points == (0.0 if given.get("open", Given()).score is not None else 1.0)
    assert [q.tests for q in final.questions] == [q.tests for q in plain.questions]
    assert Extras().applied(plain) == plain


def test_full_marks_by_a_person_are_right_and_less_is_not() -> None:
    plain = report(question("softmax", record(), record(Verdict.FAILED)))
    verdicts = {score: Extras({"softmax": Given(score)}).applied(plain).questions[0].verdict for score in (1.5, 2.0)}
    assert verdicts == {1.5: Verdict.FAILED, 2.0: Verdict.PASSED}


def test_our_own_failure_stays_one() -> None:
    assert Extras(penalty=2.0).applied(grader_failed()).verdict is Verdict.GRADER_ERROR


def test_a_bonus_is_told_before_it_is_won() -> None:
    tests = (record(max_points=3.0), record(Verdict.FAILED, title="Without a copy", max_points=4.0))
    text = render(report(question("halve", *tests, max_score=3.0)), title="Bonus")
    assert "Up to 4 bonus points on top of the 3." in text
    assert "bonus" not in render(report(question("halve", record())), title="None")


# ------------------------------------------------------------------------------------------ the gradebook


def test_a_page_before_and_after_a_person_has_graded(course: Course) -> None:
    assert "4.5 of 7 points so far" in (before := page(course, "ada"))
    assert "Waiting for a person – of 2 points" in before
    with by_hand(course, "ada") as (grade, comment):
        grade.manual_score, grade.extra_credit, comment.manual_comment = 1.5, 0.5, COMMENT
    done = runner(course.root)("feedback", TOPIC)
    assert (done.stdout, done.stderr) == (f"2 pages in {course.root}/feedback\n", "")
    after = page(course, "ada")
    assert "6.5 of 7 points" in after
    assert "so far" not in after
    assert "Scored by a person 2 of 2 points" in after
    assert "A person added 0.5 extra points." in after
    assert f"A person's comment {' '.join(COMMENT.split())}" in after
    raw = (course.root / "feedback" / "ada" / f"{TOPIC}.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Glorot&lt;/b&gt;:\n\n$a&lt;b$ ![x](http://spy.example/x.png)" in raw
    assert "Waiting for a person" in page(course, "bob")


def test_the_final_score_is_that_of_the_exports(course: Course) -> None:
    with by_hand(course, "bob") as (grade, _):
        grade.manual_score = 1.0
    with by_hand(course, "ada", "Halver") as (grade, comment):
        grade.manual_score, comment.manual_comment = 2.0, "The buffer was right after all."
    run(course, force=True)
    assert "Handed in 1 hour after the deadline: 2 points taken off." in page(course, "bob")
    assert "deadline" not in page(course, "ada")
    assert "Scored by a person 2 of 2 points" in page(course, "ada")
    assert "The buffer was right after all." in page(course, "ada")
    scores = {grade.report.student: grade.score for grade in gather(course, TOPIC)}
    assert scores == {"ada": 5.0, "bob": 3.5}
    for student, score in scores.items():
        assert re.search(rf"Halving {points(score)} of \d", page(course, student))


def test_extra_credit_is_shown_beside_the_tests(course: Course) -> None:
    for student, extra in (("ada", 1.0), ("bob", -0.5)):
        with by_hand(course, student, "halve") as (grade, _):
            grade.extra_credit = extra
    run(course, force=True)
    assert "Right 4 of 3 points A person added 1 extra point." in page(course, "ada")
    assert "2.5 of 3 points A person took off 0.5 points." in page(course, "bob")


def test_an_answer_that_changed_or_is_not_there_is_told_as_such(course: Course) -> None:
    with by_hand(course, "ada") as (grade, _):
        grade.manual_score = 1.0
    hand_in(course, "ada", answered(course, "Another answer."), "2026-03-01 10:00:00 UTC")
    prompt = cell_of(released_notebook(course), "explain_halving").source
    hand_in(course, "bob", answered(course, prompt), "2026-03-01 10:00:00 UTC")
    run(course, force=True)
    assert "Will be read again 1 of 2 points Your answer has changed" in page(course, "ada")
    assert "5.5 of 7 points so far" in page(course, "ada")
    assert "No answer 0 of 2 points" in page(course, "bob")
    assert "so far" not in page(course, "bob")


def test_an_extension_counts_as_in_nbgrader(course: Course) -> None:
    execute(configured_db_url(course), "update submitted_assignment set extension = '1970-01-01 00:40:00.000000'")
    late = {student: final.seconds_late for student, final in read_finals(course, TOPIC).items()}
    with Gradebook(configured_db_url(course)) as gradebook:
        theirs = {name: gradebook.find_submission(TOPIC, name).total_seconds_late for name in ("ada", "bob")}
    assert late == theirs == {"ada": 0.0, "bob": 1200.0}


def test_a_batch_asks_the_gradebook_as_often_as_one_student(course: Course) -> None:
    db = configured_db_url(course)
    asked: list[str] = []

    def note(*about: Any) -> None:
        asked.append(about[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        read_finals(course, TOPIC)
        few = len(asked)
        for number in range(4):
            student = f"student{number}"
            hand_in(course, student, answered(course))
            write(course, db, graded(student))
        asked.clear()
        assert len(read_finals(course, TOPIC)) == 6
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(asked) == few


# -------------------------------------------------------------------------------------------- the commands


def test_pages_can_be_made_without_the_gradebook(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    with by_hand(course, "ada") as (grade, _):
        grade.manual_score = 1.5
    feedback(TOPIC, None, "none", course.root)
    assert capsys.readouterr().err == ""
    assert "Waiting for a person" in page(course, "ada")


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("no.db", "there is no gradebook with these grades: "),
        ("nbgrader_config.py", "cannot be used: file is not a database"),
        ("no/folder.db", "there is no gradebook with these grades: "),
    ],
)
def test_a_gradebook_that_cannot_be_read_costs_one_line(
    course: Course, capsys: pytest.CaptureFixture[str], file: str, reason: str
) -> None:
    feedback(TOPIC, None, f"sqlite:///{course.root}/{file}", course.root)
    told = capsys.readouterr()
    assert told.out == f"2 pages in {course.root}/feedback\n"
    assert reason in told.err
    assert told.err.endswith("pages show what the tests say, without a person's scores and late penalties\n")
    assert "Waiting for a person" in page(course, "ada")
    assert not (course.root / "no.db").exists()


def test_the_class_report_has_final_scores(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    with by_hand(course, "ada") as (grade, comment):
        grade.manual_score, comment.manual_comment = 1.5, "for ada only"
    run(course, force=True)
    class_report(TOPIC, course=course.root)
    class_report(TOPIC, pseudonyms=True, course=course.root)
    assert capsys.readouterr().err == ""
    for name in (TOPIC, f"{TOPIC}-pseudonyms"):
        text = (course.root / "reports" / f"{name}.html").read_text(encoding="utf-8")
        assert "1 student handed in late, which takes off 2 points in all" in text
        assert "Mean 4.25, median 4.25" in text  # 6 and 2.5
        assert "for ada only" not in text
    class_report(TOPIC, db="none", course=course.root)
    text = (course.root / "reports" / f"{TOPIC}.html").read_text(encoding="utf-8")
    assert "Mean 4.50, median 4.5" in text
    assert "which was not read" in text
