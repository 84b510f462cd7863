"""A class in the tiny course: its release, notebooks handed in, and the reports that a grader might give them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from autograder.course import Course
from autograder.model import GradeReport, Verdict
from autograder.release import release
from tests.toolkit.reports import manual_question, question, record, report
from tests.toolkit.tiny import TOPIC, tiny_course

CONFIG = """
from autograder.nbgrader_bridge import configure

configure(c)
c.GradeSubmission.engine = "canned.grade"
c.AssignLatePenalties.plugin_class = "canned.TwoPointsAnHour"
"""

MARKUP = "<script>steal()</script> **bold** $a<b$ ![spy](http://spy.example/x.png) [go](javascript:steal())"

# Plays the grader: the report of a student lies in reports/STUDENT.json. A file `cell-ran` would show a kernel.
CANNED = """
from nbgrader.plugins import BasePlugin

from autograder.model import GradeReport


def grade(course, submission):
    return GradeReport.from_json((course.root / "reports" / f"{submission.student}.json").read_bytes())


class TwoPointsAnHour(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 2.0 * total_seconds_late / 3600
"""


def released_course(folder: Path) -> Course:
    """The tiny course, released, with a late plugin and an engine that reads reports from files."""
    course = tiny_course(folder)
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write(CONFIG)
    (course.root / "canned.py").write_text(CANNED, encoding="utf-8")
    release(course, TOPIC)
    return course


def released_notebook(course: Course) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(course.root / "release" / TOPIC / f"{TOPIC}.ipynb", as_version=4)
    return notebook


def cell_of(notebook: NotebookNode, name: str) -> Any:
    """The cell with a grade id; fails where there is not exactly one."""
    (cell,) = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name]
    return cell


def answered(course: Course, answer: str = "Only the exponent changes.") -> NotebookNode:
    """A notebook as Jupyter saves it after work: answers, an own cell, outputs."""
    notebook = released_notebook(course)
    cell_of(notebook, "halve-answer").source = "open('cell-ran', 'w')\ndef halve(x):\n    return x / 2"
    cell_of(notebook, "explain_halving").source = answer
    cell_of(notebook, "halve").outputs = [
        v4.new_output("display_data", {"text/html": "<script>steal()</script>", "text/plain": "x"})
    ]
    notebook.cells.append(v4.new_code_cell("halve(torch.ones(1))", id="own"))
    return notebook


def duplicated(course: Course) -> NotebookNode:
    """Every cell twice, as after a paste of all."""
    notebook = answered(course)
    notebook.cells += copy.deepcopy(notebook.cells)
    return notebook


def odd(course: Course) -> NotebookNode:
    """Everything a student may do to a notebook's metadata, a changed check and a lost one."""
    notebook = answered(course, MARKUP)
    cell_of(notebook, "halve").metadata.nbgrader |= {"points": 1000, "schema_version": 99, "grade": False}
    cell_of(notebook, "halve").source = "assert True"
    notebook.cells.remove(cell_of(notebook, "Halver"))
    notebook.cells[0].metadata.nbgrader = "yes"
    notebook.cells.append(v4.new_raw_cell(MARKUP, metadata={"raw_mimetype": "text/html"}))
    notebook.metadata.kernelspec = {"name": "evil", "display_name": "evil", "language": "sh"}
    return notebook


def notebook_of(course: Course, student: str) -> Path:
    """Where a student's notebook lies."""
    return course.submitted / student / TOPIC / f"{TOPIC}.ipynb"


def hand_in(course: Course, student: str, notebook: NotebookNode | bytes, timestamp: str = "") -> None:
    """Put a notebook, or any bytes, where submissions lie."""
    path = notebook_of(course, student)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode())
    if timestamp:
        path.with_name("timestamp.txt").write_text(f"{timestamp}\n", encoding="utf-8")


def graded(student: str = "ada", *, halver: Verdict = Verdict.FAILED, **fields: Any) -> GradeReport:
    """3 of 3 points for ``halve`` and, unless told otherwise, 1.5 of 2 for ``Halver``."""
    halver_tests = (
        record(title="An input is halved as often as asked", max_points=1.5),
        record(
            halver,
            title="The buffer holds the number of calls",
            message="it holds <b>0</b>",
            hint="Count in forward.",
            max_points=0.5,
        ),
    )
    questions = (
        question("halve", record(title="Half of every entry", max_points=3.0), notebook=TOPIC),
        question("Halver", *halver_tests, notebook=TOPIC),
        manual_question("explain_halving"),
    )
    return report(*questions, student=student, assignment=TOPIC, **fields)


def nothing(student: str, verdict: Verdict, message: str = "") -> GradeReport:
    """Every test with ``verdict``, no points."""
    questions = (
        question("halve", record(verdict, max_points=3.0), notebook=TOPIC),
        question("Halver", record(verdict, max_points=2.0), notebook=TOPIC),
        manual_question("explain_halving"),
    )
    return report(*questions, student=student, assignment=TOPIC, message=message)
