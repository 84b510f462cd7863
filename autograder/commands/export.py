"""``autograder export``: grades as a file for another program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import CourseFolder, Database, Topic, err, out, writable
from autograder.course import Course
from autograder.errors import UsageError
from autograder.exports.formats import FORMATS
from autograder.exports.grades import Grade, gather, under_pseudonyms
from autograder.text import clean
from autograder.words import plural, some


def export(
    topic: Topic,
    format_: Annotated[str, typer.Option("--format", help=f"{', '.join(FORMATS)}.")] = "csv",
    output: Annotated[
        Path | None, typer.Option(help="The file; by default in exports/, named after topic and format.")
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(help='The column on the platform, such as "Halving (1234)"; by default the title, a new one.'),
    ] = None,
    pseudonyms: Annotated[bool, typer.Option("--pseudonyms", help="Keep names and messages out of the table.")] = False,
    db: Database = None,
    course: CourseFolder = None,
) -> None:
    """Write the grades of an assignment as a file for another program."""
    from autograder.files import write_whole

    if format_ not in FORMATS:
        raise UsageError(f"--format {format_}: no such export in this version; there is: {', '.join(FORMATS)}")
    chosen = FORMATS[format_]
    if pseudonyms and chosen.for_platform:
        raise UsageError(f"--pseudonyms: {format_} must know who is who; add --format csv")
    if column is not None and not chosen.has_column:
        with_one = " or ".join(name for name, known in FORMATS.items() if known.has_column)
        raise UsageError(f"--column {column}: {format_} has no column to name; add --format {with_one}")
    found = Course.find(course)
    assignment = found.assignment(topic)
    path = writable(output) or found.root / "exports" / f"{topic}{chosen.ending}"
    grades = gather(found, topic, None if db == "none" else db, gradebook=db != "none")
    _tell_doubts(grades, topic, [grade for grade in grades if not chosen.lists(grade)])
    if pseudonyms:
        grades = under_pseudonyms(grades, found.state)
    write_whole(path, chosen.write(assignment, grades, column or assignment.front.title))
    listed = [grade for grade in grades if chosen.lists(grade)]
    out.print(escape(f"{plural(len(listed), 'student')} in {path}"))


def _tell_doubts(grades: Sequence[Grade], topic: str, left_out: Sequence[Grade]) -> None:
    """What an instructor should know before passing the grades on."""
    known = any(grade.final is not None for grade in grades)
    doubts = {
        "not in the gradebook, so without a person's scores and late penalties": [
            grade for grade in grades if known and grade.final is None and grade.score is not None
        ],
        f"graded anew since the gradebook was written; run: autograder grade {topic}": [
            grade for grade in grades if grade.differs
        ],
        "waiting for a person's score": [grade for grade in grades if grade.final is not None and grade.final.waits],
        "waiting for another device": [grade for grade in grades if grade.report.pending_points],
        "left out, as there is no grade": left_out,
    }
    if not known:
        err.print("there is no gradebook with these grades: scores are those of the tests, without late penalties")
    for doubt, concerned in doubts.items():
        if concerned:
            err.print(escape(f"{doubt}: {some([clean(grade.report.student) for grade in concerned])}"))
