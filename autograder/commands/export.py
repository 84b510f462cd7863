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
    format_: Annotated[str, typer.Option("--format", help="csv or gradescope.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="The file; by default in exports/ of the course.")] = None,
    course: CourseFolder = None,
) -> None:
    """Write the grades of an assignment as a file for another program."""
    from autograder.exports.formats import FORMATS
    from autograder.exports.grades import read_grades
    from autograder.files import write_whole

    if format_ not in FORMATS:
        raise UsageError(f"--format {format_}: no such export in this version; there is: {', '.join(sorted(FORMATS))}")
    found = Course.find(course)
    chosen = FORMATS[format_]
    path = writable(output) or found.root / "exports" / f"{topic}{chosen.ending}"
    reports = read_grades(found, topic)
    write_whole(path, chosen.write(found.assignment(topic), reports))
    out.print(escape(f"{len(reports)} students in {path}"))
