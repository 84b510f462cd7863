"""What commands have in common: consoles, exit codes, options, the progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from autograder.errors import UsageError
from autograder.text import clean
from autograder.words import some


class Isolation(StrEnum):
    """How far a submission is kept apart."""

    SANDBOX = "sandbox"
    PROCESS = "process"


class FeedbackLevel(StrEnum):
    """What students may read."""

    FULL = "full"
    CATEGORY = "category"


DONE, NO, WRONG_USE, INTERRUPTED = 0, 1, 2, 3
DB_VARIABLE = "AUTOGRADER_DB"

out = Console(highlight=False, soft_wrap=True, emoji=False)
err = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

Level = Annotated[
    FeedbackLevel | None, typer.Option("--feedback", help="What students may read; by default as the handout says.")
]

Topics = Annotated[list[str] | None, typer.Argument(metavar="TOPIC", help="Assignments; all by default.")]
Topic = Annotated[str, typer.Argument(help="The assignment.")]
CourseFolder = Annotated[Path | None, typer.Option("--course", help="The course folder; found from here by default.")]


def _is_gradebook(context: typer.Context, db: str | None) -> str | None:
    if db == "none":
        raise UsageError(
            f"{context.info_name} --db none: it works on the gradebook; "
            f"name its URL, or leave --db and {DB_VARIABLE} out"
        )
    return db


# Of commands that go on without a gradebook, and of those that are about it.
Database = Annotated[
    str | None,
    typer.Option("--db", envvar=DB_VARIABLE, help="The gradebook's URL, by default nbgrader's; none: without one."),
]
Gradebook = Annotated[
    str | None,
    typer.Option(
        "--db", envvar=DB_VARIABLE, callback=_is_gradebook, help="The gradebook's URL, by default nbgrader's."
    ),
]
Jobs = Annotated[int, typer.Option("--jobs", min=0, help="Grading processes; 0: as many as this machine bears.")]


def progress_bar() -> Progress:
    """A bar with counts, the time spent and the time left, gone when it is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
    )


def writable(path: Path | None) -> Path | None:
    """``path`` without links; raises ``UsageError`` for a folder or a device, before the work and not after it."""
    if path is None:
        return None
    found = path.resolve()
    if found.exists() and not found.is_file():
        raise UsageError(f"{path} is no ordinary file, and output replaces a file as a whole; name a file")
    return found


def tell_strangers(students: Sequence[str]) -> None:
    """Name students who were graded and are not in the roster."""
    if students:
        names = some([clean(name) for name in students])
        err.print(escape(f"not in roster.csv, so kept out of the gradebook: {names}; add them, and grade once more"))
