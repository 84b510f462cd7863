"""From test records to a grade: gates, bonus, dependents, the worst verdict. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from autograder.model import QuestionResult, TestRecord, Verdict, worst
from autograder.suite import HiddenTest, Suite

GATE_CLOSED = "passed, but counts only once the plain case of this question works"


def score_questions(
    suite: Suite, records: Sequence[TestRecord], manual: Mapping[str, float], notebooks: Mapping[str, str]
) -> tuple[QuestionResult, ...]:
    """One result per question of ``notebooks``, which names each one's notebook, in that order.

    ``manual`` maps questions that a person scores to their points.
    """
    results = {name: _automatic(suite, name, records, notebooks[name]) for name in suite.questions()}
    noted = {name: _with_note(suite, result, results) for name, result in results.items()}
    for name, points in manual.items():
        noted[name] = QuestionResult(
            name=name, notebook=notebooks[name], kind="manual", score=None, max_score=points, verdict=Verdict.DEFERRED
        )
    return tuple(noted[name] for name in notebooks)


def _automatic(suite: Suite, name: str, records: Sequence[TestRecord], notebook: str) -> QuestionResult:
    pairs = [(t, r) for t, r in zip(suite.tests, records, strict=True) if t.question.name == name]
    gates = [record for test, record in pairs if test.question.gate]
    opened = all(record.verdict is Verdict.PASSED for record in gates)
    # A gate that waits for a GPU decides nothing yet: what hangs on it waits with it, unless another gate is shut.
    waiting = all(record.verdict in (Verdict.PASSED, Verdict.DEFERRED) for record in gates)
    tests = tuple(_behind_gate(test, record, opened=opened, waiting=waiting) for test, record in pairs)
    return QuestionResult(
        name=name,
        notebook=notebook,
        kind="auto",
        score=_sum(record.points or 0.0 for record in tests),
        max_score=suite.points(name),
        verdict=worst([record.verdict for record in tests]),
        tests=tests,
    )


def _behind_gate(test: HiddenTest, record: TestRecord, *, opened: bool, waiting: bool) -> TestRecord:
    if opened or test.question.gate or not record.points:
        return record
    if waiting:
        return msgspec.structs.replace(record, points=None, verdict=Verdict.DEFERRED)
    return msgspec.structs.replace(record, points=0.0, message=GATE_CLOSED)


def _with_note(suite: Suite, result: QuestionResult, results: Mapping[str, QuestionResult]) -> QuestionResult:
    depends = dict.fromkeys(d for t in suite.tests if t.question.name == result.name for d in t.question.depends_on)
    beside = [name for name in depends if name in results and results[name].notebook == result.notebook]
    broken = [name for name in beside if results[name].verdict is not Verdict.PASSED]
    if result.verdict is Verdict.MISSING:  # what is there, right or wrong, leaves nothing unwritten
        broken = [name for name in broken if results[name].verdict is Verdict.MISSING]
    if result.verdict in (Verdict.PASSED, Verdict.INVALID_SUBMISSION) or not broken:
        return result
    return msgspec.structs.replace(result, note=f"probably because of {' and '.join(broken)}")


def totals(questions: Sequence[QuestionResult]) -> tuple[float, float, float]:
    """Score so far, maximum, and points that wait for another device."""
    score = _sum(question.score or 0.0 for question in questions)
    maximum = _sum(question.max_score for question in questions)
    pending = _sum(record.max_points for q in questions for record in q.tests if record.points is None)
    return score, maximum, pending


def _sum(points: Iterable[float]) -> float:
    """Tenths add up: 1.2 + 2.2 is 3.4 to an instructor."""
    return round(math.fsum(points), 6)


def overall_verdict(questions: Sequence[QuestionResult]) -> Verdict:
    """The worst verdict of all automatic tests."""
    return worst([question.verdict for question in questions if question.kind == "auto"])
