"""The table of contract lines against tests: a test covers a line where it catches an answer that breaks just that."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from autograder.course import Assignment, Course
from autograder.errors import AuthoringError
from autograder.examples import load_examples
from autograder.model import Verdict
from autograder.proof.contract import Contract, read_contract
from autograder.proof.conventions import CONVENTIONS, EVIDENCE_ONLY, Breaker, breakers_of, broken_routes
from autograder.proof.trials import Graded, grade_specimens, lost
from autograder.proof.usage import observe
from autograder.provenance import Options
from autograder.seed import Seed
from autograder.specimens import Specimen, specimens
from autograder.suite import Suite, collect
from autograder.testing.student import RememberingBackend, Student

OPTIONS = Options(explain=False, diagnose=False)

Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Cell:
    """A line of the contract of one question, a way to break it, and the tests that notice.

    ``exempt``: why the line does not apply; such a cell needs no test.
    """

    topic: str
    question: str
    line: str
    way: str
    tests: tuple[str, ...]
    exempt: str = ""

    @property
    def empty(self) -> bool:
        """Whether nobody notices."""
        return not self.tests and not self.exempt


def coverage(
    course: Course, topics: Sequence[str], *, jobs: int = 0, progress: Advance = lambda done, total: None
) -> list[Cell]:
    """All cells of ``topics``, in the order of questions and lines.

    Raises ``AuthoringError`` where an assignment's files disagree or its contract is missing, ``IsolationError``
    where the sandbox cannot keep its promises on this machine.
    """
    cases = [_Case.of(course, topic) for topic in topics]
    total = sum(len(case.trials) for case in cases)
    counter = itertools.count()

    def advance() -> None:
        progress(next(counter), total)

    advance()
    return [cell for case in cases for cell in case.cells(course, jobs, advance)]


@dataclass(frozen=True)
class _Case:
    """An assignment with everything that is graded for its table: pairs of a line with a specimen that breaks it."""

    assignment: Assignment
    suite: Suite
    contract: Contract
    trials: tuple[tuple[str, str, Specimen], ...]  # line, way, specimen

    @classmethod
    def of(cls, course: Course, topic: str) -> _Case:
        assignment = course.assignment(topic)
        suite = collect(course, assignment)
        contract = read_contract(assignment, suite.questions(), CONVENTIONS)
        torch.set_num_threads(1)
        broken = list(broken_routes(contract))
        if broken:
            raise AuthoringError(f"{assignment.contract}: {'; '.join(broken)}")
        namespace = vars(course.load(assignment.reference))
        reference = Student(RememberingBackend(namespace), suite.forbidden)
        examples = load_examples(course, suite, Seed.of_course(course.state), "graded", reference)
        uses = observe(suite, examples, namespace)
        trials = [_trial(breaker) for breaker in breakers_of(assignment, suite.questions(), contract, uses)]
        wrong = [item for item in specimens(course, assignment, suite) if item.breaks]
        for item in wrong:
            if item.breaks not in contract.lines(item.question):
                known = ", ".join(contract.lines(item.question)) or "none"
                said = f"{item.name!r} breaks {item.breaks!r}, which {assignment.contract} does not list"
                raise AuthoringError(f"{assignment.misconceptions}: {said} for {item.question}; there are: {known}")
        trials += [(item.breaks, item.name, item) for item in wrong]
        return cls(assignment, suite, contract, tuple(trials))

    def cells(self, course: Course, jobs: int, advance: Callable[[], None]) -> Iterator[Cell]:
        """The cells of this assignment."""
        broken = [specimen for _, _, specimen in self.trials]
        graded = grade_specimens(course, self.assignment, self.suite, broken, OPTIONS, jobs=jobs, advance=advance)
        results = list(zip(self.trials, graded, strict=True))
        for question in self.suite.questions():
            yield from self._conventions(question, results)
            yield from self._lines(question, results)

    def _conventions(self, question: str, results: list[tuple[tuple[str, str, Specimen], Graded]]) -> Iterator[Cell]:
        exempt = self.contract.exemptions(question)
        topic = self.assignment.topic
        for line in CONVENTIONS:
            if line in exempt:
                yield Cell(topic, question, line, "", (), exempt[line])
            elif line == EVIDENCE_ONLY:
                tests = [test for test in self.suite.tests if test.question.name == question]
                yield Cell(topic, question, line, "", tuple(t.name for t in tests if "cuda" in t.question.devices))
            for (broken, way, specimen), item in results:
                if specimen.kind == "breaker" and (specimen.question, broken) == (question, line):
                    yield Cell(topic, question, line, way, _noticed(item, line))

    def _lines(self, question: str, results: list[tuple[tuple[str, str, Specimen], Graded]]) -> Iterator[Cell]:
        for line, sentence in self.contract.lines(question).items():
            found = [
                (way, item)
                for (broken, way, specimen), item in results
                if specimen.kind == "misconception" and (specimen.question, broken) == (question, line)
            ]
            if not found:
                yield Cell(self.assignment.topic, question, line, f"{sentence}: no misconception breaks it", ())
            for way, item in found:
                yield Cell(self.assignment.topic, question, line, way, _noticed(item, line))


def _trial(breaker: Breaker) -> tuple[str, str, Specimen]:
    return breaker.line, breaker.way, breaker.specimen()


def _noticed(item: Graded, line: str) -> tuple[str, ...]:
    """The tests that a broken answer lost; for a forbidden route, those that saw it taken."""
    if item.report.verdict is Verdict.GRADER_ERROR:
        return ()
    records = lost(item.own)
    if line == "forbidden":
        records = [record for record in records if record.verdict is Verdict.FORBIDDEN]
    return tuple(record.name for record in records)


def markdown(cells: Sequence[Cell]) -> str:
    """The table as Markdown, a section for each assignment."""
    lines = ["# Contract lines against hidden tests", ""]
    lines += ["A test covers a line where it catches an answer that is right but for that line.", ""]
    for topic, group in itertools.groupby(cells, key=lambda cell: cell.topic):
        lines += [f"## {topic}", "", "| question | line | broken by | tests |", "| --- | --- | --- | --- |"]
        lines += [f"| {c.question} | {c.line} | {_escaped(c.way)} | {_told(c)} |" for c in group]
        lines.append("")
    return "\n".join(lines)


def _told(cell: Cell) -> str:
    if cell.exempt:
        return f"does not apply: {_escaped(cell.exempt)}"
    return ", ".join(cell.tests) or "**none**"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
