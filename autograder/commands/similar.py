"""``autograder similar``: a page on notebooks of a class that are alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import CourseFolder, Isolation, Topic, err, out, progress_bar, writable
from autograder.course import Course
from autograder.text import clean
from autograder.words import plural, some


def similar(
    topic: Topic,
    output: Annotated[
        Path | None, typer.Option(help="The file; by default reports/TOPIC-similar.html in the course.")
    ] = None,
    submitted: Annotated[Path | None, typer.Option(help="Folder of submissions; by default submitted/.")] = None,
    least: Annotated[
        int, typer.Option(min=1, max=100, metavar="PERCENT", help="Of a student's own code, for a pair to be shown.")
    ] = 50,
    isolation: Annotated[
        Isolation, typer.Option(help="sandbox keeps all promises or stops; process is for code you trust.")
    ] = Isolation.SANDBOX,
    course: CourseFolder = None,
) -> None:
    """Write a page on notebooks that are alike: a hint for people, which changes no grade."""
    from autograder.similar.report import Wish, write_similar

    found = Course.find(course)
    place = (submitted or found.submitted).resolve()
    wish = Wish(topic, place, writable(output), least / 100, isolation.value)
    with progress_bar() as bar:
        task = bar.add_task(f"reading {topic}", total=None)
        written = write_similar(found, wish, lambda total: bar.update(task, total=total), lambda: bar.advance(task))
    if written.unreadable:
        err.print(
            escape(f"not compared, for they cannot be read: {some([clean(name) for name in written.unreadable])}")
        )
    if written.at_odds:
        names = some([clean(team) for team in written.at_odds])
        err.print(escape(f"not compared, for a team holds different notebooks: {names}"))
    out.print(
        f"{plural(written.pairs, 'pair')} of {plural(written.compared, 'notebook')} in {escape(str(written.path))}"
    )
