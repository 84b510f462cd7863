"""The hidden tests of an assignment, collected without pytest: questions, points, titles, order."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.course import Assignment, Course, beside_tests, file_digest, tests_digest
from autograder.errors import AuthoringError
from autograder.lines import at, line_of
from autograder.testing.marks import Forbidden, Question
from autograder.touched import digests

FIXTURES = ("student", "reference")


@dataclass(frozen=True)
class HiddenTest:
    """One graded test. ``function`` is what pytest runs; ``body`` takes ``student``, ``reference`` and an example."""

    name: str
    title: str
    question: Question
    function: Callable[..., Any]
    body: Callable[..., Any]
    drawn: bool
    digest: str  # of all that it depends on among the course's hidden tests

    @functools.cached_property
    def wants(self) -> tuple[str, ...]:
        """The fixtures that the body takes."""
        return tuple(name for name in FIXTURES if name in inspect.signature(self.body).parameters)

    @property
    def line(self) -> int:
        """Where it begins in its file."""
        return line_of(self.body)


@dataclass(frozen=True)
class Suite:
    """All hidden tests of one assignment, in file order."""

    topic: str
    path: Path
    tests: tuple[HiddenTest, ...]
    forbidden: Mapping[str, Forbidden]
    digest: str

    def questions(self) -> list[str]:
        """Names of the questions in the order of their first test."""
        return list(dict.fromkeys(test.question.name for test in self.tests))

    def points(self, question: str) -> float:
        """The total of a question, without bonus."""
        counting = [t.question for t in self.tests if t.question.name == question]
        return round(math.fsum(q.points for q in counting if not q.bonus), 6)


def collect(course: Course, assignment: Assignment) -> Suite:
    """Import the hidden tests of ``assignment`` and list them; raises ``AuthoringError`` where one is malformed."""
    path = assignment.hidden_tests
    module = course.load(path)
    functions = {
        name: value
        for name, value in vars(module).items()
        if name.startswith("test_") and callable(value) and getattr(value, "__module__", None) == module.__name__
    }
    own, beside = digests(path.read_text(encoding="utf-8"), functions), file_digest(*beside_tests(assignment))
    tests = tuple(_hidden_test(path, name, value, f"{own[name]} {beside}") for name, value in functions.items())
    if not tests:
        raise AuthoringError(f"{path}: holds no test; write functions named test_... marked with @question")
    forbidden = getattr(module, "FORBIDDEN", {})
    if not isinstance(forbidden, Mapping) or not all(isinstance(rule, Forbidden) for rule in forbidden.values()):
        raise AuthoringError(f"{path}: FORBIDDEN maps function names (or '*') to forbid(...)")
    suite = Suite(assignment.topic, path, tests, forbidden, tests_digest(assignment))
    for name in suite.questions():
        if suite.points(name) <= 0:
            raise AuthoringError(f"{path}: question {name!r} has bonus points only")
    return suite


def _hidden_test(path: Path, name: str, function: Any, digest: str) -> HiddenTest:
    mark = getattr(function, "autograder_question", None)
    if not isinstance(mark, Question):
        place = at(path, line_of(function))
        raise AuthoringError(f"{place}: {name} is not marked with @question(...), so it counts for nothing")
    title = inspect.cleandoc(function.__doc__ or "").splitlines()[0]
    handle = getattr(function, "hypothesis", None)
    body = handle.inner_test if handle is not None else function
    return HiddenTest(name, title, mark, function, body, handle is not None, digest)
