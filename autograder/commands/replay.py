"""``autograder replay``: the same grading again, and whether the grade is the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from autograder.commands.shared import NO, CourseFolder, Isolation, err, out
from autograder.course import Course
from autograder.model import Verdict
from autograder.text import clean

if TYPE_CHECKING:
    from autograder.model import GradeReport
    from autograder.replay import Change, Difference, Plan


def replay(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="A result file, results/TOPIC/STUDENT.json.")],
    test: Annotated[str | None, typer.Option("--test", help="Only this hidden test, with its question.")] = None,
    submission: Annotated[
        Path | None, typer.Option("--submission", help="The notebook, where it does not lie in submitted/.")
    ] = None,
    isolation: Annotated[
        Isolation, typer.Option(help="sandbox keeps all promises or stops; process is for code you trust.")
    ] = Isolation.SANDBOX,
    course: CourseFolder = None,
) -> None:
    """Grade a submission again from its recorded seed and say whether the grade is the same. Writes nothing."""
    from autograder import replay as replaying

    plan = replaying.prepare(
        Course.find(course),
        replaying.read_record(result),
        submission=submission,
        test=test,
        isolation=isolation.value,
    )
    changes = list(plan.changes)
    for change in changes:
        _print_change(change)
    if plan.seed is None:
        out.print("it cannot be repeated: other examples would be drawn")
        raise typer.Exit(NO)

    def told(change: Change) -> None:
        changes.append(change)
        _print_change(change)

    again = replaying.run(plan, told)
    if again.verdict is Verdict.GRADER_ERROR:
        err.print(escape(f"the grader failed: {clean(again.message)}"))
    found = replaying.differences(plan, again)
    _print_differences(found)
    if not any(change.what.startswith("the version") or change.blocks for change in changes):
        _print_other_words(replaying.other_words(plan, again))
    blocking = [change.what for change in changes if change.blocks]
    out.print(escape(_outcome(plan, again, found, blocking)))
    if found or blocking or again.verdict is Verdict.GRADER_ERROR:
        raise typer.Exit(NO)


def _print_change(change: Change) -> None:
    out.print(escape(f"{change.what} changed since: was {clean(change.was)}, is {clean(change.now)}"))


def _print_differences(found: list[Difference]) -> None:
    if not found:
        return
    table = Table("", "was", "is", box=None, pad_edge=False)
    for difference in found:
        row = (difference.name, difference.was or "no such test", difference.now or "no such test")
        table.add_row(*(escape(clean(cell)) for cell in row))
    out.print(table)


def _print_other_words(names: list[str]) -> None:
    if names:
        listed = ", ".join(names)
        out.print(escape(f"same verdict in other words (a search for examples ends by the clock): {clean(listed)}"))


def _outcome(plan: Plan, again: GradeReport, found: list[Difference], blocking: list[str]) -> str:
    same = "differs" if found else "is the same"
    if plan.test:
        what = f"{clean(plan.test)} {same}"
    else:
        what = f"the grade of {clean(plan.record.student)} {same}: {again.score:g} of {again.max_score:g}"
    if blocking:
        return f"it cannot be repeated, for this changed: {'; '.join(blocking)}. With what is there now {what}"
    return what
