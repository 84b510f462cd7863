"""``autograder feedback``: a page for each student."""

from __future__ import annotations

from rich.markup import escape

from autograder.commands.gradebook import extras_of_class
from autograder.commands.shared import CourseFolder, Database, Level, Topic, out
from autograder.course import Course
from autograder.words import plural


def feedback(
    topic: Topic,
    level: Level = None,
    db: Database = None,
    course: CourseFolder = None,
) -> None:
    """Write a page for every result of an assignment, with what people gave in the gradebook, and lateness."""
    from autograder.feedback import write_pages

    found = Course.find(course)
    extras = extras_of_class(found, topic, db)
    pages = write_pages(found, topic, level=level.value if level else None, extras=extras)
    out.print(escape(f"{plural(len(pages), 'page')} in {found.root / 'feedback'}"))
