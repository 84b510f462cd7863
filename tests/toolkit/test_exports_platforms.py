"""Exports read back by the rules that the platforms publish, with what only the gradebook knows."""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from autograder.course import Course
from autograder.errors import UsageError
from autograder.exports.canvas import canvas_file
from autograder.exports.csv_file import csv_file
from autograder.exports.formats import FORMATS
from autograder.exports.grades import Grade, gather, under_pseudonyms
from autograder.exports.moodle import moodle_file
from autograder.model import CellRecord, GradeReport, Verdict
from autograder.nbgrader_bridge import configured_db_url
from autograder.pseudonyms import pseudonym
from autograder.pseudonyms import under_pseudonyms as reports_under_pseudonyms
from autograder.roster import Person
from tests.toolkit.command_line import runner
from tests.toolkit.gradebooks import execute, write
from tests.toolkit.reports import mixed, report
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import answered, graded, hand_in, released_course

ROSTER = """student,first_name,last_name,email,lms_id,section
ada,Ada,Lovelace,ada@x.org,4711,A
bob,Bob,"O'Neil, Jr",bob@x.org,S-12,B
"""
SCORE_BY_HAND = (
    "update grade set manual_score = 1, needs_manual_grade = '0' where cell_id in"
    " (select id from base_cell where name = 'explain_halving')"
)


def result(course: Course, told: GradeReport, place: str = "") -> None:
    path = course.results / TOPIC / place / f"{told.student}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(told.to_json())


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Ada and bob are in the gradebook, bob an hour late; eve is not; the grader failed for guy. Not to be changed."""
    found = released_course(tmp_path_factory.mktemp("graded"))
    (found.root / "roster.csv").write_text(ROSTER, encoding="utf-8")
    db = configured_db_url(found)
    for student, time in (("ada", "10:00"), ("bob", "13:00")):
        hand_in(found, student, answered(found), f"2026-03-01 {time}:00 UTC")
        result(found, graded(student))
        write(found, db, graded(student))
    execute(db, SCORE_BY_HAND, "update assignment set duedate = '2026-03-01 12:00:00.000000'")
    for student in ("ada", "bob"):
        write(found, db, graded(student))  # a regrade: a person's score stands
    result(found, graded("eve", halver=Verdict.PASSED))
    result(found, report(student="guy", assignment=TOPIC, verdict=Verdict.GRADER_ERROR), "errors")
    return found


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def by(column: str, data: bytes) -> Mapping[str, dict[str, str]]:
    return {row[column]: row for row in rows(data)}


def test_the_gradebook_has_the_last_word(course: Course) -> None:
    table = by("student", csv_file(gather(course, TOPIC)))
    told = {name: [row[c] for c in ("score", "late_penalty", "waits_for", "source")] for name, row in table.items()}
    assert told == {
        "ada": ["5.5", "0", "", "gradebook"],  # 4.5 by tests, 1 by a person
        "bob": ["3.5", "2", "", "gradebook"],  # 2 points for an hour
        "eve": ["5", "", "", "results"],
        "guy": ["", "", "", "results"],
    }
    assert table["bob"]["question explain_halving"] == "1"
    assert table["eve"]["question explain_halving"] == ""
    plain = by("student", csv_file(gather(course, TOPIC, gradebook=False)))
    assert [row["score"] for row in plain.values()] == ["4.5", "4.5", "5", ""]


def test_looking_makes_no_gradebook(course: Course) -> None:
    db = course.root / "nowhere.db"
    assert all(grade.final is None for grade in gather(course, TOPIC, f"sqlite:///{db}"))
    assert not db.exists()
    with pytest.raises(UsageError, match="the gradebook 'grades' cannot be used"):
        gather(course, TOPIC, "grades")


def canvas_import(data: bytes) -> tuple[str, float, dict[str, tuple[str, str]]]:
    """A file by the rules of Canvas' importer: the assignment, its points, and who gets what."""
    lines = list(csv.reader(io.StringIO(data.decode(), newline="")))
    header, possible, *students = lines
    assert "Student" in header[0]
    assert "ID" in header[1]
    assert re.search(r"SIS\s+User\s+ID", header[2])
    assert re.search(r"SIS\s+Login\s+ID", header[3])
    assert "Section" in header[4]
    assert "Points Possible" in possible[0]
    (column,) = header[5:]
    # The first of these that is filled says who it is; a number with a comma or a point would be rewritten.
    found = {next(cell for cell in (row[1], row[2], row[3], row[0]) if cell): (row[0], row[5]) for row in students}
    return column, float(possible[5]), found


def test_canvas_reads_the_final_grades(course: Course) -> None:
    column, possible, found = canvas_import(canvas_file(gather(course, TOPIC), "Halving (99)"))
    assert (column, possible) == ("Halving (99)", 7.0)
    assert found == {
        "4711": ("Lovelace, Ada", "5.5"),
        "S-12": ("O'Neil, Jr, Bob", "3.5"),
        "eve": ("eve", "5"),
    }


