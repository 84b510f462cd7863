"""``autograder bundle``: one assignment, ready to be graded on another platform."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import CourseFolder, Topic, err, out, writable
from autograder.course import Course
from autograder.errors import UsageError


def bundle(
    topic: Topic,
    gradescope: Annotated[bool, typer.Option("--gradescope", help="For Gradescope's autograders.")] = False,
    output: Annotated[Path | None, typer.Option(help="The file; by default in exports/ of the course.")] = None,
    course: CourseFolder = None,
) -> None:
    """Pack an assignment, with all that grades it, for another platform; needs --gradescope, the only one there is."""
    from autograder.files import write_whole
    from autograder.gradescope.bundle import bundle as pack
    from autograder.seed import Seed

    if not gradescope:
        raise UsageError("for which platform? There is one: autograder bundle --gradescope TOPIC")
    found = Course.find(course)
    path = writable(output) or found.root / "exports" / f"{topic}-autograder.zip"
    write_whole(path, pack(found, topic), 0o600)
    out.print(escape(f"{topic} with seed {Seed.of_course(found.state).id}: {path}"))
    err.print("it holds the hidden tests, the model solution and the secret seed: upload it, and give it to nobody")
