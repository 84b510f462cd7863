from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from msgspec.structs import replace
from nbgrader.api import Assignment, Base, Gradebook, Notebook, SubmittedAssignment

from autograder.course import Course
from autograder.errors import AuthoringError, UsageError
from autograder.gradebook import GradebookWriter
from autograder.model import Verdict
from autograder.nbgrader_bridge import configured_db_url
from autograder.release import release
from tests.toolkit.gradebooks import rows, write
from tests.toolkit.reports import question, record
from tests.toolkit.tiny import TOPIC, edit
from tests.toolkit.tiny_class import (
    answered,
    cell_of,
    graded,
    hand_in,
    notebook_of,
    nothing,
    released_course,
    released_notebook,
)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Shared and not changed by tests, except below ``submitted/`` and ``autograded/``."""
    return released_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def book(db: str) -> Iterator[Any]:
    """Nbgrader's own view of the gradebook that a test wrote to."""
    opened: list[Any] = []

    class Late:
        """Opens on first use: the writer makes the database."""

        def __getattr__(self, name: str) -> Any:
            if not opened:
                opened.append(Gradebook(db, "tiny"))
            if name.startswith("find"):
                opened[0].db.expire_all()
            return getattr(opened[0], name)

    yield Late()
    for gradebook in opened:
        gradebook.close()


# what is recorded


def test_scores_and_comments_stand_in_the_gradebook(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released))
    write(released, db, graded("ada"))
    submission = book.find_submission(TOPIC, "ada")
    assert (submission.score, submission.max_score) == (4.5, 7.0)
    scores = {grade.name: (grade.auto_score, grade.max_score) for grade in submission.notebooks[0].grades}
    assert scores == {"halve": (3.0, 3.0), "Halver": (1.5, 2.0), "explain_halving": (None, 2.0)}
    remarks = {comment.name: comment.auto_comment for comment in submission.notebooks[0].comments}
    assert remarks["halve-answer"] == "halve: Right, 3 of 3 points"
    assert remarks["Halver-answer"].splitlines() == [
        "Halver: Partly right, 1.5 of 2 points",
        "- Not right yet: The buffer holds the number of calls",
        "- Count in forward.",
    ]


def test_comments_follow_the_feedback_level(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released))
    path = write(released, db, graded("ada"), level="category")
    assert path is not None
    told = book.find_comment("Halver-answer", TOPIC, TOPIC, "ada").auto_comment + path.read_text(encoding="utf-8")
    assert "The buffer holds the number of calls" in told
    assert "Count in forward." not in told
    assert "it holds" not in told


def test_only_a_written_answer_waits_for_a_person(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released))
    hand_in(released, "bob", released_notebook(released))
    with GradebookWriter(released, TOPIC, db) as gradebook:
        gradebook.write(graded("ada"), notebook_of(released, "ada"))
        gradebook.write(graded("bob"), notebook_of(released, "bob"))
    waiting = {
        (name, grade.name): (grade.needs_manual_grade, grade.auto_score)
        for name in ("ada", "bob")
        for grade in book.find_submission_notebook(TOPIC, TOPIC, name).grades
    }
    assert waiting["ada", "explain_halving"] == (True, None)
    assert waiting["bob", "explain_halving"] == (False, 0.0)  # untouched: nbgrader scores it 0 as well
    assert not any(waiting[name, question][0] for name in ("ada", "bob") for question in ("halve", "Halver"))
    assert book.find_comment("explain_halving", TOPIC, TOPIC, "bob").auto_comment == "No response."


def test_a_bonus_goes_beyond_the_maximum(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released))
    plain = graded("ada")
    halve = replace(plain.questions[0], score=4.0)
    write(released, db, replace(plain, score=5.5, questions=(halve, *plain.questions[1:])))
    assert book.find_submission(TOPIC, "ada").score == 5.5
    assert book.find_submission(TOPIC, "ada").max_score == 7.0


