"""Lets plain nbgrader commands and the formgrader page grade, show and export what this package grades.

Put two lines into a course's ``nbgrader_config.py``::

    from autograder.nbgrader_bridge import configure
    configure(get_config())
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.course import Course

__all__ = ["configure", "configured_db_url"]


def configure(config: Any) -> None:
    """Set nbgrader's options so that ``nbgrader autograde`` grades by this package.

    The bytes in ``submitted/`` are graded in the sandbox; no kernel is started. What students wrote in
    Markdown is rendered without active content. Names instead of classes keep reading the file quick.
    """
    config.Autograde.exporter_class = "autograder.nbgrader_bridge.autograde.SubmissionExporter"
    config.Autograde.sanitize_preprocessors = []
    config.Autograde.autograde_preprocessors = ["autograder.nbgrader_bridge.autograde.GradeSubmission"]
    config.HTMLExporter.filters = {"markdown2html": "autograder.nbgrader_bridge.markdown.to_safe_html"}
    _find_alembic()


def configured_db_url(course: Course) -> str:
    """The URL of the gradebook that nbgrader uses for ``course``."""
    from autograder.nbgrader_bridge.settings import read_settings  # noqa: PLC0415 - nbgrader itself takes a second

    return read_settings(course).db_url


def _find_alembic() -> None:
    """Let nbgrader find ``alembic``, which it calls by name, in an environment that is not activated."""
    if shutil.which("alembic") is None:
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
