"""Plain nbgrader, in its own processes, on a course that is configured for this package."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader.handlers import template_path
from sqlalchemy import make_url

from autograder.course import Course
from autograder.gradebook import GradebookWriter
from autograder.model import GradeReport, Verdict
from autograder.nbgrader_bridge import configured_db_url
from autograder.nbgrader_bridge.settings import read_settings
from tests.toolkit.command_line import NBGRADER
from tests.toolkit.gradebooks import content
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import (
    MARKUP,
    answered,
    cell_of,
    duplicated,
    graded,
    hand_in,
    notebook_of,
    nothing,
    odd,
    released_course,
    released_notebook,
)

if TYPE_CHECKING:
    from tests.toolkit.postgres import Server

ROOT = Path(__file__).parents[2]


def nbgrader(course: Course, *arguments: str, status: int = 0) -> str:
    """The output of an nbgrader command, called by path as from an environment that is not activated."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("JUPYTER", "IPYTHON"))}
    command = [*NBGRADER, *arguments]
    done = subprocess.run(
        command, cwd=course.root, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode == status, output
    return output


def put_report(course: Course, report: GradeReport) -> None:
    folder = course.root / "reports"
    folder.mkdir(exist_ok=True)
    (folder / f"{report.student}.json").write_bytes(report.to_json())


HANDED_IN: dict[str, tuple[Callable[[Course], NotebookNode | bytes], Callable[[], GradeReport]]] = {
    "ada": (answered, lambda: graded("ada")),
    "bob": (duplicated, lambda: graded("bob", halver=Verdict.PASSED)),
    "cat": (lambda _: b'{"cells": [', lambda: nothing("cat", Verdict.INVALID_SUBMISSION, "it is not JSON")),
    "dan": (odd, lambda: graded("dan")),
    "eve": (released_notebook, lambda: nothing("eve", Verdict.MISSING)),
    "fay": (lambda _: b"[" * 100_000, lambda: nothing("fay", Verdict.INVALID_SUBMISSION, "it is nested too deeply")),
}


@dataclass(frozen=True)
class Run:
    """What a run of ``nbgrader autograde`` said and left."""

    course: Course
    db: str
    log: str
    rows: dict[str, list[Any]]
    notebooks: dict[str, NotebookNode]


def autograde(course: Course, *arguments: str, status: int = 0) -> Run:
    log = nbgrader(course, "autograde", TOPIC, *arguments, status=status)
    db = configured_db_url(course)
    return Run(course, db, log, content(db), notebooks(course))


def notebooks(course: Course) -> dict[str, NotebookNode]:
    paths = course.root.glob(f"autograded/*/{TOPIC}/{TOPIC}.ipynb")
    return {path.parts[-3]: nbformat.read(path, as_version=4) for path in paths}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A class is graded in a course that has no gradebook yet."""
    course = released_course(tmp_path_factory.mktemp("class"))
    if request.param == "sqlite":  # nbgrader's default, which no configuration names
        yield grade_all(course)
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database() as url, (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"c.CourseDirectory.db_url = {url!r}\n")
        config.flush()
        yield grade_all(course)


def grade_all(course: Course) -> Run:
    for student, (notebook, report) in HANDED_IN.items():
        hand_in(course, student, notebook(course), "2026-03-01 12:00:00 UTC")
        put_report(course, report())
    return autograde(course)


@dataclass(frozen=True)
class Regrade:
    """The same regrade by nbgrader's command and, on a copy of the gradebook, by ours."""

    theirs: Run
    ours: dict[str, list[Any]]


@pytest.fixture(scope="module")
def second(first: Run, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Regrade]:
    """A person decided this and that, then all is graded again; for eve the grader fails."""
    course = first.course
    with another_database(first.db, tmp_path_factory.mktemp("copy"), request, copy=True) as copy:
        for database in (first.db, copy):
            decide(database)
        put_report(course, graded("eve", verdict=Verdict.GRADER_ERROR, message="the disk is full"))
        theirs = autograde(course, "--force", status=1)
        with GradebookWriter(course, TOPIC, copy) as gradebook:
            for path in sorted((course.root / "reports").iterdir()):
                gradebook.write(GradeReport.from_json(path.read_bytes()), notebook_of(course, path.stem))
        yield Regrade(theirs, content(copy))


@contextlib.contextmanager
def another_database(db: str, folder: Path, request: pytest.FixtureRequest, *, copy: bool) -> Iterator[str]:
    """A database of the same kind, empty or a copy."""
    url = make_url(db)
    if url.get_backend_name() == "sqlite":
        if copy:
            shutil.copy(str(url.database), folder / "gradebook.db")
        yield f"sqlite:///{folder}/gradebook.db"
        return
    server: Server = request.getfixturevalue("postgres")
    with server.database(template=url.database if copy else None) as other:
        yield other


def decide(db: str) -> None:
    with Gradebook(db, "tiny") as gradebook:
        gradebook.find_assignment(TOPIC).duedate = datetime.datetime.fromisoformat("2026-03-01T11:30:00")
        grade = gradebook.find_grade("explain_halving", TOPIC, TOPIC, "bob")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.find_comment("explain_halving", TOPIC, TOPIC, "bob").manual_comment = "Good."
        gradebook.db.commit()
        gradebook.grant_extension(TOPIC, "bob", minutes=15)


# nbgrader autograde


def scores(rows: dict[str, list[Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for student, _, automatic, manual, _ in rows["grade"]:
        found[student] = found.get(student, 0.0) + (automatic or 0.0 if manual is None else manual)
    return found


def test_every_student_is_graded_whatever_they_hand_in(first: Run) -> None:
    assert scores(first.rows) == {"ada": 4.5, "bob": 5.0, "cat": 0.0, "dan": 4.5, "eve": 0.0, "fay": 0.0}
    assert "ERROR" not in first.log


def test_no_cell_of_a_student_is_run(first: Run) -> None:
    assert not list(first.course.root.rglob("cell-ran"))
    assert "open('cell-ran', 'w')" in cell_of(first.notebooks["ada"], "halve-answer").source


def test_our_command_and_nbgraders_give_the_same_grades(
    first: Run, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with another_database(first.db, tmp_path, request, copy=False) as db:
        with GradebookWriter(first.course, TOPIC, db) as gradebook:
            for _, report in HANDED_IN.values():
                gradebook.write(report(), notebook_of(first.course, report().student))
        assert content(db) == first.rows
    assert notebooks(first.course) == first.notebooks


def test_a_regrade_keeps_what_a_person_decided(second: Regrade) -> None:
    assert scores(second.theirs.rows)["bob"] == 6.5
    assert ("bob", "explain_halving", None, 1.5, 0) in second.theirs.rows["grade"]
    ((manual_comment,),) = [row[3:] for row in second.theirs.rows["comment"] if row[:2] == ("bob", "explain_halving")]
    assert manual_comment == "Good."


def test_lateness_and_extensions_cost_the_same_both_ways(second: Regrade) -> None:
    penalties = {student: penalty for student, penalty, _ in second.theirs.rows["late"]}
    assert penalties == {"ada": 1.0, "bob": 0.5, "cat": 0.0, "dan": 1.0, "eve": None, "fay": 0.0}
    assert second.ours == second.theirs.rows


def test_a_grader_error_is_told_and_leaves_the_earlier_grade(second: Regrade) -> None:
    assert "GraderError: eve: not graded, an earlier grade stands: the disk is full" in second.theirs.log
    assert scores(second.theirs.rows)["eve"] == 0.0
    assert "eve" not in second.theirs.notebooks  # so formgrader shows her as not autograded
    assert set(second.theirs.notebooks) == set(HANDED_IN) - {"eve"}


def test_a_course_that_is_not_released_is_refused_once_and_clearly(first: Run) -> None:
    notebook = first.course.root / "release" / TOPIC / f"{TOPIC}.ipynb"
    aside = notebook.rename(notebook.with_suffix(".aside"))
    try:
        log = nbgrader(first.course, "autograde", TOPIC, "--force", status=1)
    finally:
        aside.rename(notebook)
    assert "is missing; make it: autograder release halving" in log
    assert "Traceback" not in log


# what nbgrader makes of it


@pytest.fixture(scope="module")
def pages(second: Regrade) -> dict[str, str]:
    nbgrader(second.theirs.course, "generate_feedback", TOPIC, "--force")
    folder = second.theirs.course.root / "feedback"
    return {
        name: (folder / name / TOPIC / f"{TOPIC}.html").read_text(encoding="utf-8") for name in second.theirs.notebooks
    }


def test_feedback_shows_results_and_no_student_markup(pages: dict[str, str]) -> None:
    body = pages["ada"].split("<body", 1)[1]
    assert "halve: Right, 3 of 3 points" in body
    assert "The buffer holds the number of calls (not right yet)" in body
    assert "it holds &lt;b&gt;0&lt;/b&gt;" in body
    for page in pages.values():
        body = page.split("<body", 1)[1]
        assert "<script" not in body
        assert "spy.example/x.png" not in body.replace(MARKUP.replace("<", "&lt;").replace(">", "&gt;"), "")
        assert 'href="javascript' not in body
    assert "&lt;script&gt;steal()&lt;/script&gt;" in pages["dan"]


def test_feedback_on_a_notebook_that_cannot_be_read_says_why(pages: dict[str, str]) -> None:
    assert "The notebook that was handed in could not be graded." in pages["cat"]
    assert "it is not JSON" in pages["cat"]


def test_scores_can_be_exported(second: Regrade, tmp_path: Path) -> None:
    nbgrader(second.theirs.course, "export", f"--to={tmp_path}/grades.csv")
    lines = (tmp_path / "grades.csv").read_text(encoding="utf-8").splitlines()
    (ada,) = [line.split(",") for line in lines if ",ada," in line]
    assert ada[-4:] == ["4.5", "1.0", "3.5", "7.0"]


def test_formgrader_sees_the_class(second: Regrade, monkeypatch: pytest.MonkeyPatch) -> None:
    course = second.theirs.course
    monkeypatch.syspath_prepend(str(course.root))
    settings = read_settings(course)
    settings.config.Exchange.root = str(course.root)
    coursedir = CourseDirectory(config=settings.config, root=str(course.root))
    api = NbGraderAPI(coursedir, config=settings.config)
    (submission,) = [entry for entry in api.get_submissions(TOPIC) if entry["student"] == "ada"]
    assert (submission["score"], submission["autograded"], submission["needs_manual_grade"]) == (4.5, True, True)
    assert {entry["student"] for entry in api.get_notebook_submissions(TOPIC, TOPIC)} == set(HANDED_IN) - {"eve"}
    result = api.autograde(TOPIC, "dan")
    assert result["success"], result
    assert not list(course.root.rglob("cell-ran"))


def test_formgraders_page_shows_no_student_markup(first: Run) -> None:
    config = read_settings(first.course).config
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [template_path]
    resources = dict.fromkeys(("assignment_id", "notebook_id", "submission_id", "student", "base_url"), "x")
    names = {"index": 0, "total": 1, "first_name": "", "last_name": "", "notebook_path": "x"}
    page, _ = HTMLExporter(config=config).from_notebook_node(first.notebooks["dan"], resources=resources | names)
    assert "steal()" in page
    assert "<script>steal" not in page
    assert 'href="javascript:steal' not in page
    assert '<img alt="spy" src="http' not in page
