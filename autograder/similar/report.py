"""A class compared and the page on it written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autograder.course import Course
from autograder.errors import UsageError
from autograder.files import write_whole
from autograder.roster import course_roster
from autograder.sandbox.notebook import UnreadableError, read_cells
from autograder.sandbox.process import Isolation
from autograder.similar.page import Class, render
from autograder.similar.pairs import LEAST, Document, alike
from autograder.similar.reading import read_class
from autograder.submissions import find_submissions
from autograder.teams import parties


@dataclass(frozen=True)
class Written:
    """A page on disk: how many notebooks were compared, how many pairs it tells of, whose could not be read.

    ``at_odds`` are teams with different notebooks, of which none was compared.
    """

    path: Path
    compared: int
    pairs: int
    unreadable: list[str]
    at_odds: list[str]


@dataclass(frozen=True)
class Wish:
    """What to compare, and what to show. ``least`` is a share."""

    topic: str
    submitted: Path
    output: Path | None = None
    least: float = LEAST
    isolation: Isolation = "sandbox"


def write_similar(course: Course, wish: Wish, started: Callable[[int], None], advance: Callable[[], None]) -> Written:
    """Write the page, by default to ``reports/TOPIC-similar.html``; a team's notebook is compared once."""
    assignment = course.assignment(wish.topic)
    found, _ = find_submissions(wish.submitted, wish.topic, notebooks=assignment.several)
    who = parties(found, course_roster(course))
    submissions = who.submissions
    started(len(submissions))
    released = [source for name in assignment.notebooks for source in _released(assignment.released(name))]
    limits = assignment.front.limits
    cells, unreadable = read_class(submissions, limits, course.root, wish.isolation, advance)
    documents = [Document(student, sources) for student, sources in sorted(cells.items())]
    result = alike(documents, released, wish.least)
    about = Class(
        title=assignment.front.title,
        compared=len(documents),
        least=wish.least,
        unreadable=unreadable,
        cut=[document.student for document in documents if document.cut],
    )
    path = wish.output or course.root / "reports" / f"{wish.topic}-similar.html"
    write_whole(path, render(result, about).encode())
    return Written(path, len(documents), result.found, unreadable, sorted(who.conflicts))


def _released(path: Path) -> list[str]:
    """The code that every student was given: the notebook as released, which is ours."""
    try:
        return [cell.source for cell in read_cells(path.read_bytes())]
    except (OSError, UnreadableError) as error:
        raise UsageError(f"{path}: what was handed out cannot be read ({error}); run: autograder release") from error