def test_an_open_test_counts_what_is_won_so_far(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released))
    write(released, db, graded("ada", halver=Verdict.DEFERRED))
    assert book.find_grade("Halver", TOPIC, TOPIC, "ada").auto_score == 1.5
    assert "0.5 still open" in book.find_comment("Halver-answer", TOPIC, TOPIC, "ada").auto_comment


def test_writing_twice_changes_nothing(released: Course, db: str) -> None:
    hand_in(released, "ada", answered(released), "2026-03-01 12:00:00 UTC")
    path = write(released, db, graded("ada"))
    assert path is not None
    before, notebook = rows(db), path.read_bytes()
    assert before["grade"]
    write(released, db, graded("ada"))
    assert rows(db) == before
    assert path.read_bytes() == notebook


def test_a_regrade_replaces_scores(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released))
    write(released, db, nothing("ada", Verdict.MISSING))
    assert book.find_submission(TOPIC, "ada").score == 0.0
    write(released, db, graded("ada", halver=Verdict.PASSED))
    assert book.find_submission(TOPIC, "ada").score == 5.0


def test_a_grader_error_leaves_the_earlier_grade(released: Course, db: str) -> None:
    hand_in(released, "ada", answered(released))
    path = write(released, db, graded("ada"))
    assert path is not None
    before, notebook = rows(db), path.read_bytes()
    assert write(released, db, nothing("ada", Verdict.GRADER_ERROR)) is None
    assert rows(db) == before
    assert path.read_bytes() == notebook


# what a person decides


def test_what_a_person_decided_survives_a_regrade(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released))
    write(released, db, graded("ada"))
    essay, halve = (book.find_grade(name, TOPIC, TOPIC, "ada") for name in ("explain_halving", "halve"))
    remark = book.find_comment("explain_halving", TOPIC, TOPIC, "ada")
    essay.manual_score, essay.needs_manual_grade = 1.0, False
    halve.manual_score, halve.extra_credit = 2.0, 0.25
    remark.manual_comment = "Nearly."
    book.db.commit()
    write(released, db, nothing("ada", Verdict.FAILED))
    essay, halve = (book.find_grade(name, TOPIC, TOPIC, "ada") for name in ("explain_halving", "halve"))
    assert (essay.manual_score, essay.needs_manual_grade) == (1.0, False)
    assert (halve.auto_score, halve.manual_score, halve.extra_credit) == (0.0, 2.0, 0.25)
    assert book.find_comment("explain_halving", TOPIC, TOPIC, "ada").comment == "Nearly."
    assert book.find_submission(TOPIC, "ada").score == 3.25


def test_an_answer_that_changed_after_it_was_scored_waits_again(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released))
    write(released, db, graded("ada"))
    essay = book.find_grade("explain_halving", TOPIC, TOPIC, "ada")
    essay.manual_score, essay.needs_manual_grade = 1.0, False
    book.db.commit()
    hand_in(released, "ada", answered(released, "On second thought: nothing is lost."))
    for _ in range(2):  # and goes on waiting when graded once more
        write(released, db, graded("ada"))
        essay = book.find_grade("explain_halving", TOPIC, TOPIC, "ada")
        assert (essay.manual_score, essay.needs_manual_grade) == (1.0, True)


# lateness


def due(book: Any, moment: str) -> None:
    book.find_assignment(TOPIC).duedate = datetime.datetime.fromisoformat(moment)
    book.db.commit()


def test_lateness_costs_what_the_plugin_says_less_an_extension(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released), "2026-03-01 12:00:00 UTC")
    write(released, db, graded("ada"))
    assert book.find_submission(TOPIC, "ada").late_submission_penalty == 0.0
    due(book, "2026-03-01T10:30:00")
    write(released, db, graded("ada"))
    assert book.find_submission(TOPIC, "ada").total_seconds_late == 5400
    assert book.find_submission(TOPIC, "ada").late_submission_penalty == 3.0
    book.grant_extension(TOPIC, "ada", hours=1)
    write(released, db, graded("ada"))
    assert book.find_submission(TOPIC, "ada").late_submission_penalty == 1.0
    book.grant_extension(TOPIC, "ada", hours=2)
    write(released, db, graded("ada"))
    assert book.find_submission(TOPIC, "ada").late_submission_penalty == 0.0


