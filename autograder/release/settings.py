"""The settings that plain nbgrader commands and ``autograder release`` share."""

from __future__ import annotations

from traitlets.config import Config

from autograder.release.files import LEFTOVERS

STUB = 'raise NotImplementedError("write your solution here")'
TEXT_STUB = "*Write your answer here.*"


def nbgrader_settings() -> Config:
    """What nbgrader must know to release this kind of course: for ``nbgrader_config.py`` and for ``release``."""
    settings = Config()
    settings.CourseDirectory.source_directory = "assignments"
    settings.CourseDirectory.ignore = ["*.md", "*.pyc", ".pytest_cache", *LEFTOVERS]
    settings.ClearSolutions.code_stub = {"python": STUB}
    settings.ClearSolutions.text_stub = TEXT_STUB
    return settings
