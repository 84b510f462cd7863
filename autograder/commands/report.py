"""``autograder report``: one page on a whole class."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.gradebook import extras_of_class
from autograder.commands.shared import CourseFolder, Database, Topic, out, writable
from autograder.course import Course
from autograder.words import plural


def class_report(
    topic: Topic,
    output: Annotated[Path | None, typer.Option(help="The file; by default reports/TOPIC.html in the course.")] = None,
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="Show no student's id; by default in reports/TOPIC-pseudonyms.html.")
    ] = False,
    db: Database = None,
    course: CourseFolder = None,
) -> None:
    """Write a page on the whole class, for instructors."""
    from autograder.report.page import write_report

    found = Course.find(course)
    path = writable(output)
    extras = extras_of_class(found, topic, db)
    written = write_report(found, topic, path, pseudonyms=pseudonyms, extras=extras)
    out.print(escape(f"{plural(written.students, 'student')} in {written.path}"))
