"""The student's side of an assignment, generated from the source notebooks by nbgrader itself."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from autograder.course import Assignment
from autograder.errors import AuthoringError
from autograder.release.files import read_tree, write_tree
from autograder.release.settings import nbgrader_settings


def student_files(assignment: Assignment, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """What nbgrader releases for the source notebooks ``sources``, by path below ``release/<topic>/``.

    It works in a scratch course without a database, so the real one sees neither logs nor half-made files.
    """
    topic = assignment.topic
    with tempfile.TemporaryDirectory(prefix="autograder-release-") as scratch:
        root = Path(scratch).resolve()
        files = {f"files/{name}": data for name, data in read_tree(assignment.files).items()}
        notebooks = {f"{name}.ipynb": source for name, source in sources.items()}
        write_tree(root / "assignments" / topic, {**notebooks, **files})
        _generate(root, assignment)
        return read_tree(root / "release" / topic)


def _generate(root: Path, assignment: Assignment) -> None:
    settings = nbgrader_settings()
    settings.CourseDirectory.root = str(root)
    settings.CourseDirectory.assignment_id = assignment.topic
    settings.SaveCells.enabled = False
    log, said = _listening_log()
    course = CourseDirectory(config=settings, log=log)
    try:
        GenerateAssignment(coursedir=course, config=settings, log=log, no_database=True).start()
    except NbGraderException as error:
        reasons = "; ".join(line for text in said for line in text.strip().splitlines()[-1:]) or str(error)
        raise AuthoringError(f"{assignment.handout}: nbgrader generate_assignment refuses it: {reasons}") from error


def _listening_log() -> tuple[logging.Logger, list[str]]:
    """A logger of our own, and the errors it hears."""
    said: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.Logger("autograder.release", logging.ERROR)  # noqa: LOG001 - not shared, gone after the release
    log.addHandler(handler)
    return log, said


def require_tidy(assignment: Assignment) -> None:
    """``nbgrader generate_assignment`` hands out whatever lies in the folder; only ``files/`` is meant to."""
    folder = assignment.handout.parent
    ours = {f"{name}{suffix}" for name in assignment.notebooks for suffix in (".md", ".ipynb")}
    for name in read_tree(folder):
        if not name.startswith("files/") and name not in ours:
            further = "; a further notebook belongs under 'notebooks' in the header" if name.endswith(".md") else ""
            if name.endswith(".ipynb"):
                further = "; one that a release made for a notebook that is gone can be deleted"
            raise AuthoringError(
                f"{folder / name}: would be handed out by nbgrader; move it into {folder / 'files'} if students "
                f"should have it, and out of the folder otherwise{further}"
            )
