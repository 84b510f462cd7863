"""What the gradebook knows of a grade and a report does not: what people gave, and lateness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from autograder.model import GradeReport, QuestionResult, Verdict


@dataclass(frozen=True)
class Given:
    """What a person gave to a question: points in place of the tests', extra points on top, a comment.

    ``waits``: a person has still to score the answer, or to look at it again as it has changed.
    """

    score: float | None = None
    extra: float = 0.0
    comment: str = ""
    waits: bool = False


@dataclass(frozen=True)
class Extras:
    """What people gave, by question; lateness in seconds; the points that it takes off."""

    given: Mapping[str, Given] = field(default_factory=dict)
    seconds_late: float = 0.0
    penalty: float = 0.0

    def applied(self, report: GradeReport) -> GradeReport:
        """``report`` with the final grade: people's points in its questions, the penalty taken off, never below 0."""
        questions = tuple(_with(self.given.get(question.name), question) for question in report.questions)
        pairs = list(zip(report.questions, questions, strict=True))
        gained = sum((new.score or 0.0) - (old.score or 0.0) for old, new in pairs)
        decided = sum(_deferred(old) for old, new in pairs if self._replaces(old))
        return replace(
            report,
            questions=questions,
            score=round(max(0.0, report.score + gained - self.penalty), 6),
            pending_points=round(max(0.0, report.pending_points - decided), 6),
        )

    def _replaces(self, question: QuestionResult) -> bool:
        given = self.given.get(question.name)
        return given is not None and given.score is not None


def _with(given: Given | None, question: QuestionResult) -> QuestionResult:
    """``question`` with a person's points. One that got them all is right, whatever its tests say."""
    if given is None:
        return question
    score = question.score if given.score is None else given.score
    if score is None and not given.waits:
        score = 0.0  # nobody has to look: there is no answer
    if score is None:
        return question
    right = question.kind == "auto" and given.score is not None and given.score >= question.max_score
    return replace(question, score=score + given.extra, verdict=Verdict.PASSED if right else question.verdict)


def _deferred(question: QuestionResult) -> float:
    return sum(test.max_points for test in question.tests if test.points is None)
