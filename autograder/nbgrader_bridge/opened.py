"""A course's gradebook, opened for a short piece of work beside grading."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from autograder.course import Course
from autograder.nbgrader_bridge.database import Found, committed, open_gradebook
from autograder.nbgrader_bridge.settings import read_settings


@dataclass(frozen=True)
class Opened:
    """An open gradebook; ``session`` is SQLAlchemy's."""

    url: str
    session: Any

    def do(self, work: Callable[[Any], Found]) -> Found:
        """What ``work(session)`` gives, in one transaction. Raises ``UsageError`` where the database refuses."""
        return committed(self.session, self.url, lambda: work(self.session))


@contextlib.contextmanager
def opened(course: Course, db_url: str | None = None) -> Iterator[Opened]:
    """The gradebook at ``db_url``, by default nbgrader's, made where there is none. Raises as ``open_gradebook``."""
    settings = read_settings(course)
    url = db_url or settings.db_url
    gradebook = open_gradebook(url, settings.coursedir.course_id)
    try:
        yield Opened(url, gradebook.db)
    finally:
        gradebook.close()


def exists(course: Course, db_url: str | None = None) -> bool:
    """Whether there is a gradebook to read: looking makes no file.

    A server counts as one, and so does what is no URL: opening it says so.
    """
    try:
        url = make_url(db_url or read_settings(course).db_url)
    except ArgumentError:
        return True
    return url.get_backend_name() != "sqlite" or (url.database is not None and Path(url.database).is_file())
