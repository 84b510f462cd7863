"""``autograder collect``: students' notebooks from where they leave them to where submissions lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import NO, CourseFolder, Topic, err, out, progress_bar
from autograder.course import Assignment, Course
from autograder.disclosure import PARAGRAPH, line
from autograder.errors import UsageError
from autograder.times import read_time
from autograder.words import plural

if TYPE_CHECKING:
    from datetime import datetime

    from autograder.collecting.people import People
    from autograder.collecting.taking import Taken
    from autograder.roster import Roster

_PLACES = "--git ROSTER.csv, --exchange DIR, --moodle ZIP or --canvas ZIP"


def collect(
    topic: Topic,
    git: Annotated[
        Path | None, typer.Option(help="CSV with the columns student,repository and, if wanted, ref and path.")
    ] = None,
    exchange: Annotated[
        Path | None, typer.Option(metavar="DIR", help="nbgrader's exchange, or a course in it.")
    ] = None,
    moodle: Annotated[Path | None, typer.Option(metavar="ZIP", help="All submissions, as Moodle packs them.")] = None,
    canvas: Annotated[Path | None, typer.Option(metavar="ZIP", help="All submissions, as Canvas packs them.")] = None,
    submitted: Annotated[Path | None, typer.Option(help="Folder of submissions; by default submitted/.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="The deadline, such as 2026-12-01T23:59+01:00: nothing newer.")
    ] = None,
    timestamps: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="CSV with the columns student,timestamp: when they handed in, for a zip file."
        ),
    ] = None,
    any_owner: Annotated[
        bool,
        typer.Option("--any-owner", help="With --exchange: whoever owns a folder, as where students share a user."),
    ] = False,
    course: CourseFolder = None,
) -> None:
    """Collect students' notebooks, by default as they are now; needs one of --git, --exchange, --moodle, --canvas."""
    if sum(place is not None for place in (git, exchange, moodle, canvas)) != 1:
        raise UsageError(f"collect: say where from, one place at a time: {_PLACES}")
    _require_fitting(zipped=bool(moodle or canvas), exchange=exchange, until=until, times=timestamps, owner=any_owner)
    found = Course.find(course)
    assignment = found.assignment(topic)
    place = (submitted or found.submitted).resolve()
    deadline = None if until is None else read_time(until, "--until")
    if git is not None:
        _from_git(assignment, git, place, deadline)
        return
    from autograder.collecting.exchange import exchange as read_exchange
    from autograder.collecting.platforms import canvas as read_canvas
    from autograder.collecting.platforms import moodle as read_moodle
    from autograder.collecting.taking import Arrived, take
    from autograder.roster import course_roster

    times = _times(timestamps) if timestamps is not None else {}
    roster = course_roster(found)
    most_bytes = assignment.front.limits.notebook_bytes

    def arrived(what: Arrived) -> None:
        _tell_taken(take(what, place, topic, most_bytes, times, assignment.several), roster)

    if moodle is not None:
        read_moodle(moodle, _people(found, roster), arrived)
    elif canvas is not None:
        read_canvas(canvas, _people(found, roster), arrived)
    elif exchange is not None:
        arrived(read_exchange(exchange, topic, deadline, known=roster, check_owner=not any_owner))


def _require_fitting(
    *, zipped: bool, exchange: Path | None, until: str | None, times: Path | None, owner: bool
) -> None:
    """Refuse options that say nothing of the place."""
    if until is not None and zipped:
        raise UsageError("--until: a zip file holds what counts by the platform's own deadline; set it there")
    if times is not None and not zipped:
        raise UsageError("--timestamps is for --moodle and --canvas; the other places say when")
    if owner and exchange is None:
        raise UsageError("--any-owner is for --exchange; nowhere else is an owner looked at")


def _people(course: Course, roster: Roster | None) -> People:
    from autograder.collecting.people import People

    if roster is None:
        raise UsageError(f"{course.root}: has no roster.csv, which says whose a name in the zip file is; write one")
    return People(roster)


def _tell_taken(taken: Taken, roster: Roster | None) -> None:
    _tell_notes(taken.notes)
    silent = set(roster or ()) - {*taken.new, *taken.unchanged, *taken.problems}
    if silent:
        out.print(f"{plural(len(silent), 'student')} of the roster with nothing there")
    _tell(taken.new, taken.unchanged, taken.problems)


def _tell_notes(notes: Mapping[str, str]) -> None:
    for name, note in notes.items():
        out.print(escape(f"{line(name)}: {line(note, PARAGRAPH)}"))


def _from_git(assignment: Assignment, roster: Path, place: Path, deadline: datetime | None) -> None:
    from autograder.collecting.collect import collect as collect_class
    from autograder.collecting.roster import read_sources

    sources, without = read_sources(roster)
    if without:
        out.print(f"{plural(len(without), 'student')} of the roster without a repository, left out")
    with progress_bar() as bar:
        task = bar.add_task(f"collecting {assignment.topic}", total=len(sources))
        most_bytes = assignment.front.limits.notebook_bytes
        collected = collect_class(
            sources,
            place,
            assignment.topic,
            most_bytes,
            deadline,
            lambda: bar.advance(task),
            notebooks=assignment.several,
        )
    _tell_notes(collected.notes)
    _tell(collected.new, collected.unchanged, collected.problems)


def _tell(new: Sequence[str], unchanged: Sequence[str], problems: Mapping[str, str]) -> None:
    """Say what was collected; ends with "no" where something could not be."""
    out.print(f"{plural(len(new), 'new notebook')}, {len(unchanged)} unchanged")
    for student, problem in problems.items():
        err.print(escape(f"{line(student)}: {line(problem, PARAGRAPH)}"))
    if problems:
        err.print(f"{plural(len(problems), 'notebook')} could not be collected; the others were")
        raise typer.Exit(NO)


def _times(path: Path) -> dict[str, datetime]:
    """When students handed in, as a CSV file says."""
    from autograder.collecting.roster import read_times

    return {student: read_time(text, f"{path}, {student}:") for student, text in read_times(path).items()}
