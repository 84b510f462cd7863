"""``autograder collect``: students' notebooks from where they leave them to where submissions lie."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import NO, CourseFolder, Topic, err, out, progress_bar
from autograder.course import Course
from autograder.errors import UsageError
from autograder.text import clean
from autograder.words import plural


def collect(
    topic: Topic,
    git: Annotated[
        Path | None, typer.Option(help="CSV with the columns student,repository and, if wanted, ref and path.")
    ] = None,
    submitted: Annotated[Path | None, typer.Option(help="Folder of submissions; by default submitted/.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="The deadline, such as 2026-12-01T23:59+01:00: nothing newer.")
    ] = None,
    course: CourseFolder = None,
) -> None:
    """Collect students' notebooks, by default as they are now."""
    from autograder.collecting.collect import collect as collect_class
    from autograder.collecting.collect import read_sources

    if git is None:
        raise UsageError("collect: say where from: --git ROSTER.csv")
    found = Course.find(course)
    most_bytes = found.assignment(topic).front.limits.notebook_bytes
    deadline = _moment(until)
    sources = read_sources(git)
    with progress_bar() as bar:
        task = bar.add_task(f"collecting {topic}", total=len(sources))
        place = (submitted or found.submitted).resolve()
        collected = collect_class(sources, place, topic, most_bytes, deadline, lambda: bar.advance(task))
    out.print(f"{plural(len(collected.new), 'new notebook')}, {len(collected.unchanged)} unchanged")
    for student, problem in collected.problems.items():
        err.print(escape(f"{clean(student)}: {clean(problem)}"))
    if collected.problems:
        err.print(f"{plural(len(collected.problems), 'notebook')} could not be collected; the others were")
        raise typer.Exit(NO)


def _moment(text: str | None) -> datetime | None:
    """The time that ``text`` says; raises ``UsageError`` for one that could mean two."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--until {clean(text, 60)!r} is no time; write it as 2026-12-01T23:59+01:00") from error
    if found.tzinfo is None:
        raise UsageError(f"--until {text}: in which time zone? Write it as {text}+01:00, or {text}Z for UTC")
    return found
