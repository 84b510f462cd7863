"""Where notebooks are and when they were handed in, by the instructor's tables, never by what a student hands in."""

from __future__ import annotations

from pathlib import Path

from autograder.collecting.git import Source
from autograder.errors import UsageError
from autograder.tables import STUDENT, Table, read_table


def read_sources(path: Path) -> tuple[list[Source], list[str]]:
    """The repositories that a roster names, and the students for whom it names none.

    Columns that say nothing of repositories are passed over. Raises ``UsageError``, with the line, for what is no
    roster.
    """
    table = _with_column(read_table(path, "roster"), "repository")
    named = [row for row in table.rows.values() if row.get("repository")]
    if not named:
        raise UsageError(f"roster {path}: names no repository; write one into the column 'repository'")
    sources = [
        Source(row[STUDENT], row["repository"], ref=row.get("ref", ""), path=row.get("path", "")) for row in named
    ]
    return sources, [row[STUDENT] for row in table.rows.values() if not row.get("repository")]


def read_times(path: Path) -> dict[str, str]:
    """When students handed in, as the table at ``path`` words it. Raises as ``read_sources``."""
    table = _with_column(read_table(path, "timestamps"), "timestamp")
    for line, row in table.rows.items():
        if not row.get("timestamp"):
            raise table.wrong(line, "timestamp", "fill it in or remove the line")
    return {row[STUDENT]: row["timestamp"] for row in table.rows.values()}


def _with_column(table: Table, name: str) -> Table:
    if name not in table.columns:
        raise UsageError(f"{table.kind} {table.path}: has no column {name!r}; its first line is {STUDENT},{name}")
    return table
