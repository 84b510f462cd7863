"""``autograder roster``: who takes the course, checked, and entered in the gradebook."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from autograder.commands.shared import CourseFolder, Database, err, out
from autograder.course import Course
from autograder.errors import UsageError
from autograder.roster import COLUMNS, NAME, Roster, columns_of, read_roster
from autograder.text import clean
from autograder.words import plural, some


def roster(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.csv", help="A list to become the course's roster.csv.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only read and show it; write nothing.")] = False,
    db: Database = None,
    course: CourseFolder = None,
) -> None:
    """Check and show who takes the course, and enter names, addresses and ids in the gradebook."""
    from autograder.files import write_whole

    found = Course.find(course)
    path = file or found.root / NAME
    if not path.exists():
        raise UsageError(
            f"{path}: there is no such list; write one with the column 'student' and, where wanted, "
            f"{', '.join(COLUMNS[1:])}"
        )
    people = read_roster(path)
    _show(people)
    if check:
        return
    if file is not None:
        write_whole(found.root / NAME, file.read_bytes(), mode=0o600)
    if db == "none":
        return
    from autograder.nbgrader_bridge.students import enter_roster

    entered = enter_roster(found, people, db, columns_of(path))
    out.print(f"gradebook: {len(entered.new)} new, {len(entered.changed)} changed")
    if entered.strangers:
        names = some([clean(name) for name in entered.strangers])
        err.print(escape(f"in the gradebook and not in the roster, left as they are: {names}"))


def _show(people: Roster) -> None:
    used = [name for name in COLUMNS if any(getattr(person, name) for person in people.values())]
    table = Table(*used, box=None, pad_edge=False)
    for person in people.values():
        table.add_row(*(escape(getattr(person, name)) for name in used))
    out.print(table)
    teams = Counter(person.team for person in people.values() if person.team)
    out.print(plural(len(people), "student") + (f", {plural(len(teams), 'team')}" if teams else ""))
