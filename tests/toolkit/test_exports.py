from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from autograder.course import Course
from autograder.errors import UsageError
from autograder.exports.canvas import canvas_file
from autograder.exports.cells import number_cell, table, text_cell
from autograder.exports.csv_file import HEAD, csv_file
from autograder.exports.grades import Grade, read_grades
from autograder.exports.moodle import moodle_file
from autograder.model import GradeReport, Verdict
from autograder.roster import Person
from autograder.submissions import is_student_id
from tests.toolkit.command_line import runner
from tests.toolkit.reports import manual_question, question, record, report
from tests.toolkit.tiny import TOPIC, tiny_course

HOSTILE = "=+-@＝＋－＠﹢₌⁺\t\r\n\0 \"'“”„`\xa0\u3000,;:|%ab1\u202e"
TEXTS = st.text(st.sampled_from(HOSTILE) | st.characters(), max_size=12)
IDS = TEXTS.filter(bool).filter(is_student_id)


def read(data: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))


def grades(*reports: GradeReport, **person: str) -> list[Grade]:
    """Outside any gradebook."""
    return [Grade(report, Person(student=report.student, **person)) for report in reports]


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet might take it for one: after spaces and quotes of all kinds, in any width of character."""
    begin = unicodedata.normalize("NFKC", cell).lstrip().lstrip('"“”„`').lstrip()
    return begin[:1] in {*"=+-@\t\r\n\0"}


@given(student=IDS, message=TEXTS, name=TEXTS)
@example(student="=cmd|' /C calc'!A0", message="\n @SUM(1)", name="＝1")
@example(student="a;=1", message='x"\t=1', name="\u201c=1")
@settings(max_examples=300)
def test_no_cell_of_any_export_is_a_formula(student: str, message: str, name: str) -> None:
    reports = [report(question(name, record()), student=student, message=message), report(student="bob")]
    listed = grades(*reports, first_name=message, email=message, lms_id=message, section=message)
    data = csv_file(listed)
    for made in (data, canvas_file(listed, name), moodle_file(listed, name)):
        for delimiter in (",", ";", "\t", "|", ":"):
            assert not [cell for row in read(made, delimiter) for cell in row if is_formula(cell)]
    rows = read(data)
    assert [len(row) for row in rows] == [10, 10, 10]
    assert data.count(b"\r\n") == 3
    assert rows[1][1:5] == ["1", "1", "0", "passed"]


@given(st.from_regex(r"[\w. ]{1,20}", fullmatch=True))
def test_an_ordinary_name_stays_as_it_is(text: str) -> None:
    assume(text.isprintable())
    assert text_cell(text) == text
    assert read(table([[text]])) == [[text]]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("  +1", "  '+1"),
        ('"-1', "\"'-1"),
        ("'@a", "''@a"),
        ("＠a", "'＠a"),
        ("\t=1", " '=1"),
        ("a,=1", "a,'=1"),
        ("O'Neil-Smith", "O'Neil-Smith"),
        ("a=b", "a=b"),
        ("ada@example.org", "ada@example.org"),
        ("\0=", r"\x00="),
    ],
)
def test_an_apostrophe_stands_where_a_formula_could_begin(text: str, cell: str) -> None:
    assert text_cell(text) == cell


@pytest.mark.parametrize(
    ("value", "cell"), [(2.0, 2), (0.1 + 0.2, 0.3), (2.5, 2.5), (None, None), (float("nan"), None), (-0.0, 0)]
)
def test_numbers_are_short(value: float | None, cell: Any) -> None:
    assert number_cell(value) == cell


def test_text_is_always_quoted_and_numbers_never() -> None:
    assert table([["a", 1.0, None, 'b"c']]) == b'"a",1,"","b""c"\r\n'


def test_a_row_per_student_and_a_column_per_question() -> None:
    ada = report(question("softmax", record(), record(Verdict.FAILED)), manual_question("explain"), student="ada")
    bob = report(student="bob", verdict=Verdict.GRADER_ERROR, message="Traceback\nOSError: disk", score=0.0)
    eve = report(question("value", record(Verdict.DEFERRED)), student="eve")
    names = ("softmax", "explain", "value")
    assert read(csv_file(grades(ada, bob, eve))) == [
        [*HEAD, *(f"question {name}" for name in names)],
        ["ada", "1", "4", "0", "failed", "", "", "", "results", "1", "", ""],
        ["bob", "", "", "", "grader_error", "OSError: disk", "", "", "results", "", "", ""],
        ["eve", "0", "1", "1", "deferred", "", "", "", "results", "", "", "0"],
    ]


# ------------------------------------------------------------------------------------------ the command


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def put(course: Course, graded: GradeReport, place: str = "") -> None:
    path = course.results / TOPIC / place / f"{graded.student}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(graded.to_json())


def test_the_command_writes_a_file(course: Course) -> None:
    put(course, report(question("halve", record()), student="ada", assignment=TOPIC))
    put(course, report(student="bob", assignment=TOPIC, verdict=Verdict.GRADER_ERROR), "errors")
    put(course, report(student="ada", assignment=TOPIC, verdict=Verdict.GRADER_ERROR), "errors")
    run = runner(course.root)
    assert run("export", TOPIC).stdout == f"2 students in {course.root}/exports/{TOPIC}.csv\n"
    run("export", TOPIC, "--format", "csv", "--output", "here/x.csv")
    rows = read((course.root / "here" / "x.csv").read_bytes())
    assert [row[:2] for row in rows[1:]] == [["ada", "1"], ["bob", ""]]
    assert (course.root / "exports" / f"{TOPIC}.csv").read_bytes() == (course.root / "here" / "x.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (TOPIC, "--format", "excel"),
            "--format excel: no such export in this version; there is: csv, canvas, moodle, gradescope",
        ),
        ((TOPIC,), "grade first: autograder grade halving"),
        (("halvign",), "did you mean 'halving'?"),
        ((TOPIC, "--output", "/dev/null"), "/dev/null is no ordinary file"),
    ],
)
def test_wrong_use_is_told(course: Course, arguments: tuple[str, ...], message: str) -> None:
    assert message in runner(course.root)("export", *arguments, code=2).stderr


def test_a_result_that_cannot_be_read_is_named(course: Course) -> None:
    put(course, report(student="ada", assignment=TOPIC))
    path = course.results / TOPIC / "ada.json"
    path.rename(path.with_name("eve.json"))
    with pytest.raises(UsageError, match=r"eve\.json holds the result of 'ada' in 'halving': its name does not fit"):
        read_grades(course, TOPIC)
    path.with_name("eve.json").write_text("{}")
    with pytest.raises(UsageError, match=r"eve\.json is not a result file: .*; delete it and grade again"):
        read_grades(course, TOPIC)
