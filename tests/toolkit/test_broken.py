"""The corpus of broken and odd notebooks: a grade for what they hold, or one plain sentence, and never a stop.

A file of ``tests/submissions/broken`` says in its docstring what is odd, in ``EXPECT`` the exact outcome (``cells``:
what became of single cells), and makes what is handed in: ``handed_in(kit)`` gives the notebook, as bytes or as plain
JSON; ``place(kit, path)`` puts something else in its place.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course import Course
from autograder.model import GradeReport, Submission
from autograder.provenance import Options
from autograder.release import release
from autograder.runner import Grader
from tests.toolkit.command_line import NBGRADER, command
from tests.toolkit.handed_in import Kit
from tests.toolkit.test_feedback import Page
from tests.toolkit.test_hostile import automatic
from tests.toolkit.tiny import TOPIC, edit, tiny_course

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "submissions" / "broken"
CONTROL = "zoe"

# Each of these stops `nbgrader autograde` of nbgrader's own, or once stopped this package's.
THROUGH_NBGRADER = (
    "all_cells_twice",
    "checks_edited",
    "cells_that_are_none",
    "half_a_surrogate",
    "linked_folder",
    "nested_metadata",
    "number_of_many_digits",
    "pipe",
)


@dataclass(frozen=True)
class Case:
    """One file of the corpus."""

    name: str
    expect: dict[str, Any]
    make: Callable[..., Any]
    places: bool

    def put(self, kit: Kit, submitted: Path) -> Path:
        """Hand it in below ``submitted``, as a student of the file's name."""
        path = submitted / self.name / TOPIC / f"{TOPIC}.ipynb"
        path.parent.mkdir(parents=True)
        if self.places:
            self.make(kit, path)
        else:
            made = self.make(kit)
            path.write_bytes(made if isinstance(made, bytes) else kit.dump(made))
        return path

    def assert_graded(self, report: GradeReport) -> None:
        """The report says exactly what is expected."""
        found = (str(automatic(report)), report.score, report.message)
        assert found == tuple(self.expect[key] for key in ("verdict", "score", "message")), report.cells
        cells = {cell.index: f"{cell.status}: {cell.message}" for cell in report.cells}
        assert cells == cells | self.expect.get("cells", {})


def read(path: Path) -> Case:
    found = runpy.run_path(str(path))
    return Case(path.stem, found["EXPECT"], found.get("place") or found["handed_in"], "place" in found)


CASES = {path.stem: read(path) for path in sorted(CORPUS.glob("*.py"))}


def released(folder: Path) -> tuple[Course, Kit]:
    """A released course with limits for a slow machine, and what its students work with."""
    course = tiny_course(folder)
    edit(course.root / "assignments" / TOPIC / f"{TOPIC}.md", "call_seconds: 2", "call_seconds: 20, cell_seconds: 5")
    release(course, TOPIC)
    notebook = nbformat.read(course.root / "release" / TOPIC / f"{TOPIC}.ipynb", as_version=4)
    return course, Kit(json.loads(json.dumps(notebook)))


@pytest.fixture(scope="module")
def slot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Grader, Kit]]:
    course, kit = released(tmp_path_factory.mktemp("broken"))
    with Grader(course, TOPIC, Options(explain=False)) as grader:
        yield grader, kit


@pytest.mark.parametrize("name", CASES)
def test_a_broken_notebook_gets_its_grade_or_one_sentence(slot: tuple[Grader, Kit], tmp_path: Path, name: str) -> None:
    (grader, kit), case = slot, CASES[name]
    path = case.put(kit, tmp_path)
    case.assert_graded(grader.grade(Submission(student=name, assignment=TOPIC, path=path)))
    good = tmp_path / f"{TOPIC}.ipynb"
    good.write_bytes(kit.good())
    following = grader.grade(Submission(student=CONTROL, assignment=TOPIC, path=good))
    assert (automatic(following), following.score) == ("passed", 5.0)


@pytest.mark.parametrize("name", CASES)
def test_an_outcome_is_told_in_one_sentence_that_helps(name: str) -> None:
    message = CASES[name].expect["message"]
    refused = CASES[name].expect["verdict"] == "invalid_submission"
    assert bool(message) == refused
    assert "\n" not in message
    assert len(message) < 200


# ------------------------------------------------------------------------------------------ as one class


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course, kit = released(tmp_path_factory.mktemp("class"))
    hand_in_class(course, kit, CASES)
    run(course, *command("grade", TOPIC, "--jobs", "2"))
    return course


def hand_in_class(course: Course, kit: Kit, names: Any) -> None:
    for name in names:
        CASES[name].put(kit, course.submitted)
    path = course.submitted / CONTROL / TOPIC / f"{TOPIC}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(kit.good())


def run(course: Course, *arguments: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(arguments, cwd=course.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def students(course: Course) -> set[str]:
    """Who has a folder for the topic; two of the corpus share other folders of theirs."""
    return {path.parent.name for path in course.submitted.glob(f"*/{TOPIC}")}


def test_a_class_of_them_is_graded_and_every_student_has_a_report(graded_class: Course) -> None:
    assert students(graded_class) == {*CASES, CONTROL}
    for name, case in CASES.items():
        case.assert_graded(GradeReport.from_json((graded_class.results / TOPIC / f"{name}.json").read_bytes()))
    assert not (graded_class.results / TOPIC / "errors").exists()


def test_every_student_of_the_class_has_a_row_in_the_gradebook(graded_class: Course) -> None:
    assert scores(graded_class) == {name: case.expect["score"] for name, case in CASES.items()} | {CONTROL: 5.0}


def scores(course: Course) -> dict[str, float]:
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return {row["student"]: row["score"] for row in gradebook.submission_dicts(TOPIC)}


def test_every_student_of_the_class_reads_why_on_a_page(graded_class: Course) -> None:
    for name, case in CASES.items():
        page = Page((graded_class.root / "feedback" / name / f"{TOPIC}.html").read_text(encoding="utf-8"))
        assert " ".join(case.expect["message"].split()) in page.text


def test_every_student_of_the_class_has_an_autograded_notebook_of_their_own_work(
    graded_class: Course,
) -> None:
    for name in CASES:
        made = nbformat.read(graded_class.root / "autograded" / name / TOPIC / f"{TOPIC}.ipynb", as_version=4)
        nbformat.validate(made)
    for name in ("linked_folder", "link_to_a_notebook"):
        made = nbformat.read(graded_class.root / "autograded" / name / TOPIC / f"{TOPIC}.ipynb", as_version=4)
        assert "x * 0.5" not in json.dumps(made)


@pytest.mark.slow
def test_the_worst_of_them_go_through_nbgrader(tmp_path: Path) -> None:
    course, kit = released(tmp_path)
    hand_in_class(course, kit, THROUGH_NBGRADER)
    run(course, *NBGRADER, "autograde", TOPIC)
    assert scores(course) == {name: CASES[name].expect["score"] for name in THROUGH_NBGRADER} | {CONTROL: 5.0}
