"""``autograder record``: results that another machine made, checked and entered; runs no student code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import NO, CourseFolder, Gradebook, Level, Topic, err, out, tell_strangers, writable
from autograder.course import Course
from autograder.text import clean
from autograder.words import plural


def record(
    topic: Topic,
    submitted: Annotated[Path | None, typer.Option(help="Folder of submissions; by default submitted/.")] = None,
    results: Annotated[
        Path | None, typer.Option(help="Folder, or file of --json; by default results/, where what holds is put.")
    ] = None,
    feedback_level: Level = None,
    db: Gradebook = None,
    summary: Annotated[Path | None, typer.Option(help="Add a table in Markdown to this file.")] = None,
    course: CourseFolder = None,
) -> None:
    """Check results that another machine made, and enter them in gradebook and pages; no student code runs."""
    from autograder.exports.summary import add_summary
    from autograder.recording import record_class

    summary = writable(summary)
    found = Course.find(course)
    done = record_class(
        found,
        topic,
        (submitted or found.submitted).resolve(),
        (results or found.results).resolve(),
        db_url=db,
        level=feedback_level.value if feedback_level else None,
    )
    if summary is not None:
        add_summary(summary, topic, done.reports, done.problems)
    out.print(f"{plural(len(done.reports), 'grade')} recorded")
    tell_strangers(done.strangers)
    for student, problem in done.problems.items():
        err.print(escape(f"{clean(student)}: {clean(problem, 300)}"))
    if done.problems:
        err.print(f"{plural(len(done.problems), 'submission')} without a grade that holds; earlier grades stand")
        raise typer.Exit(NO)