def test_a_penalty_is_never_more_than_the_score(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released), "2026-03-09 12:00:00 UTC")
    with GradebookWriter(released, TOPIC, db):
        due(book, "2026-03-01T10:30:00")
    write(released, db, graded("ada"))
    assert book.find_submission(TOPIC, "ada").late_submission_penalty == 4.5


def test_an_extension_without_a_due_date_is_not_late(released: Course, db: str, book: Any) -> None:
    hand_in(released, "ada", answered(released), "2026-03-01 12:00:00 UTC")
    write(released, db, graded("ada"))
    book.find_submission(TOPIC, "ada").extension = datetime.timedelta(hours=1)
    book.db.commit()
    write(released, db, graded("ada"))
    assert book.find_submission(TOPIC, "ada").late_submission_penalty == 0.0


@pytest.mark.parametrize("stamp", ["yesterday, honestly", "99999999999999", "\x00"])
def test_a_timestamp_that_cannot_be_read_leaves_the_time_open(released: Course, db: str, book: Any, stamp: str) -> None:
    hand_in(released, "eve", answered(released), stamp)
    write(released, db, graded("eve"))
    assert book.find_submission(TOPIC, "eve").timestamp is None


# files


def test_the_autograded_notebook_and_timestamp_lie_where_nbgrader_looks(released: Course, db: str) -> None:
    hand_in(released, "ada", answered(released), "2026-03-01 12:00:00 UTC")
    path = write(released, db, graded("ada"))
    assert path == released.root / "autograded" / "ada" / TOPIC / f"{TOPIC}.ipynb"
    assert path.stat().st_mode & 0o777 == 0o444
    assert path.with_name("timestamp.txt").read_text(encoding="utf-8") == "2026-03-01 12:00:00 UTC\n"
    nbformat.validate(nbformat.read(path, as_version=4))
    (released.submitted / "ada" / TOPIC / "timestamp.txt").unlink()
    write(released, db, graded("ada"))
    assert sorted(entry.name for entry in path.parent.iterdir()) == [f"{TOPIC}.ipynb"]


def test_pictures_of_the_handout_lie_beside_the_notebook(tmp_path: Path, db: str) -> None:
    course = released_course(tmp_path)
    picture = course.root / "assignments" / TOPIC / "files" / "plots" / "half.PNG"
    picture.parent.mkdir()
    picture.write_bytes(b"picture")
    hand_in(course, "ada", answered(course))
    path = write(course, db, graded("ada"))
    assert path is not None
    copies = [copy for copy in path.parent.rglob("*") if copy.is_file() and copy != path]
    assert copies == [path.parent / "files" / "plots" / "half.PNG"]
    picture.write_bytes(b"another")
    write(course, db, graded("ada"))
    assert copies[0].read_bytes() == b"another"


def test_a_notebook_that_cannot_be_read_gets_the_released_one_with_a_note(released: Course, db: str, book: Any) -> None:
    hand_in(released, "torn", b'{"cells": [')
    report = nothing("torn", Verdict.INVALID_SUBMISSION, "the file is not JSON: line 1")
    path = write(released, db, report)
    assert path is not None
    notebook = nbformat.read(path, as_version=4)
    assert "the file is not JSON: line 1" in notebook.cells[0].source
    assert "could not be opened" in cell_of(notebook, "halve").outputs[0].text
    assert book.find_submission(TOPIC, "torn").score == 0.0
    assert not book.find_submission(TOPIC, "torn").needs_manual_grade


# the assignment


