"""A class's grades as a table in Markdown, such as GitHub shows on the page of a job."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from pathlib import Path

from autograder.files import writing
from autograder.model import GradeReport, Verdict
from autograder.text import clean
from autograder.words import plural

ROWS = 2000  # GitHub shows no summary of more than 1 MiB
_PLAIN = frozenset(string.ascii_letters + string.digits + " -")


def add_summary(path: Path, topic: str, reports: Sequence[GradeReport], problems: Mapping[str, str] = {}) -> None:
    """Add the table to the end of ``path``; ``problems`` are of students without a report."""
    with writing(path), path.open("a", encoding="utf-8") as file:
        file.write(summary(topic, reports, problems))


def summary(topic: str, reports: Sequence[GradeReport], problems: Mapping[str, str] = {}) -> str:
    """The table. Every name and message is text in it: no link, no picture, no mention, no markup."""
    rows = [_row(report) for report in reports]
    rows += [f"| {cell(student)} | | | not recorded | {cell(problem)} |" for student, problem in problems.items()]
    head = [f"### {cell(topic)}: {plural(len(rows), 'submission')}", ""]
    table = ["| student | score | of | verdict | |", "| --- | ---: | ---: | --- | --- |", *rows[:ROWS]]
    more = ["", f"and {len(rows) - ROWS} more: see the results"] if len(rows) > ROWS else []
    return "\n".join([*head, *table, *more, "", ""])


def _row(report: GradeReport) -> str:
    known = report.verdict is not Verdict.GRADER_ERROR
    score, total = (f"{report.score:g}", f"{report.max_score:g}") if known else ("", "")
    note = report.message.splitlines()[-1] if report.message else ""
    if report.flags and not note:
        note = f"{len(report.flags)} to look at"
    return f"| {cell(report.student)} | {score} | {total} | {report.verdict} | {cell(note)} |"


def cell(text: str) -> str:
    """``text`` on one line, every sign that Markdown, HTML or a CI system could heed as a character reference."""
    line = clean(" ".join(text.split()), 150)
    return "".join(char if char in _PLAIN or not char.isascii() else f"&#{ord(char)};" for char in line)
