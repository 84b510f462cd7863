"""What must hold of every assignment's suite beside what ``autograder verify`` proves."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.course import Course
from autograder.examples import load_examples, run_example
from autograder.proof.contract import read_contract
from autograder.proof.conventions import CONVENTIONS
from autograder.seed import Seed
from autograder.suite import collect
from autograder.testing import statistics
from autograder.testing.statistics import counted_alarms
from autograder.testing.student import LocalBackend, Student

ROOT = Path(__file__).parents[2]
COURSE = Course(ROOT)
MOST_ALARMS = 1e-6  # of a whole suite, on a right submission
AUTOMATIC_POINTS = (17, 22)

topics = pytest.mark.parametrize("topic", COURSE.topics())


def alarms_by_question(topic: str) -> dict[str, float]:
    """The false-alarm rates that the stored examples of a suite add up to."""
    torch.set_num_threads(1)
    assignment = COURSE.assignment(topic)
    suite = collect(COURSE, assignment)
    reference = Student(LocalBackend(vars(COURSE.load(assignment.reference))), suite.forbidden)
    rates = dict.fromkeys(suite.questions(), 0.0)
    source = suite.path.read_text(encoding="utf-8")
    if not any(name in source for name in statistics.__dict__ if name.startswith("assert_")):
        return rates  # no check of a law, no alarm
    examples = load_examples(COURSE, suite, Seed.of_course(COURSE.state), "graded", reference)
    for test in suite.tests:
        with counted_alarms() as alarms:
            for data in examples[test.name]:
                reference.begin()
                run_example(test, data, reference, reference)
        rates[test.question.name] += sum(alarms)
    return rates


def is_random(answer: Any) -> bool:
    """Whether a function, or a method of a class, takes a generator."""
    functions = [f for f in vars(answer).values() if inspect.isfunction(f)] if isinstance(answer, type) else [answer]
    return any("generator" in inspect.signature(function).parameters for function in functions)


@topics
def test_a_right_submission_is_refused_by_chance_less_than_once_in_a_million(topic: str) -> None:
    rates = alarms_by_question(topic)
    assert sum(rates.values()) < MOST_ALARMS
    names = vars(COURSE.load(COURSE.assignment(topic).reference))
    drawing = {
        name for name in rates if callable(names[name]) and "generator" in inspect.signature(names[name]).parameters
    }
    assert all(rates[name] > 0 for name in drawing), "a random function is judged by its law"


@topics
def test_automatic_points_are_about_twenty(topic: str) -> None:
    suite = collect(COURSE, COURSE.assignment(topic))
    total = sum(suite.points(question) for question in suite.questions())
    assert AUTOMATIC_POINTS[0] <= total <= AUTOMATIC_POINTS[1]


@topics
def test_every_question_has_one_gate_worth_less_than_two_thirds(topic: str) -> None:
    """A nearly right function passes its gate and earns most; a gate alone is not most of a question."""
    suite = collect(COURSE, COURSE.assignment(topic))
    for question in suite.questions():
        gates = [test.question.points for test in suite.tests if test.question.name == question and test.question.gate]
        assert len(gates) == 1, f"{question} has {len(gates)} gates"
        assert gates[0] <= 2 / 3 * suite.points(question) + 1e-9, f"the gate of {question} is worth too much"


@topics
def test_contract_is_written_down(topic: str) -> None:
    assignment = COURSE.assignment(topic)
    suite = collect(COURSE, assignment)
    contract = read_contract(assignment, suite.questions(), CONVENTIONS)
    assert list(contract.all_routes())
    assert all(len(reason) > 10 for question in suite.questions() for reason in contract.exemptions(question).values())
