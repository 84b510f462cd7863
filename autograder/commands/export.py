"""``autograder export``: grades as a file for another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import CourseFolder, Topic, out, writable
from autograder.course import Course
from autograder.errors import UsageError


def export(
    topic: Topic,
    format_: Annotated[str, typer.Option("--format", help="csv.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="The file; by default exports/TOPIC.csv in the course.")] = None,
    course: CourseFolder = None,
) -> None:
    """Write the grades of an assignment as a file for another program."""
    from autograder.exports.csv_file import csv_file
    from autograder.exports.grades import read_grades
    from autograder.files import write_whole

    if format_ != "csv":
        raise UsageError(f"--format {format_}: no such export in this version; there is: csv")
    found = Course.find(course)
    path = writable(output) or found.root / "exports" / f"{topic}.csv"
    reports = read_grades(found, topic)
    write_whole(path, csv_file(reports))
    out.print(escape(f"{len(reports)} students in {path}"))
