"""Proves assignments: what is right earns everything, what is wrong loses points where it is wrong, nothing leaks.

Whatever grades students decides here too: the specimens of an assignment are graded in the sandbox, and
this module judges their reports.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from autograder.course import Assignment, Course
from autograder.errors import AuthoringError
from autograder.model import Verdict
from autograder.proof.trials import Graded, grade_specimens, lost
from autograder.provenance import Options
from autograder.release import check, released_leaks
from autograder.release.files import read_tree
from autograder.specimens import Kind, Specimen, dependents, specimens
from autograder.suite import Suite, collect

LEAST_VARIANTS = 3
OPTIONS = Options(explain=False)  # misconceptions are named all the same; only counterexamples are not looked for

Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Claim:
    """A sentence about an assignment, whether it holds, and, where it does not, what is wrong and the way out."""

    topic: str
    sentence: str
    holds: bool
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Case:
    """An assignment that can be graded."""

    assignment: Assignment
    suite: Suite
    specimens: tuple[Specimen, ...]

    def named(self, kind: Kind) -> list[str]:
        """The questions of the specimens of a kind."""
        return [item.question for item in self.specimens if item.kind == kind]


def verify(
    course: Course, topics: Sequence[str], *, jobs: int = 0, progress: Advance = lambda done, total: None
) -> list[Claim]:
    """All claims about ``topics``, in order.

    Args:
        course: the course.
        topics: names of assignments; an unknown one is a ``UsageError``.
        jobs: grading processes; 0 means one per processor.
        progress: told ``(done, total)`` specimens.

    Raises:
        IsolationError: the sandbox cannot keep its promises on this machine.
    """
    cases = {topic: _open(course, topic) for topic in topics}
    total = sum(len(case.specimens) for case in cases.values() if isinstance(case, _Case))
    counter = itertools.count()

    def advance() -> None:
        progress(next(counter), total)

    advance()
    return [claim for topic, case in cases.items() for claim in _claims(course, topic, case, jobs, advance)]


def _open(course: Course, topic: str) -> _Case | AuthoringError:
    try:
        assignment = course.assignment(topic)
        suite = collect(course, assignment)
        return _Case(assignment, suite, tuple(specimens(course, assignment, suite)))
    except AuthoringError as error:
        return error


def _claims(
    course: Course, topic: str, case: _Case | AuthoringError, jobs: int, advance: Callable[[], None]
) -> Iterator[Claim]:
    def claim(sentence: str, problems: Iterable[str]) -> Claim:
        details = tuple(problems)
        return Claim(topic, sentence, not details, details)

    asked = "every question asked has a model solution, hidden tests and points"
    if not isinstance(case, _Case):
        yield claim(asked, str(case).splitlines())
        return
    yield claim(asked, ())
    yield claim("release/ is what 'autograder release' makes", _differs(course, topic))
    yield claim("nothing in release/ tells a solution or a hidden test", _leaks(case))
    yield claim("every question has a misconception", _without_misconception(case))
    yield claim(f"there are at least {LEAST_VARIANTS} right variants", _too_few_variants(case))
    try:
        graded = grade_specimens(
            course, case.assignment, case.suite, case.specimens, OPTIONS, jobs=jobs, advance=advance
        )
    except AuthoringError as error:
        yield claim("the model solution passes the hidden tests", str(error).splitlines())
        return
    for kind, sentence, judge in _JUDGES:
        some = [item for item in graded if item.specimen.kind == kind]
        if some:  # a claim about nothing proves nothing, and another one says what is not there
            yield claim(sentence.format(len(some)), [line for item in some for line in _judged(judge, item)])


# ------------------------------------------------------------------------------------- the files


def _differs(course: Course, topic: str) -> Iterator[str]:
    try:
        difference = check(course, topic)
    except AuthoringError as error:
        yield from str(error).splitlines()
        return
    if difference:
        yield f"release/{topic} is missing or out of date; run: autograder release {topic}"


def _leaks(case: _Case) -> Iterator[str]:
    released = read_tree(case.assignment.release_folder)
    yield from map(str, released_leaks(case.assignment, case.suite, released))


def _without_misconception(case: _Case) -> Iterator[str]:
    for question in case.suite.questions():
        if question not in case.named("misconception"):
            path = case.assignment.misconceptions
            yield f"{question} has none: add a wrong answer marked @misconception(of={question!r}) to {path}"


def _too_few_variants(case: _Case) -> Iterator[str]:
    number = len(case.named("variant"))
    if number < LEAST_VARIANTS:
        yield f"there are {number}; add odd but right answers marked @variant(of=...) to {case.assignment.variants}"


# --------------------------------------------------------------------------------------- judging


def _judged(judge: Callable[[Graded], Iterator[str]], item: Graded) -> list[str]:
    if item.report.verdict is Verdict.GRADER_ERROR:
        reason = (item.report.message.strip() or "no reason given").splitlines()[-1]
        return [f"{item.specimen.name}: could not be graded: {reason}"]
    return list(judge(item))


def _loses_something(item: Graded) -> Iterator[str]:
    for question in item.report.questions:
        for record in lost(question):
            yield f"{item.specimen.name}: loses {record.name} ({record.verdict}: {record.message[:200]})"


def _earns_something(item: Graded) -> Iterator[str]:
    for question in item.report.questions:
        for record in question.tests:
            if record.verdict not in (Verdict.MISSING, Verdict.DEFERRED):
                yield f"{record.name} finds {record.verdict} in the untouched notebook; every test calls the answer"


def _survives(item: Graded) -> Iterator[str]:
    specimen = item.specimen
    if not lost(item.own):
        yield f"{specimen.name} passes every test of {specimen.question}; add one that tells it from a right answer"


def _breaks_others(item: Graded) -> Iterator[str]:
    question = item.specimen.question
    for other in item.report.questions:
        if lost(other) and other.name != question and other.name not in dependents(item.suite, question):
            names = ", ".join(record.name for record in lost(other))
            yield (
                f"{item.specimen.name} of {question} loses {names} of {other.name}; "
                f"mark what depends on it with depends_on=({question!r},)"
            )


def _unnamed(item: Graded) -> Iterator[str]:
    name, losses = item.specimen.name, lost(item.own)
    told = [record for record in losses if record.misconception == name or record.verdict is Verdict.FORBIDDEN]
    if losses and not told:  # what is forbidden is named by the verdict's own message
        taken = ", ".join(f"{record.misconception or 'nothing known'} in {record.name}" for record in losses)
        yield f"{name} of {item.specimen.question} is taken for {taken}; add a test that no other answer fails like it"


def _earns_cheaply(item: Graded) -> Iterator[str]:
    if item.own.score:
        names = ", ".join(record.name for record in item.own.tests if record.points)
        yield (
            f"{item.specimen.name} earns {item.own.score:g} of {item.own.max_score:g} points in {names}; "
            "mark a test that compares with the reference with gate=True"
        )


_JUDGES: tuple[tuple[Kind, str, Callable[[Graded], Iterator[str]]], ...] = (
    ("reference", "the model solution, filled into the handout, earns full marks", _loses_something),
    ("untouched", "the untouched notebook earns nothing: every answer is missing", _earns_something),
    ("variant", "right variants earn full marks ({})", _loses_something),
    ("cheap", "zeros, ones and the input itself earn nothing ({})", _earns_cheaply),
    ("misconception", "misconceptions lose points in their own question ({})", _survives),
    ("misconception", "misconceptions lose points only there and in questions that depend on it ({})", _breaks_others),
    ("misconception", "misconceptions are named in the report ({})", _unnamed),
)