def test_the_assignment_looks_as_after_generate_assignment(released: Course, db: str, book: Any) -> None:
    with GradebookWriter(released, TOPIC, db):
        pass
    notebook = book.find_notebook(TOPIC, TOPIC)
    assert {cell.name: (cell.max_score, cell.cell_type) for cell in notebook.grade_cells} == {
        "halve": (3.0, "code"),
        "Halver": (2.0, "code"),
        "explain_halving": (2.0, "markdown"),
    }
    assert {cell.name for cell in notebook.solution_cells} == {"halve-answer", "Halver-answer", "explain_halving"}
    marked = released_notebook(released)
    assert {(cell.name, cell.source, cell.checksum, cell.locked) for cell in notebook.source_cells} == {
        (name, cell.source, cell.metadata.nbgrader.checksum, cell.metadata.nbgrader.locked)
        for name in ("halve", "halve-answer", "Halver", "Halver-answer", "explain_halving")
        for cell in [cell_of(marked, name)]
    }
    assert notebook.assignment.course_id == "tiny"


def test_points_may_change_until_somebody_is_graded(tmp_path: Path, db: str, book: Any) -> None:
    course = released_course(tmp_path)
    with GradebookWriter(course, TOPIC, db):
        due(book, "2026-03-01T10:30:00")
    handout = course.root / "assignments" / TOPIC / f"{TOPIC}.md"
    edit(handout, "explain_halving: {points: 2}", "explain_halving: {points: 4}")
    release(course, TOPIC)
    with GradebookWriter(course, TOPIC, db) as gradebook:
        assert book.find_assignment(TOPIC).max_score == 9.0
        assert book.find_assignment(TOPIC).duedate is not None
        hand_in(course, "ada", answered(course))
        questions = graded("ada").questions
        report = replace(graded("ada"), questions=(*questions[:2], replace(questions[2], max_score=4.0)))
        gradebook.write(report, notebook_of(course, report.student))
    edit(handout, "explain_halving: {points: 4}", "explain_halving: {points: 1}")
    release(course, TOPIC)
    with pytest.raises(
        AuthoringError, match=r"halving: changed after 1 submission had been graded: .*has 1 points, not 4"
    ):
        GradebookWriter(course, TOPIC, db)


def test_tests_that_do_not_fit_the_release_are_refused(released: Course, db: str) -> None:
    hand_in(released, "ada", answered(released))
    other = replace(graded("ada"), questions=(question("third", record(), notebook=TOPIC),))
    with (
        GradebookWriter(released, TOPIC, db) as gradebook,
        pytest.raises(AuthoringError, match=r"'halve' is gone, .*'third' is new; restore them"),
    ):
        gradebook.write(other, notebook_of(released, "ada"))


def test_an_assignment_that_was_not_released_is_refused(tmp_path: Path, db: str) -> None:
    course = released_course(tmp_path)
    (course.root / "release" / TOPIC / f"{TOPIC}.ipynb").unlink()
    with pytest.raises(AuthoringError, match="is missing; make it: autograder release halving"):
        GradebookWriter(course, TOPIC, db)


# the database


