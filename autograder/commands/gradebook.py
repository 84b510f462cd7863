"""What pages take from the gradebook: one option, and one line where there is nothing to take."""

from __future__ import annotations

from collections.abc import Mapping

from rich.markup import escape

from autograder.commands.shared import err
from autograder.course import Course
from autograder.errors import UsageError
from autograder.extras import Extras

_LACKING = "pages show what the tests say, without a person's scores and late penalties"


def extras_of_class(course: Course, topic: str, db: str | None) -> Mapping[str, Extras]:
    """What the gradebook knows of each student; nothing, and a line that says why, where it cannot be read."""
    if db == "none":
        return {}
    from autograder.nbgrader_bridge.finals import read_finals

    course.assignment(topic)
    try:
        finals = read_finals(course, topic, db)
    except UsageError as error:
        err.print(escape(f"{error}\n{_LACKING}"))
        return {}
    if not finals:
        err.print(f"there is no gradebook with these grades: {_LACKING}")
    return {student: final.extras for student, final in finals.items()}
