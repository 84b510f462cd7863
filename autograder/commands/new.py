"""``autograder new``: a small assignment that passes ``verify``, to be changed bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import CourseFolder, out
from autograder.course import Course
from autograder.errors import UsageError


def new(
    topic: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and underscores.")],
    title: Annotated[str, typer.Option(help="The title that students read; by default made from the name.")] = "",
    course: CourseFolder = None,
) -> None:
    """Write a small assignment that holds, to start from; in an empty folder, a course around it."""
    from autograder.scaffold import COURSE_FILES, new_assignment, new_course, require_topic

    require_topic(topic)
    try:
        found = Course.find(course)
    except UsageError:
        found = new_course((course or Path.cwd()).resolve())
        out.print(escape(f"{found.root} is a course now: {', '.join(COURSE_FILES)}"))
    for path in new_assignment(found, topic, title):
        out.print(escape(str(path.relative_to(found.root))))
    out.print()
    for lead, command in (
        ("next:", f"autograder release {topic}"),
        ("", f"autograder verify {topic}"),
        ("", f"python -m pytest tests/hidden/test_{topic}.py"),
    ):
        out.print(escape(f"{lead:<7}{command}"))
