"""Answers to the tiny course's questions in this process, for tests of what does not need a student process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.course import Course
from autograder.examples import Examples, load_examples
from autograder.hints import Known, known_misconceptions
from autograder.judge import Bench, Explainer, judge
from autograder.model import TestRecord
from autograder.precedents import Precedents
from autograder.seed import Seed
from autograder.suite import HiddenTest, Suite, collect
from autograder.testing.student import LocalBackend, RememberingBackend, Student
from tests.toolkit.handed_in import RIGHT as REFERENCE
from tests.toolkit.tiny import TOPIC


class Lives:
    """Plays a session whose process never dies."""

    def revive(self) -> None:
        """Nothing to do."""


@dataclass
class Bank:
    """The tiny course opened once: its suite, examples, reference and misconceptions."""

    course: Course
    seed: Seed = field(default_factory=lambda: Seed(b"0" * 32))
    suite: Suite = field(init=False)
    module: ModuleType = field(init=False)
    reference: Student = field(init=False)
    examples: Examples = field(init=False)
    known: tuple[Known, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Load everything afresh, as a new process would."""
        self.course = Course(self.course.root)
        assignment = self.course.assignment(TOPIC)
        self.suite = collect(self.course, assignment)
        self.module = self.course.load(assignment.reference)
        self.reference = Student(RememberingBackend(vars(self.module)), self.suite.forbidden)
        self.examples = load_examples(self.course, self.suite, self.seed, "graded", self.reference)
        self.known = known_misconceptions(self.course.load(assignment.misconceptions), vars(self.module))

    def test(self, name: str) -> HiddenTest:
        """The hidden test called ``test_NAME``."""
        (found,) = [test for test in self.suite.tests if test.name == f"test_{name}"]
        return found

    def student(self, source: str) -> Student:
        """A student whose notebook is the reference's answers and then ``source``."""
        return Student(LocalBackend(namespace(source)), self.suite.forbidden)

    def judge(self, name: str, source: str, examples: Sequence[bytes] | None = None, **fields: Any) -> TestRecord:
        """The record of one test on a notebook; ``fields`` of the bench instead of the usual ones."""
        test, student = self.test(name), self.student(source)
        explainer = Explainer(self.known, self.seed.derive("feedback", TOPIC))
        usual: dict[str, Any] = {"session": Lives(), "student": student, "reference": self.reference}
        bench = Bench(**(usual | {"explainer": explainer, "precedents": Precedents()} | fields))
        return judge(test, self.examples[test.name] if examples is None else examples, bench)


def namespace(source: str) -> dict[str, Any]:
    """The names that a notebook defines: right answers, and then those of ``source``."""
    names: dict[str, Any] = {"__name__": "notebook"}
    exec(compile(REFERENCE + source, "cell 1", "exec"), names)  # noqa: S102 - our own text
    return names


def hidden_tests(course: Course, text: str) -> Path:
    """Replace the hidden tests by ``text``; everything it needs is imported already."""
    path = course.assignment(TOPIC).hidden_tests
    head = """
import pytest
import torch
from hypothesis import assume, example, given, settings, strategies as st
from autograder.testing import *
from autograder.testing import strategies as ts
"""
    path.write_text(head + text, encoding="utf-8")
    return path
