"""``autograder seed``: which secret seed is in use, and a fresh one for the final regrade."""

from __future__ import annotations

from typing import Annotated

import typer

from autograder.commands.shared import CourseFolder, out
from autograder.course import Course
from autograder.results import course_lock
from autograder.seed import Seed


def seed(
    new: Annotated[bool, typer.Option("--new", help="Draw a fresh seed; the earlier ones are kept.")] = False,
    course: CourseFolder = None,
) -> None:
    """Show the id of the course's secret seed; the seed itself is never shown."""
    found = Course.find(course)
    if not new:
        out.print(f"seed {Seed.of_course(found.state).id}")
        earlier = Seed.earlier(found.state)
        if earlier:
            out.print(f"kept for replays: {', '.join(earlier)}")
        return
    with course_lock(found):  # a run under way would grade half a class with each
        before = Seed.of_course(found.state)
        fresh = Seed.renew(found.state)
    out.print(f"seed {before.id} -> {fresh.id}")
    out.print("next: autograder grade TOPIC regrades every submission with fresh examples, the same for everyone")
    out.print("results graded before can still be replayed: the earlier seeds are kept in .autograder/seeds/")
