"""``autograder export``: grades as a file for another program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import CourseFolder, Topic, err, out, writable
from autograder.course import Course
from autograder.errors import UsageError
from autograder.exports.canvas import canvas_file
from autograder.exports.csv_file import csv_file
from autograder.exports.grades import Grade, gather, under_pseudonyms
from autograder.exports.moodle import moodle_file
from autograder.text import clean
from autograder.words import plural, some

# Each makes the file from the grades and the name of the platform's column.
FORMATS: Mapping[str, Callable[[Sequence[Grade], str], bytes]] = {
    "csv": lambda grades, _: csv_file(grades),
    "canvas": canvas_file,
    "moodle": moodle_file,
}
ANONYMOUS = ("csv",)  # formats that make sense without knowing who is who


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
    db: Annotated[str | None, typer.Option(help="Gradebook URL, by default nbgrader's; none: results only.")] = None,
    course: CourseFolder = None,
) -> None:
    """Write the grades of an assignment as a file for another program."""
    from autograder.files import write_whole
    from autograder.seed import Seed

    if format_ not in FORMATS:
        raise UsageError(f"--format {format_}: no such export in this version; there is: {', '.join(FORMATS)}")
    if pseudonyms and format_ not in ANONYMOUS:
        raise UsageError(f"--pseudonyms: {format_} must know who is who; add --format csv")
    found = Course.find(course)
    suffix = "" if format_ == "csv" else f"-{format_}"
    path = writable(output) or found.root / "exports" / f"{topic}{suffix}.csv"
    grades = gather(found, topic, None if db == "none" else db, gradebook=db != "none")
    _tell_doubts(grades, topic, left_out=format_ not in ANONYMOUS)
    if pseudonyms:
        grades = under_pseudonyms(grades, Seed.of_course(found.state))
    write_whole(path, FORMATS[format_](grades, column or found.assignment(topic).front.title))
    listed = [grade for grade in grades if grade.score is not None or format_ in ANONYMOUS]
    out.print(escape(f"{plural(len(listed), 'student')} in {path}"))


def _tell_doubts(grades: Sequence[Grade], topic: str, *, left_out: bool) -> None:
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
        "left out, as there is no grade": [grade for grade in grades if left_out and grade.score is None],
    }
    if not known:
        err.print("there is no gradebook with these grades: scores are those of the tests, without late penalties")
    for doubt, concerned in doubts.items():
        if concerned:
            err.print(escape(f"{doubt}: {some([clean(grade.report.student) for grade in concerned])}"))
