"""The gradebook among others: rivals, readers, cut connections, stopped servers, strange and half-made databases."""

from __future__ import annotations

import functools
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from autograder.course import Course
from autograder.errors import UsageError
from autograder.gradebook import GradebookWriter
from autograder.model import GradeReport, Submission, Verdict
from autograder.nbgrader_bridge import database
from autograder.readers import Readers
from tests.toolkit.command_line import QUICK
from tests.toolkit.gradebooks import SCORES, execute, rows, scores, write
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import answered, graded, hand_in, notebook_of, nothing, released_course

if TYPE_CHECKING:
    from tests.toolkit.postgres import Server

ROOT = Path(__file__).parents[2]
CLASS = ("ada", "bob", "eve")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Three students have handed in."""
    course = released_course(tmp_path)
    for student in CLASS:
        hand_in(course, student, answered(course), "2026-03-01 12:00:00 UTC")
    return course


@pytest.fixture
def server_db(postgres: Server) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a database gives up at once."""
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr("autograder.nbgrader_bridge.database.PAUSES", (0.0,))


def run_python(program: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", QUICK + program, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


# drivers


def test_a_server_without_a_driver_says_what_to_install(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    for driver in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(
        UsageError, match=r"needs a driver for PostgreSQL: pip install 'autograder\[postgresql\]'"
    ) as told:
        GradebookWriter(course, TOPIC, "postgresql://ada:secret@db/course")
    assert "ada:***@db/course" in str(told.value)
    with pytest.raises(UsageError, match=r"cannot be used: .*psycopg2"):
        GradebookWriter(course, TOPIC, "postgresql+psycopg2://db/course")


@pytest.mark.parametrize(
    ("missing", "url", "driver"),
    [
        ((), "postgresql://db/course", "psycopg"),
        (("psycopg",), "postgresql://db/course", "psycopg2"),
        ((), "postgresql+psycopg2://db/course", "psycopg2"),
    ],
)
def test_a_url_that_names_no_driver_takes_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], url: str, driver: str
) -> None:
    for name in ("psycopg", "psycopg2"):
        (tmp_path / f"{name}.py").touch()
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    assert database._complete(make_url(url), url).get_driver_name() == driver


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (DatabaseError("", None, Exception(), connection_invalidated=True), True),  # psycopg2's word for a lost server
        (IntegrityError("", None, Exception()), True),
        (OperationalError("", None, sqlite3.OperationalError("database is locked")), False),  # it has waited already
        (DatabaseError("", None, Exception()), False),
    ],
)
def test_which_errors_are_worth_another_attempt(error: Exception, again: bool) -> None:
    assert database.passing(error) is again


# what a database may hold already


def test_a_database_of_something_else_is_refused_and_left_alone(course: Course, db: str) -> None:
    execute(db, "create table recipes (name varchar(9))", "insert into recipes values ('soup')")
    before = rows(db)
    with pytest.raises(
        UsageError, match=r"no gradebook but holds other tables \(recipes\); give the gradebook a datab"
    ):
        GradebookWriter(course, TOPIC, db)
    assert rows(db) == before


def test_a_gradebook_of_an_older_nbgrader_is_refused_with_the_way_out(course: Course, db: str) -> None:
    write(course, db, graded("ada"))
    execute(db, "alter table grade drop column extra_credit")
    before = rows(db)
    with pytest.raises(UsageError, match=r"'grade' has no column 'extra_credit'. If an older .* nbgrader db upgrade"):
        write(course, db, nothing("ada", Verdict.FAILED))
    assert rows(db) == before


def test_a_gradebook_that_nbgrader_left_half_made_is_completed(course: Course, db: str) -> None:
    write(course, db, graded("ada"))
    whole = rows(db)
    execute(db, "drop table alembic_version", "drop table comment")
    write(course, db, graded("bob"))
    assert set(rows(db)) == set(whole)
    assert rows(db)["alembic_version"] == whole["alembic_version"]


KILLED_WHILE_MAKING = """
import os, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from autograder.nbgrader_bridge.database import open_gradebook

@event.listens_for(Engine, "before_cursor_execute")
def count(connection, cursor, statement, *_):
    if "CREATE TABLE" in statement and "late_submission_penalty" in statement:
        os.kill(os.getpid(), 9)

open_gradebook(sys.argv[1], "tiny")
"""


