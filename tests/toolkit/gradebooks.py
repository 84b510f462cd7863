"""Writing to a gradebook of the tiny course, and looking into it without nbgrader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, create_engine, text

from autograder.course import Course
from autograder.gradebook import GradebookWriter
from autograder.model import GradeReport
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import notebook_of

SCORES = """
    select student_id, sum(auto_score) as score, count(*) as cells from grade
    join submitted_notebook on grade.notebook_id = submitted_notebook.id
    join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
    group by submitted_assignment.id, student_id order by student_id
"""


def write(course: Course, db: str, report: GradeReport, **options: Any) -> Path | None:
    """Record one report; the path of the autograded notebook."""
    with GradebookWriter(course, TOPIC, db, **options) as gradebook:
        return gradebook.write(report, notebook_of(course, report.student))


def rows(db: str) -> dict[str, list[Any]]:
    """Everything in the database, by table."""
    engine = create_engine(db)
    tables = MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        found = {name: sorted(connection.execute(table.select()), key=repr) for name, table in tables.tables.items()}
    engine.dispose()
    return found


def execute(db: str, *statements: str) -> list[Any]:
    """Run statements in one transaction; the rows that the last one gives."""
    engine = create_engine(db)
    with engine.begin() as connection:
        done = [connection.execute(text(statement)) for statement in statements]
        found = list(done[-1]) if done[-1].returns_rows else []
    engine.dispose()
    return found


def scores(db: str) -> list[tuple[str, float, int]]:
    """Student, sum of automatic scores and number of grades of every submission; a student twice would show."""
    return [tuple(row) for row in execute(db, SCORES)]


def content(db: str) -> dict[str, list[Any]]:
    """What the gradebook says, without its random keys."""
    queries = {
        "grade": "select student_id, base_cell.name, auto_score, manual_score, needs_manual_grade from grade"
        " join base_cell on cell_id = base_cell.id",
        "comment": "select student_id, base_cell.name, auto_comment, manual_comment from comment"
        " join base_cell on cell_id = base_cell.id",
        "late": "select student_id, late_submission_penalty, timestamp from submitted_notebook as part",
    }
    join = " join submitted_notebook as part on part.id = {}.notebook_id"
    own = " join submitted_assignment on submitted_assignment.id = part.assignment_id"
    return {
        name: sorted(execute(db, query + (join.format(name) if name != "late" else "") + own), key=repr)
        for name, query in queries.items()
    }
