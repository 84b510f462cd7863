"""What a course's ``nbgrader_config.py`` says, read as nbgrader reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from traitlets import TraitError
from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

from autograder.course import CONFIG_NAME, Course
from autograder.errors import AuthoringError, UsageError


@dataclass(frozen=True)
class Settings:
    """nbgrader's configuration of one course and the places it names."""

    config: Config
    coursedir: Any

    @property
    def db_url(self) -> str:
        """The gradebook's URL; a relative SQLite path counts from the course's root, where nbgrader works."""
        return _from_root(self.coursedir.db_url, Path(self.coursedir.root))

    def folder(self, step: str, student: str, topic: str) -> Path:
        """Where nbgrader keeps an assignment of a student in ``step``, such as ``autograded``."""
        name = getattr(self.coursedir, f"{step}_directory")
        return Path(self.coursedir.format_path(name, student, topic))


def read_settings(course: Course) -> Settings:
    """The settings of ``course``, with the user's and the machine's own nbgrader files below them.

    Raises ``AuthoringError`` where a file cannot be read.
    """
    config = Config()
    for folder in (*reversed(jupyter_config_path()), str(course.root)):
        try:
            config.merge(PyFileConfigLoader(CONFIG_NAME, path=folder).load_config())
        except ConfigFileNotFound:
            continue
        except Exception as error:
            place = Path(folder) / CONFIG_NAME
            raise AuthoringError(f"{place}: reading it raised {type(error).__name__}: {error}") from error
    try:
        return Settings(config, CourseDirectory(config=config, root=str(course.root)))
    except TraitError as error:
        raise AuthoringError(f"{course.root / CONFIG_NAME}: under CourseDirectory: {error}") from error


def _from_root(db_url: str, root: Path) -> str:
    try:
        url = make_url(db_url)
    except ArgumentError as error:
        raise UsageError(f"{db_url!r} is no database URL; write for example sqlite:///gradebook.db") from error
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return db_url
    return url.set(database=str(root / str(url.database))).render_as_string(hide_password=False)
