"""``autograder extend``: more time for a student, in nbgrader's gradebook and in the history."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from autograder.commands.shared import CourseFolder, Gradebook, out
from autograder.course import Course
from autograder.errors import UsageError
from autograder.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from autograder.nbgrader_bridge.extensions import Extension

TIME = "%Y-%m-%d %H:%M UTC"
MOST_DAYS = 3650


def extend(
    student: Annotated[str | None, typer.Argument(help="The student's id.")] = None,
    topic: Annotated[str | None, typer.Argument(help="The assignment.")] = None,
    until: Annotated[str | None, typer.Option(help="The new due time, such as 2026-03-08T23:59+01:00.")] = None,
    days: Annotated[float | None, typer.Option(help="Days after the due date; 0 takes an extension back.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; kept in the history.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show every extension.")] = False,
    db: Gradebook = None,
    course: CourseFolder = None,
) -> None:
    """Give a student more time for an assignment; needs --reason, and one of --until and --days."""
    from autograder import history
    from autograder.nbgrader_bridge.extensions import grant, granted
    from autograder.nbgrader_bridge.students import entered_students

    found = Course.find(course)
    if list_:
        _show(one for one in granted(found, db) if student in (None, one.student) and topic in (None, one.topic))
        return
    if not student or not topic or not reason or not reason.strip() or (until is None) == (days is None):
        raise UsageError("write: autograder extend STUDENT TOPIC --reason TEXT and one of --until TIME, --days N")
    if days is not None and not (math.isfinite(days) and 0 <= days <= MOST_DAYS):
        raise UsageError(f"--days {days:g}: give a number from 0 to {MOST_DAYS}")
    found.assignment(topic)
    history.require_known(found, student, entered_students(found, db))
    given = grant(found, student, topic, until=until or "", days=days, db_url=db)
    what = "taken back" if given.until == given.due else f"until {given.until:{TIME}}"
    why = f"{what}: {clean(reason.strip(), 500)}"
    history.record(found, topic, history.Event(when=history.now(), student=student, kind="extended", why=why))
    out.print(escape(f"{clean(student)}, {topic}: {what}; it was due {given.due:{TIME}}"))
    out.print(f"next, where it is graded already: autograder grade {topic}")


def _show(extensions: Iterable[Extension]) -> None:
    table = Table("student", "assignment", "due", "until", box=None, pad_edge=False)
    for one in extensions:
        row = (clean(one.student), clean(one.topic), f"{one.due:{TIME}}", f"{one.until:{TIME}}")
        table.add_row(*map(escape, row))
    out.print(table if table.row_count else "no extensions")