def test_a_run_that_is_killed_while_it_makes_the_tables_leaves_none(course: Course, db: str) -> None:
    process = run_python(KILLED_WHILE_MAKING, db)
    process.communicate(timeout=120)
    assert process.returncode == -9
    assert rows(db) == {}
    write(course, db, graded("ada"))
    assert scores(db) == [("ada", 4.5, 3)]


def test_several_may_open_a_new_gradebook_at_once(db: str) -> None:
    together = threading.Barrier(4)

    def open_one(_: int) -> None:
        together.wait()
        database.open_gradebook(db, "tiny").close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_one, range(4)))
    assert len(rows(db)["alembic_version"]) == len(rows(db)["course"]) == 1


KILLED_AT_EACH_WRITE = """
import os, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
import autograder.feedback, autograder.gradebook  # once, before the forks
from autograder.course import Course
from autograder.model import GradeReport, Submission
from autograder.readers import Readers

course, db, *reports = Course(Path(sys.argv[1])), *sys.argv[2:]
sys.path.insert(0, str(course.root))  # for its late plugin

def run(reports, statements):
    left = statements
    def count(*about):
        nonlocal left
        left -= not (len(about) > 2 and about[2].startswith(("SELECT", "PRAGMA", "SET")))  # of two reads, one is enough
        if left < 0:
            os.kill(os.getpid(), 9)
    for moment in ("before_cursor_execute", "commit"):
        event.listen(Engine, moment, count)
    with Readers(course, "halving", course.results, gradebook=True, db_url=db, level=None) as reading:
        for data in reports:
            report = GradeReport.from_json(data)
            path = course.submitted / report.student / "halving" / "halving.ipynb"
            reading.take(report, Submission(student=report.student, assignment="halving", path=path))

half, number, killed = len(reports) // 2, 0, True
while killed:
    pid = os.fork()
    if not pid:
        run(reports[:half] if number % 2 else reports[half:], number)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    killed = code == -9
    print("killed" if killed else f"ended {code}", flush=True)
    sys.stdin.readline()
    number += 1
"""


def test_a_run_may_be_killed_at_every_write(course: Course, db: str) -> None:
    """Class after class is regraded, each run with one change more before it is killed, until one comes through."""
    high = [graded(student) for student in CLASS[:2]]
    low = [nothing(student, Verdict.FAILED) for student in CLASS[:2]]
    reports = [report.to_json().decode() for report in (*high, *low)]
    process = run_python(KILLED_AT_EACH_WRITE, str(course.root), db, *reports)
    assert process.stdin is not None
    assert process.stdout is not None
    kills = 0
    while (said := process.stdout.readline()) == "killed\n":
        kills += 1
        if "grade" in rows(db):
            found = scores(db)
            assert {score for _, score, _ in found} <= {0.0, 4.5}
            assert [(student, cells) for student, _, cells in found] == [(s, 3) for s in CLASS[: len(found)]]
        process.stdin.write("\n")
        process.stdin.flush()
    assert said == "ended 0\n"
    assert kills > 20
    last = low if kills % 2 == 0 else high
    assert scores(db) == [(report.student, report.score, 3) for report in last]
    process.communicate("\n", timeout=60)


# rivals and readers


READER = """
import sys
from nbgrader.api import Gradebook
from sqlalchemy import text

seen = set()
with Gradebook(sys.argv[1], "tiny") as gradebook:
    print("reading", flush=True)
    for _ in range(100):
        seen |= {tuple(row) for row in gradebook.db.execute(text(sys.argv[2]))}
        submissions = gradebook.submission_dicts("halving")
        seen |= {(entry["student"], entry["score"], 3) for entry in submissions}
        gradebook.db.rollback()
print(sorted(seen), flush=True)
"""


def test_a_reader_sees_only_whole_submissions_and_does_not_stop_the_writer(course: Course, db: str) -> None:
    write(course, db, graded("ada"))
    reader = run_python(READER, db, SCORES)
    assert reader.stdout is not None
    assert reader.stdout.readline() == "reading\n"
    written = 0
    with GradebookWriter(course, TOPIC, db) as gradebook:
        while reader.poll() is None:
            report = graded("ada") if written % 2 else nothing("ada", Verdict.FAILED)
            gradebook.record(report, notebook_of(course, "ada"))
            written += 1
    assert reader.returncode == 0
    assert written > 1
    assert reader.stdout.read() == "[('ada', 0.0, 3), ('ada', 4.5, 3)]\n"
    reader.communicate()


