"""``autograder history``: what happened to a student's grade, when and why."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import CourseFolder, Topic, out
from autograder.course import Course
from autograder.errors import UsageError
from autograder.text import clean

Student = Annotated[str, typer.Argument(help="The student's id.")]


def history(
    student: Student,
    topic: Topic,
    note: Annotated[str | None, typer.Option(help="Add a note, such as a request to grade again.")] = None,
    course: CourseFolder = None,
) -> None:
    """Show every attempt, regrade, extension and note of a student, the oldest first."""
    from autograder import history as past

    found = Course.find(course)
    found.assignment(topic)
    past.require_known(found, student)
    if note is not None:
        if not note.strip():
            raise UsageError("--note: write what is to be remembered")
        said = past.Event(when=past.now(), student=student, kind="note", why=clean(note.strip()))
        past.record(found, topic, said)
    happened = past.events(found, topic, student)
    for event in happened:
        out.print(escape(event.told()))
    if not happened:
        out.print(escape(f"nothing has happened to {clean(student)} in {topic}"))
