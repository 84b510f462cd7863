from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import UsageError
from autograder.gradebook import GradebookWriter
from autograder.nbgrader_bridge.extensions import Extension, grant, granted
from tests.toolkit.command_line import runner
from tests.toolkit.gradebooks import execute, write
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import answered, graded, hand_in, released_course

DUE = datetime.datetime.fromisoformat("2026-03-01T12:00")
SET_DUE = "update assignment set duedate = '2026-03-01 12:00:00.000000'"
PENALTY = "select late_submission_penalty from submitted_notebook"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The late plugin takes two points an hour."""
    return released_course(tmp_path)


@pytest.fixture
def book(course: Course, db: str) -> str:
    """A gradebook that knows the assignment and its due date, and nobody."""
    with GradebookWriter(course, TOPIC, db):
        pass
    execute(db, SET_DUE)
    return db


def until(hours: float) -> Extension:
    return Extension("ada", TOPIC, DUE, DUE + datetime.timedelta(hours=hours))


def test_an_extension_is_granted_before_anything_is_handed_in(course: Course, book: str) -> None:
    assert grant(course, "ada", TOPIC, days=1 / 24, db_url=book) == until(1)
    assert granted(course, book) == [until(1)]
    hand_in(course, "ada", answered(course), "2026-03-01 13:30:00 UTC")
    write(course, book, graded("ada"))
    assert execute(book, PENALTY) == [(1.0,)]


def test_an_extension_replaces_the_earlier_one_and_can_be_taken_back(course: Course, book: str) -> None:
    hand_in(course, "ada", answered(course), "2026-03-01 13:30:00 UTC")
    write(course, book, graded("ada"))
    grant(course, "ada", TOPIC, days=3, db_url=book)
    assert grant(course, "ada", TOPIC, until="2026-03-01T15:00+02:00", db_url=book) == until(1)
    assert grant(course, "ada", TOPIC, until="2026-03-01 14:00 UTC", db_url=book) == until(2)
    write(course, book, graded("ada"))
    assert execute(book, PENALTY) == [(None,)]
    assert grant(course, "ada", TOPIC, days=0, db_url=book) == until(0)
    assert granted(course, book) == []
    write(course, book, graded("ada"))
    assert execute(book, PENALTY) == [(3.0,)]


@pytest.mark.parametrize("time", ["soon", "2026-03-08", "8 March 2026", "2026-13-01 10:00"])
def test_what_is_no_time_is_refused(course: Course, book: str, time: str) -> None:
    with pytest.raises(UsageError, match=f"--until '{time}' is no time; write it as 2026-12-01T23:59"):
        grant(course, "ada", TOPIC, until=time, db_url=book)
    assert execute(book, "select * from student") == []


def test_a_time_without_a_zone_is_refused(course: Course, book: str) -> None:
    with pytest.raises(
        UsageError, match=r"--until 2026-03-08T23:59: in which time zone\? .* or 2026-03-08T23:59Z for UTC"
    ):
        grant(course, "ada", TOPIC, until="2026-03-08T23:59", db_url=book)
    assert execute(book, "select * from student") == []


@pytest.mark.parametrize("time", ["2026-03-01 12:00 UTC", "2026-03-01T12:59+01:00", "2026-02-28 23:00 UTC"])
def test_an_extension_is_later_than_the_due_date(course: Course, book: str, time: str) -> None:
    with pytest.raises(UsageError, match=f"{TOPIC} is due 2026-03-01 12:00 UTC; give a later time"):
        grant(course, "ada", TOPIC, until=time, db_url=book)


def test_looking_makes_no_gradebook(course: Course) -> None:
    assert granted(course) == []
    assert not (course.root / "gradebook.db").exists()


def test_there_is_something_to_extend(course: Course, db: str) -> None:
    for _ in ("no assignment yet", "no due date"):
        with pytest.raises(
            UsageError, match=f"{TOPIC} has no due date, .* nbgrader db assignment add {TOPIC} --duedate"
        ):
            grant(course, "ada", TOPIC, days=1, db_url=db)
        GradebookWriter(course, TOPIC, db).close()


def test_the_command_grants_lists_and_remembers(course: Course) -> None:
    GradebookWriter(course, TOPIC).close()
    execute(f"sqlite:///{course.root}/gradebook.db", SET_DUE)
    (course.root / "roster.csv").write_text("student\nada\n", encoding="utf-8")
    run = runner(course.root)
    usage = "write: autograder extend STUDENT TOPIC --reason TEXT and one of --until TIME, --days N"
    assert usage in run("extend", "ada", TOPIC, "--days", "1", code=2).stderr
    without = run("extend", "ada", TOPIC, "--days", "1", "--reason", "x", "--db", "none", code=2).stderr
    assert "extend --db none: it works on the gradebook; name its URL, or leave --db and AUTOGRADER_DB out" in without
    assert "--days nan: give a number" in run("extend", "ada", TOPIC, "--days", "nan", "--reason", "x", code=2).stderr
    done = run("extend", "ada", TOPIC, "--days", "2", "--reason", "ill [x]").stdout
    assert done.startswith(f"ada, {TOPIC}: until 2026-03-03 12:00 UTC; it was due 2026-03-01 12:00 UTC\n")
    assert run("extend", "--list").stdout.split()[4:] == [
        *("ada", TOPIC, "2026-03-01", "12:00", "UTC", "2026-03-03", "12:00", "UTC")
    ]
    assert run("history", "ada", TOPIC).stdout.endswith("UTC  extension (until 2026-03-03 12:00 UTC: ill [x])\n")


def test_without_a_roster_the_gradebooks_own_students_are_known(course: Course, book: str) -> None:
    execute(book, "insert into student (id) values ('bob')")
    run = runner(course.root)
    arguments = ("extend", "bob", TOPIC, "--days", "2", "--reason", "ill", "--db", book)
    assert run(*arguments).stdout.startswith(f"bob, {TOPIC}: until 2026-03-03 12:00 UTC")
    assert "extension" in run("history", "bob", TOPIC).stdout
    assert (
        "no student 'bobb' in this course; did you mean 'bob'?" in run("extend", "bobb", *arguments[2:], code=2).stderr
    )
