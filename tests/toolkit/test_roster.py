from __future__ import annotations

import stat
from pathlib import Path

import pytest

from autograder.errors import UsageError
from autograder.nbgrader_bridge.students import enter_roster
from autograder.roster import Person, course_roster, read_roster
from tests.toolkit.command_line import runner
from tests.toolkit.gradebooks import execute
from tests.toolkit.tiny import tiny_course

HEAD = "student,first_name,last_name,email,lms_id,section,team"
STUDENTS = "select id, first_name, last_name, email, lms_user_id from student order by id"


def put(folder: Path, text: str | bytes) -> Path:
    path = folder / "roster.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "student,first_name,last_name\nada,Ada,King; Lovelace\nbob,,\n",
        '\ufeffstudent;first_name;last_name\r\nada;Ada;"King; Lovelace"\r\n;;\r\nbob;;\r\n',
        "\n Student , First Name ,LAST_NAME,\r\n ada , Ada ,King; Lovelace,\nbob\n",
    ],
    ids=["plain", "as Excel in Europe saves it", "by hand"],
)
def test_a_roster_is_read_as_spreadsheets_write_it(tmp_path: Path, text: str) -> None:
    people = read_roster(put(tmp_path, text))
    ada = Person(student="ada", first_name="Ada", last_name="King; Lovelace")
    assert people == {"ada": ada, "bob": Person(student="bob")}
    assert [person.name for person in people.values()] == ["King; Lovelace, Ada", "bob"]


def test_the_same_file_may_say_where_notebooks_are_collected(tmp_path: Path) -> None:
    people = read_roster(put(tmp_path, "student,repository,ref,path,team\nada,https://x.org/a,main,a.ipynb,blue\n"))
    assert people == {"ada": Person(student="ada", team="blue")}
    people = read_roster(put(tmp_path, "assignment_name,student,Repository\nHalving,ada,\n"))
    assert people == {"ada": Person(student="ada")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists nobody; write a line for each student"),
        (HEAD, "lists nobody"),
        (
            "student,mail\nada,x",
            r"^roster .*roster\.csv, line 1: 'mail' is no column of a roster; did you mean 'email'\?",
        ),
        ("student,zzz\nada,x", "line 1: 'zzz' is no column of a roster; there are: student, first_name"),
        ("email\na@b", "line 1: it must name the column 'student', and each column once"),
        ("student,student\na,b", "and each column once"),
        ("student\nada\n\n.bob\n", "line 4: student is '.bob': write the name of the student's folder"),
        ("student,email\n,a@b\n", "line 2: student is '': write the name"),
        ("student,email\nada,ada at home\n", "line 2: email is 'ada at home': write an address, or nothing"),
        ("student\nada\nbob\nada\n", "line 4: student is 'ada': line 2 has it already"),
        ("student,email\nada,a@b\nbob,a@b\n", "line 3: email is 'a@b': line 2 has it already"),
        ("student,lms_id\nada,7\nbob,7\n", "line 3: lms_id is '7': line 2 has it already"),
        ("student,first_name\nada,a,b\n", "line 2: 3 cells for 2 columns; put a cell that holds the separator"),
        ("student,first_name\nada,\x1b[31m\n", r"line 2: first_name is '\\\\x1b\[31m': remove the characters"),
        ("student,first_name\nada," + "x" * 129, "line 2: first_name is .*: write at most 128 characters"),
        ("student,team\nada,a/b\n", "the team 'a/b' can be no folder of submissions; rename it"),
        ("student,team\nada,bob\nbob,\n", "'bob' is a team and a student outside it; rename the team"),
        ("student\nada\0".encode("utf-16"), "byte 0 is not UTF-8; save it as 'CSV UTF-8'"),
    ],
)
def test_a_bad_roster_is_refused_with_the_line_and_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_roster(put(tmp_path, text))


def test_a_course_need_not_have_one(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    assert course_roster(course) is None
    put(course.root, "student\nada\n")
    assert course_roster(course) == {"ada": Person(student="ada")}


def test_people_enter_the_gradebook_and_nobody_leaves_it(tmp_path: Path, db: str) -> None:
    course = tiny_course(tmp_path)
    first = enter_roster(course, read_roster(put(tmp_path, f"{HEAD}\nada,Ada,Lovelace,ada@x.org,17\neve\n")), db)
    assert (first.new, first.changed, first.strangers) == (("ada", "eve"), (), ())
    people = read_roster(put(tmp_path, f"{HEAD}\nada,Ada,King,ada@x.org,17\nbob\n"))
    second = enter_roster(course, people, db)
    assert (second.new, second.changed, second.strangers) == (("bob",), ("ada",), ("eve",))
    assert [tuple(row) for row in execute(db, STUDENTS)] == [
        ("ada", "Ada", "King", "ada@x.org", "17"),
        ("bob", None, None, None, None),
        ("eve", None, None, None, None),
    ]
    third = enter_roster(course, people, db)
    assert (third.new, third.changed) == ((), ())


def test_what_the_file_does_not_say_stays_in_the_gradebook(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    run = runner(course.root)
    put(course.root, "student,first_name,last_name,email,lms_id\nada,Ada,Lovelace,ada@x.org,17\n")
    run("roster")
    put(course.root, "student,team,email\nada,red,\n")
    assert "gradebook: 0 new, 1 changed" in run("roster").stdout
    db = f"sqlite:///{course.root}/gradebook.db"
    assert [tuple(row) for row in execute(db, STUDENTS)] == [("ada", "Ada", "Lovelace", None, "17")]
    assert "gradebook: 0 new, 0 changed" in run("roster").stdout


def test_the_command_shows_checks_and_enters(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    run = runner(course.root)
    assert "there is no such list; write one with the column 'student'" in run("roster", code=2).stderr
    path = tmp_path / "people.csv"
    path.write_text("student,team\nada,red\nbob,red\n[b]eve,\n", encoding="utf-8")
    shown = run("roster", str(path), "--check").stdout
    assert shown.splitlines()[-1] == "3 students, 1 team"
    assert "[b]eve" in shown
    assert course_roster(course) is None
    assert "gradebook: 3 new, 0 changed" in run("roster", str(path)).stdout
    assert stat.S_IMODE((course.root / "roster.csv").stat().st_mode) & 0o077 == 0
    (course.root / "roster.csv").write_text("student\nada\n", encoding="utf-8")
    assert "not in the roster, left as they are: [b]eve, bob" in run("roster").stderr
