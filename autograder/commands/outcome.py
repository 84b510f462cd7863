"""What ``autograder grade`` prints at its end: a line for each student, or a summary of a large class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from autograder.commands.shared import err, out, tell_strangers
from autograder.model import GradeReport, Verdict
from autograder.text import clean
from autograder.words import plural, points

if TYPE_CHECKING:
    from autograder.api import Graded

ROWS = 40  # students listed one by one, unless asked for more
LOOKED_AT = 10  # listed of those that a person should look at


def print_outcome(graded: Graded, results: Path, *, all_rows: bool = False) -> None:
    """Print the class and what is wrong with it. ``results`` is the folder of its result files."""
    if all_rows or len(graded.reports) <= ROWS:
        out.print(_table(graded.reports))
    else:
        _summarize(graded.reports, results)
    for name in graded.strange_folders:
        err.print(f"left out: the folder name {escape(name)!r} is no student id")
    tell_strangers(graded.strangers)
    for team, conflict in graded.conflicts.items():
        err.print(escape(f"team {clean(team)!r} is not graded: {conflict}"))
    if graded.conflicts:
        err.print(f"{plural(len(graded.conflicts), 'team')} without a grade in this run; earlier grades stand")
    if graded.failed:
        err.print("some submissions could not be graded: that is the grader's fault; earlier grades stand")


def _table(reports: Sequence[GradeReport]) -> Table:
    table = Table("student", "score", "of", "verdict", "", box=None, pad_edge=False)
    for report in reports:
        note = clean(report.message.splitlines()[-1], 100) if report.message else ""
        if report.pending_points:
            note = f"{report.pending_points:g} points wait for another device"
        flags = f"{len(report.flags)} to look at" if report.flags else ""
        row = (report.student, f"{report.score:g}", f"{report.max_score:g}", str(report.verdict), note or flags)
        table.add_row(*map(escape, row))
    return table


def _summarize(reports: Sequence[GradeReport], results: Path) -> None:
    table = Table("verdict", "students", box=None, pad_edge=False)
    counts = Counter(report.verdict for report in reports)
    for verdict in Verdict:
        if counts[verdict]:
            table.add_row(str(verdict), str(counts[verdict]))
    out.print(table)
    scored = [report for report in reports if report.verdict is not Verdict.GRADER_ERROR]
    mean = f", mean {points(fmean(r.score for r in scored))} of {points(scored[0].max_score)}" if scored else ""
    out.print(f"\n{plural(len(reports), 'student')}{mean}")
    concerned = sorted(filter(_needs_a_look, reports), key=lambda report: report.verdict.rank)
    if concerned:
        more = f", the first {LOOKED_AT}" if len(concerned) > LOOKED_AT else ""
        out.print(f"\n{len(concerned)} to look at{more}:")
        out.print(_table(concerned[:LOOKED_AT]))
    out.print(escape(f"\neach student's result is in {results}; --all prints a line for each"))


def _needs_a_look(report: GradeReport) -> bool:
    return bool(report.flags) or report.verdict in (Verdict.GRADER_ERROR, Verdict.INVALID_SUBMISSION)