def test_moodle_reads_the_final_grades(course: Course) -> None:
    data = moodle_file(gather(course, TOPIC), "Halving")
    for column, names in (("Username", ["ada", "bob", "eve"]), ("ID number", ["4711", "S-12", ""])):
        assert [row[column] for row in rows(data)] == names
    bob = by("Email address", data)["bob@x.org"]
    assert (bob["First name"], bob["Halving"]) == ("Bob", "3.5")
    assert bob["Halving (Feedback)"] == "halve: 3 of 3; Halver: 1.5 of 2; explain_halving: 1 of 2; late: 2 off"
    eve = by("Username", data)["eve"]
    assert eve["Halving (Feedback)"].endswith("explain_halving: open of 2")


@pytest.mark.parametrize("make", [canvas_file, moodle_file])
def test_a_platform_gets_no_row_without_a_grade(course: Course, make: type) -> None:
    """An empty cell would take an earlier grade away."""
    assert b"guy" not in make(gather(course, TOPIC), "Halving")


def test_pseudonyms_hide_all_that_names_a_student(course: Course, tmp_path: Path) -> None:
    hidden = csv_file(under_pseudonyms(gather(course, TOPIC), course.state))
    assert not any(name in hidden for name in (b"ada", b"bob", b"eve", b"Lovelace", b"x.org", b"4711"))
    table = by("student", hidden)
    assert list(table) == sorted(table)
    assert table[pseudonym(course.state, "bob")]["score"] == "3.5"
    assert pseudonym(tmp_path, "bob") not in table


def test_what_a_student_wrote_has_no_place_under_a_pseudonym(course: Course) -> None:
    told = replace(mixed(), message="Ada's", cells=(CellRecord(index=0, status="error", message="Ada's"),))
    grade = Grade(told, Person(student=told.student, first_name="Ada"))
    (hidden,) = under_pseudonyms([grade], course.state)
    assert not hidden.report.cells
    assert [hidden.report] == reports_under_pseudonyms([told], course.state)
    assert hidden.person == Person(student=hidden.report.student)


def test_gradescope_gets_what_is_a_result_whatever_the_gradebook_says(course: Course) -> None:
    found = {grade.report.student: grade for grade in gather(course, TOPIC)}
    failed = replace(found["guy"].report, student="bob")  # a regrade failed, and an earlier grade stands
    grades = [found["ada"], Grade(failed, found["bob"].person, found["bob"].final)]
    assert grades[1].score == 3.5
    chosen = FORMATS["gradescope"]
    data = chosen.write(course.assignment(TOPIC), grades, "")
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["ada/results.json"]
    assert [chosen.lists(grade) for grade in grades] == [True, False]


def test_the_command_makes_each_format_and_tells_doubts(course: Course, tmp_path: Path) -> None:
    course = Course(shutil.copytree(course.root, tmp_path / "course"))
    run = runner(course.root)
    done = run("export", TOPIC, "--format", "canvas", "--column", "Halving (99)")
    assert done.stdout == f"3 students in {course.root}/exports/{TOPIC}-canvas.csv\n"
    assert "without a person's scores and late penalties: eve" in done.stderr
    assert "left out, as there is no grade: guy" in done.stderr
    assert "graded anew" not in done.stderr
    made = (course.root / "exports" / f"{TOPIC}-canvas.csv").read_bytes()
    assert made == canvas_file(gather(course, TOPIC), "Halving (99)")
    result(course, graded("ada", halver=Verdict.PASSED))
    done = run("export", TOPIC, "--format", "moodle")
    assert f"graded anew since the gradebook was written; run: autograder grade {TOPIC}: ada" in done.stderr
    assert b'"Halving (Feedback)"' in (course.root / "exports" / f"{TOPIC}-moodle.csv").read_bytes()
    assert "scores are those of the tests" in run("export", TOPIC, "--db", "none").stderr
    refused = run("export", TOPIC, "--format", "canvas", "--pseudonyms", code=2).stderr
    assert "--pseudonyms: canvas must know who is who; add --format csv" in refused
    for name in ("csv", "gradescope"):
        refused = run("export", TOPIC, "--format", name, "--column", "X", code=2).stderr
        assert f"--column X: {name} has no column to name; add --format canvas or moodle" in refused
    run("export", TOPIC, "--pseudonyms")
    assert b"ada" not in (course.root / "exports" / f"{TOPIC}.csv").read_bytes()


def test_a_grade_outside_the_gradebook_is_the_tests(course: Course) -> None:
    (grade,) = (g for g in gather(course, TOPIC) if g.report.student == "guy")
    assert isinstance(grade, Grade)
    assert (grade.score, grade.max_score, dict(grade.question_scores)) == (None, None, {})
