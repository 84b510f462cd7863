"""pytest fixtures for hidden tests: ``pytest tests/hidden/test_attention.py [--submission PATH]``.

Without ``--submission`` the tests run against the course's own reference, which must pass. With it
they run against a notebook in its sandbox; hypothesis draws and shrinks live, as authors want it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from autograder.course import Course
from autograder.suite import collect
from autograder.testing.student import LocalBackend, Student

settings.register_profile(
    "autograder", deadline=None, database=None, print_blob=False, suppress_health_check=list(HealthCheck)
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("autograder")
    group.addoption("--submission", metavar="PATH", help="notebook to run the hidden tests against")


def pytest_configure(config: pytest.Config) -> None:
    del config
    settings.load_profile("autograder")


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Student:
    """The reference of the topic that the test file is named for."""
    course = Course.find(request.path.parent)
    assignment = course.assignment(request.path.stem.removeprefix("test_"))
    return Student(LocalBackend(vars(course.load(assignment.reference))))


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Iterator[Student]:
    """The submission under test, or the reference where none is given."""
    course = Course.find(request.path.parent)
    assignment = course.assignment(request.path.stem.removeprefix("test_"))
    suite = collect(course, assignment)
    submission = request.config.getoption("--submission")
    if submission is None:
        yield Student(LocalBackend(vars(course.load(assignment.reference))), suite.forbidden)
        return
    raise NotImplementedError(Path(submission))