def test_a_submission_is_recorded_whole_or_not_at_all(
    released: Course, db: str, book: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(released, "ada", answered(released), "2026-03-09 12:00:00 UTC")
    write(released, db, graded("ada"))
    due(book, "2026-03-01T10:30:00")
    before = rows(db)
    with GradebookWriter(released, TOPIC, db) as gradebook:

        def fail(*_: object) -> float:
            raise RuntimeError("the late plugin is broken")

        monkeypatch.setattr(gradebook._late.plugin_inst, "late_submission_penalty", fail)
        with pytest.raises(RuntimeError, match="the late plugin is broken"):
            gradebook.write(nothing("ada", Verdict.FAILED), notebook_of(released, "ada"))
        assert rows(db) == before
        monkeypatch.undo()
        hand_in(released, "bob", answered(released))
        gradebook.write(graded("bob"), notebook_of(released, "bob"))
        assert [row for row in rows(db)["grade"] if row in before["grade"]] == before["grade"]
        gradebook.write(nothing("ada", Verdict.FAILED), notebook_of(released, "ada"))
    assert rows(db) != before


def test_readers_see_finished_grades_while_the_writer_is_open(released: Course, db: str) -> None:
    hand_in(released, "ada", answered(released))
    with GradebookWriter(released, TOPIC, db) as gradebook:
        gradebook.write(graded("ada"), notebook_of(released, "ada"))
        with Gradebook(db, "tiny") as reader:
            assert reader.find_submission(TOPIC, "ada").score == 4.5
            reader.find_grade("halve", TOPIC, TOPIC, "ada").manual_score = 1.0
            reader.db.commit()
        gradebook.write(graded("ada"), notebook_of(released, "ada"))
        with Gradebook(db, "tiny") as reader:
            assert reader.find_submission(TOPIC, "ada").score == 2.5


def test_a_new_gradebook_has_the_version_nbgrader_would_give_it(released: Course, db: str) -> None:
    from nbgrader import dbutil

    with GradebookWriter(released, TOPIC, db):
        pass
    versions = [path.stem.split("_")[0] for path in Path(dbutil.ALEMBIC_DIR, "versions").glob("*.py")]
    ((version,),) = rows(db)["alembic_version"]
    assert version in versions
    assert set(Base.metadata.tables) < set(rows(db))


def test_students_can_be_asked_to_be_there_already(released: Course, db: str) -> None:
    hand_in(released, "ghost", answered(released))
    with pytest.raises(UsageError, match="no student 'ghost' in the gradebook; add one: nbgrader db student add ghost"):
        write(released, db, graded("ghost"), create_students=False)
    write(released, db, graded("ghost"))
    write(released, db, graded("ghost"), create_students=False)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "the gradebook 'nonsense' cannot be used: Could not parse"),
        ("sqlite:////no/such/folder/gradebook.db", "unable to open database file. Is the URL right"),
        ("postgresql+psycopg9://ada:secret@db/course", r"ada:\*\*\*@db/course cannot be used"),
    ],
)
def test_a_database_that_cannot_be_used_is_named(released: Course, url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        GradebookWriter(released, TOPIC, url)
    assert "secret" not in str(error.value)


def test_the_default_gradebook_is_nbgraders(released: Course, tmp_path: Path) -> None:
    assert configured_db_url(released) == f"sqlite:///{released.root}/gradebook.db"
    course = released_course(tmp_path)
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.CourseDirectory.db_url = 'sqlite:///grades/tiny.db'\n")
    assert configured_db_url(course) == f"sqlite:///{course.root}/grades/tiny.db"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 / 0", "nbgrader_config.py: reading it raised ZeroDivisionError"),
        ("c.CourseDirectory.ignore = 3", "nbgrader_config.py: under CourseDirectory: .*'ignore'"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\n{line}\n")
    with pytest.raises(AuthoringError, match=message):
        configured_db_url(Course(tmp_path))


def test_a_late_plugin_that_is_not_there_is_named(tmp_path: Path, db: str) -> None:
    course = released_course(tmp_path)
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.AssignLatePenalties.plugin_class = 'gone.Away'\n")
    with pytest.raises(AuthoringError, match=r"nbgrader_config.py: under AssignLatePenalties: .*gone\.Away"):
        GradebookWriter(course, TOPIC, db)


def test_a_configured_url_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.db_url = 'grades'\n")
    with pytest.raises(UsageError, match=r"'grades' is no database URL; write for example sqlite:///gradebook\.db"):
        configured_db_url(Course(tmp_path))


def test_tables_hold_one_row_per_thing(released: Course, db: str, book: Any) -> None:
    for student in ("ada", "bob"):
        hand_in(released, student, answered(released))
        for _ in range(2):
            write(released, db, graded(student))
    counts = [book.db.query(table).count() for table in (Assignment, Notebook, SubmittedAssignment)]
    assert counts == [1, 1, 2]