def test_two_writers_of_the_same_submissions_leave_each_once(course: Course, db: str) -> None:
    def write_all(_: int) -> None:
        with GradebookWriter(course, TOPIC, db) as gradebook:
            together.wait()
            for student in CLASS:
                gradebook.record(graded(student), notebook_of(course, student))

    with GradebookWriter(course, TOPIC, db):
        pass
    together = threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write_all, range(3)))
    assert scores(db) == [(student, 4.5, 3) for student in CLASS]


@pytest.fixture
def lock(db: str) -> Iterator[Callable[[], Any]]:
    """Takes the whole gradebook in a transaction, as a backup may; returns what lets it go."""
    engine = create_engine(db)
    connections = []

    def take() -> Any:
        connection = engine.connect()
        connections.append(connection)
        for statement in (
            ["begin exclusive"]
            if engine.dialect.name == "sqlite"
            else ["lock table grade, student in access exclusive mode"]
        ):
            connection.exec_driver_sql(statement)
        return connection

    yield take
    for connection in connections:
        connection.close()
    engine.dispose()


def test_a_locked_gradebook_is_waited_for(course: Course, db: str, lock: Callable[[], Any]) -> None:
    with GradebookWriter(course, TOPIC, db) as gradebook:
        held, begun = lock(), threading.Event()
        event.listen(gradebook._session.get_bind(), "before_cursor_execute", lambda *_: begun.set())

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(gradebook.record, graded("ada"), notebook_of(course, "ada"))
            assert begun.wait(60)
            held.rollback()
            waiting.result(60)
            pool.submit(gradebook.close).result()
    assert scores(db) == [("ada", 4.5, 3)]


def readers(course: Course, db: str) -> Readers:
    return Readers(course, TOPIC, course.results, gradebook=True, db_url=db, level=None)


def take(reading: Readers, course: Course, report: GradeReport) -> None:
    path = notebook_of(course, report.student)
    reading.take(report, Submission(student=report.student, assignment=TOPIC, path=path))


def read_all(course: Course, db: str) -> None:
    """As a run does in which nobody has to be graded again."""
    with readers(course, db) as reading:
        for student in CLASS:
            take(reading, course, graded(student))


@pytest.mark.usefixtures("hasty")
def test_a_locked_gradebook_loses_no_grade(course: Course, db: str, lock: Callable[[], Any]) -> None:
    def run() -> None:
        with readers(course, db) as reading:
            take(reading, course, graded("ada"))
            held.append(lock())
            take(reading, course, graded("bob"))
            take(reading, course, graded("eve"))

    held: list[Any] = []
    with pytest.raises(UsageError) as told:
        run()
    held[0].rollback()
    assert "cannot be used: " in str(told.value)
    assert "lock" in str(told.value)
    assert f"2 grades did not reach the gradebook: what was graded is kept in {course.results}" in str(told.value)
    assert scores(db) == [("ada", 4.5, 3)]
    assert (course.root / "feedback" / "eve" / f"{TOPIC}.html").exists()
    read_all(course, db)
    assert scores(db) == [(student, 4.5, 3) for student in CLASS]


@pytest.mark.usefixtures("hasty")
def test_a_gradebook_that_is_locked_for_a_while_gets_every_grade(
    course: Course, db: str, lock: Callable[[], Any]
) -> None:
    with readers(course, db) as reading:
        take(reading, course, graded("ada"))
        held = lock()
        take(reading, course, graded("bob"))
        held.rollback()
    assert [student for student, _, _ in scores(db)] == ["ada", "bob"]


