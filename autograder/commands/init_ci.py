"""``autograder init-ci``: the workflows of a course, and the repository that its students start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from autograder.commands.shared import CourseFolder, out
from autograder.course import Course
from autograder.errors import UsageError


def init_ci(
    platform: Annotated[str, typer.Argument(help="github or gitlab.")],
    topics: Annotated[
        list[str] | None, typer.Argument(metavar="TOPIC", help="For the students' repository; all by default.")
    ] = None,
    student_template: Annotated[
        Path | None, typer.Option(help="Also write the repository that students start from, into this folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files with other content.")] = False,
    course: CourseFolder = None,
) -> None:
    """Write workflows that check the course and grade its class in CI."""
    from autograder.ci.files import Platform, course_files, write_files

    if platform not in list(Platform):
        raise UsageError(f"init-ci {platform}: no such platform; there are: {', '.join(Platform)}")
    if topics and student_template is None:
        raise UsageError("init-ci: topics belong to --student-template; workflows are the same for all")
    found, chosen = Course.find(course), Platform(platform)
    work = [(found.root, course_files(found, chosen))]
    if student_template is not None:
        from autograder.ci.students import student_files

        work.append((student_template.resolve(), student_files(found, chosen, topics or found.topics())))
    for folder, files in work:
        written = write_files(folder, files, force=force)
        for path in files:
            out.print(escape(f"{folder / path}: {'written' if path in written else 'was up to date'}"))
