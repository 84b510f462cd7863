"""pytest fixtures for hidden tests: ``pytest tests/hidden/test_attention.py [--submission PATH]``.

Without ``--submission`` the tests run against the course's own reference, which must pass. With it
they run against a notebook in its sandbox; hypothesis draws and shrinks live, as authors want it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from autograder.course import Assignment, Course
from autograder.errors import AutograderError, UsageError
from autograder.release.asked import asked
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.suite import collect
from autograder.testing.student import LocalBackend, Student


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--submission`` and ``--isolation``."""
    group = parser.getgroup("autograder", "hidden tests of course assignments")
    group.addoption("--submission", metavar="PATH", help="notebook to run the hidden tests against")
    group.addoption(
        "--isolation",
        choices=["sandbox", "process"],
        default="sandbox",
        help="how the notebook of --submission is kept apart (default: sandbox)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Check the options; hypothesis without deadlines, files and prints."""
    submission = config.getoption("--submission")
    if submission is not None and not Path(submission).is_file():
        raise pytest.UsageError(f"--submission {submission}: there is no such file")
    settings.register_profile(
        "autograder", deadline=None, database=None, print_blob=False, suppress_health_check=list(HealthCheck)
    )
    settings.load_profile("autograder")


def _assignment(request: pytest.FixtureRequest) -> tuple[Course, Assignment]:
    """The assignment that a test file ``tests/hidden/test_TOPIC.py`` is named for."""
    with _plainly():
        course = Course.find(request.path.parent)
        return course, course.assignment(request.path.stem.removeprefix("test_"))


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    """An author needs what our errors say, not where in this package they were raised."""
    try:
        yield
    except AutograderError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Student:
    """The reference of the topic that the test file is named for."""
    course, assignment = _assignment(request)
    return Student(LocalBackend(vars(course.load(assignment.reference))))


class _Sessions:
    """One process for all tests of a notebook, as in grading; of several notebooks those beside ``path``."""

    def __init__(self, sandbox: Sandbox, assignment: Assignment, path: Path) -> None:
        self._sandbox, self._assignment, self._path = sandbox, assignment, path
        self._opened: dict[str, Session] = {}
        self._refused: dict[str, AutograderError] = {}  # a notebook that cannot be opened is not tried for every test

    def of(self, notebook: str) -> Session:
        """The living session of a notebook."""
        if notebook in self._refused:
            raise self._refused[notebook]
        if notebook in self._opened:
            self._opened[notebook].revive()
            return self._opened[notebook]
        try:
            self._opened[notebook] = self._open(notebook)
        except AutograderError as error:
            self._refused[notebook] = error
            raise
        return self._opened[notebook]

    def _open(self, notebook: str) -> Session:
        path = self._path.with_name(f"{notebook}.ipynb") if self._assignment.several else self._path
        if not path.is_file():
            raise UsageError(f"{path}: there is no such file")
        session = Session(self._sandbox, path.read_bytes(), self._assignment.front.limits)
        session.open()
        return session

    def close(self) -> None:
        for session in self._opened.values():
            session.close()


@pytest.fixture(scope="module")
def _sessions(request: pytest.FixtureRequest) -> Iterator[_Sessions | None]:
    path = request.config.getoption("--submission")
    if path is None:
        yield None
        return
    course, assignment = _assignment(request)
    data = assignment.files if assignment.files.is_dir() else None
    isolation = request.config.getoption("--isolation")
    with Sandbox(isolation, hidden=(course.root,), data=data) as sandbox:
        with _plainly():
            sandbox.wait_ready()
        sessions = _Sessions(sandbox, assignment, Path(path))
        yield sessions
        sessions.close()


@pytest.fixture
def student(request: pytest.FixtureRequest, _sessions: _Sessions | None) -> Student:
    """The submission under test, or the reference where none is given."""
    course, assignment = _assignment(request)
    suite = collect(course, assignment)
    if _sessions is None:
        return Student(LocalBackend(vars(course.load(assignment.reference))), suite.forbidden)
    name = getattr(request.node, "originalname", request.node.name)
    question = next((test.question.name for test in suite.tests if test.name == name), "")
    with _plainly():
        session = _sessions.of(asked(assignment, suite.questions()).get(question, assignment.topic))
    student = Student(session, suite.forbidden)
    student.begin()
    return student