def test_grades_that_land_at_once_enter_together_and_none_waits_for_long(
    course: Course, db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered: list[list[str]] = []
    write_all = GradebookWriter.write_all

    def note(self: GradebookWriter, graded: Sequence[tuple[GradeReport, Path]]) -> list[Path]:
        entered.append([report.student for report, _ in graded])
        return write_all(self, graded)

    monkeypatch.setattr(GradebookWriter, "write_all", note)
    for seconds, batches in ((1e9, [["ada", "bob"], ["eve"]]), (0.0, [["ada"], ["bob"], ["eve"]])):
        monkeypatch.setattr("autograder.readers.BATCH", 2)
        monkeypatch.setattr("autograder.readers.BATCH_SECONDS", seconds)
        report = graded if seconds else functools.partial(nothing, verdict=Verdict.FAILED)
        with readers(course, db) as reading:
            for student in CLASS:
                take(reading, course, report(student))
        assert entered == batches
        assert scores(db) == [(student, report(student).score, 3) for student in CLASS]
        entered.clear()


# connections that break


def test_a_connection_may_break_at_every_point(course: Course, postgres: Server, server_db: str) -> None:
    """Before each statement in turn, the commit included, an administrator ends our connection."""
    execute_due = "update assignment set duedate = '2026-03-01T11:30:00'"
    with GradebookWriter(course, TOPIC, server_db) as gradebook:
        execute(server_db, execute_due)
        engine = gradebook._session.get_bind()
        left = -1

        def strike(*_: object) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                postgres.cut_connections(server_db)

        for moment in ("before_cursor_execute", "commit"):
            event.listen(engine, moment, strike)
        point, struck = 0, True
        while struck:
            left = point
            report = graded("ada") if point % 2 else nothing("ada", Verdict.FAILED)
            gradebook.record(report, notebook_of(course, "ada"))
            struck, left = left < 0, -1
            assert scores(server_db) == [("ada", report.score, 3)]
            point += 1
    assert point > 10
    (penalty,) = execute(server_db, "select late_submission_penalty from submitted_notebook")
    assert penalty == (min(1.0, report.score),)


@pytest.mark.usefixtures("hasty")
def test_a_server_that_stops_on_the_way_loses_no_grade(course: Course, postgres: Server, server_db: str) -> None:
    def run() -> None:
        with readers(course, server_db) as reading:
            take(reading, course, graded("ada"))
            postgres.stop("immediate")
            take(reading, course, graded("bob"))
            take(reading, course, graded("eve"))

    try:
        with pytest.raises(UsageError) as told:
            run()
    finally:
        postgres.start()
    assert "2 grades did not reach the gradebook" in str(told.value)
    assert str(postgres.folder) in str(told.value)
    assert scores(server_db) == [("ada", 4.5, 3)]
    read_all(course, server_db)
    assert scores(server_db) == [(student, 4.5, 3) for student in CLASS]


def test_a_server_that_was_restarted_is_found_again(course: Course, postgres: Server, server_db: str) -> None:
    with readers(course, server_db) as reading:
        take(reading, course, graded("ada"))
        postgres.stop("immediate")
        postgres.start()
        take(reading, course, graded("bob"))
    assert [student for student, _, _ in scores(server_db)] == ["ada", "bob"]


def test_a_server_that_is_not_there_ends_the_run_at_its_first_report(
    course: Course, postgres: Server, tmp_path: Path
) -> None:
    url = f"postgresql://postgres@/course?host={tmp_path}"
    with (
        pytest.raises(UsageError, match=r"cannot be used: .*No such file or directory"),
        readers(course, url) as reading,
    ):
        take(reading, course, graded("ada"))


# a gradebook that went away


def lost(db: str) -> None:
    execute(db, "drop table alembic_version")
    for table in ("grade", "comment", "submitted_notebook", "submitted_assignment"):
        execute(db, f"drop table {table}")


def test_a_gradebook_that_lost_its_rows_gets_them_again(course: Course, db: str) -> None:
    read_all(course, db)
    lost(db)
    read_all(course, db)
    assert scores(db) == [(student, 4.5, 3) for student in CLASS]


def test_a_gradebook_that_was_put_back_from_a_copy_catches_up(course: Course, tmp_path: Path) -> None:
    file, copy = tmp_path / "gradebook.db", tmp_path / "copy"
    db = f"sqlite:///{file}"
    write(course, db, graded("ada"))
    shutil.copy(file, copy)
    read_all(course, db)
    shutil.copy(copy, file)
    read_all(course, db)
    assert scores(db) == [(student, 4.5, 3) for student in CLASS]


def test_an_untouched_gradebook_is_not_opened_again(course: Course, tmp_path: Path) -> None:
    db = f"sqlite:///{tmp_path}/gradebook.db"
    read_all(course, db)
    before = (tmp_path / "gradebook.db").stat()
    with readers(course, db) as reading:
        for student in CLASS:
            take(reading, course, graded(student))
        assert reading._writer is None
    assert (tmp_path / "gradebook.db").stat().st_mtime_ns == before.st_mtime_ns


def test_another_configuration_is_another_gradebook(course: Course) -> None:
    with Readers(course, TOPIC, course.results, gradebook=True, db_url=None, level=None) as reading:
        take(reading, course, graded("ada"))
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text(encoding="utf-8") + "c.CourseDirectory.db_url = 'sqlite:///other.db'\n")
    with Readers(course, TOPIC, course.results, gradebook=True, db_url=None, level=None) as reading:
        take(reading, course, graded("ada"))
    assert scores(f"sqlite:///{course.root}/other.db") == [("ada", 4.5, 3)]
