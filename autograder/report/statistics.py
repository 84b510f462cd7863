"""Numbers of a class, from its grade reports. Pure: no file, no page.

Item analysis is that of classical test theory. Difficulty is the mean share of an item's points that was earned.
Discrimination is Pearson's correlation of that share with the share of all other points that the student earned
(for an item that is won or lost: the point-biserial correlation); the item itself is left out of the other side,
or it would correlate with itself. S. Henrysson, "Correction of item-total correlations in item analysis",
Psychometrika 28 (1963), 211-218; L. Crocker and J. Algina, "Introduction to Classical and Modern Test Theory"
(1986), chapter 14.
"""

from __future__ import annotations

import enum
import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from autograder.model import GradeReport, QuestionResult, TestRecord, Verdict

_DIGITS = 9  # sums of tenths differ in the 16th: a correlation must not be made of that
_MOST_BINS = 25
_GPU = "graphics card"


class Outcome(enum.StrEnum):
    """How a question or a test ended for a student."""

    PASSED = "passed"
    PARTLY = "partly"
    WRONG = "wrong"
    MISSING = "missing"
    OPEN = "open"  # waits for a person or for another device
    UNREAD = "unread"  # the file was no notebook


# ------------------------------------------------------------------------------------------ one student


@dataclass(frozen=True)
class Answer:
    """What a student earned at an item. ``worth``: of ``max_points``, the points that are decided."""

    question: str
    test: str  # empty where the item is the whole question
    title: str
    points: float
    worth: float
    max_points: float
    outcome: Outcome


def by_question(report: GradeReport) -> list[Answer]:
    """A student's questions, the manual ones with them."""
    return [_question(question) for question in report.questions]


def by_test(report: GradeReport) -> list[Answer]:
    """A student's tests."""
    return [_test(question.name, test) for question in report.questions for test in question.tests]


def _question(question: QuestionResult) -> Answer:
    unread = question.verdict is Verdict.INVALID_SUBMISSION
    if question.kind == "manual":
        waiting = question.max_score if question.score is None else 0.0
    else:
        waiting = math.fsum(test.max_points for test in question.tests if test.points is None)
    points = question.score or 0.0
    worth = 0.0 if unread else max(0.0, question.max_score - waiting)
    if unread:
        outcome = Outcome.UNREAD
    elif question.kind == "manual" and not waiting:
        outcome = Outcome.PASSED if points >= question.max_score else Outcome.PARTLY if points else Outcome.WRONG
    elif question.verdict in _OF_TEST:
        outcome = _OF_TEST[question.verdict]
    else:
        outcome = Outcome.WRONG
    if points and outcome in (Outcome.WRONG, Outcome.MISSING):
        outcome = Outcome.PARTLY
    if outcome is Outcome.PASSED and points < worth:  # a person took points off
        outcome = Outcome.PARTLY if points else Outcome.WRONG
    return Answer(question.name, "", question.name, points, worth, question.max_score, outcome)


def _test(question: str, test: TestRecord) -> Answer:
    outcome = _OF_TEST.get(test.verdict, Outcome.WRONG)
    decided = test.points is not None and outcome is not Outcome.UNREAD
    worth = test.max_points if decided else 0.0
    return Answer(question, test.name, test.title, test.points or 0.0, worth, test.max_points, outcome)


_OF_TEST = {
    Verdict.PASSED: Outcome.PASSED,
    Verdict.MISSING: Outcome.MISSING,
    Verdict.DEFERRED: Outcome.OPEN,
    Verdict.INVALID_SUBMISSION: Outcome.UNREAD,
}


# ------------------------------------------------------------------------------------------------ items


@dataclass(frozen=True)
class Item:
    """A question or a test over the class. ``students``: those for whom its points are decided.

    ``difficulty`` is in 0..1, 1 where everybody earns all; ``discrimination`` is in -1..1, and ``None``
    where the item or the rest does not vary.
    """

    question: str
    test: str
    title: str
    max_points: float
    outcomes: Counter[Outcome]
    students: int
    difficulty: float | None
    discrimination: float | None

    @property
    def pass_rate(self) -> float | None:
        """The share of those who passed, of all for whom nothing of it is open."""
        return self.outcomes[Outcome.PASSED] / self._ended if self._ended else None

    @property
    def _ended(self) -> int:
        return self.outcomes.total() - self.outcomes[Outcome.OPEN] - self.outcomes[Outcome.UNREAD]

    @property
    def remark(self) -> str:
        """``everybody``, ``nobody``, ``negative`` or nothing: what an author should look at."""
        if self._ended and not self.outcomes[Outcome.PASSED] + self.outcomes[Outcome.PARTLY]:
            return "nobody"
        if self.outcomes[Outcome.PASSED] and not self.outcomes[Outcome.WRONG] + self.outcomes[Outcome.PARTLY]:
            return "everybody"
        return "negative" if self.discrimination is not None and self.discrimination < 0 else ""


def items(papers: Iterable[Sequence[Answer]]) -> list[Item]:
    """Each item over all students' answers, in the order in which items first appear."""
    found: dict[tuple[str, str], list[tuple[Answer, float | None]]] = {}
    for paper in papers:
        points = math.fsum(answer.points for answer in paper if answer.worth)
        worth = math.fsum(answer.worth for answer in paper)
        for answer in paper:
            rest = _share(points - answer.points, worth - answer.worth) if answer.worth else None
            found.setdefault((answer.question, answer.test), []).append((answer, rest))
    return [_item(answers) for answers in found.values()]


def _item(answers: Sequence[tuple[Answer, float | None]]) -> Item:
    shares = [_share(answer.points, answer.worth) for answer, _ in answers]
    decided = [share for share in shares if share is not None]
    pairs = [
        (share, rest)
        for share, (_, rest) in zip(shares, answers, strict=True)
        if share is not None and rest is not None
    ]
    last = answers[-1][0]
    return Item(
        question=last.question,
        test=last.test,
        title=last.title,
        max_points=last.max_points,
        outcomes=Counter(answer.outcome for answer, _ in answers),
        students=len(decided),
        difficulty=round(statistics.fmean(decided), _DIGITS) if decided else None,
        discrimination=correlation(pairs),
    )


def _share(points: float, worth: float) -> float | None:
    return round(points / worth, _DIGITS) if worth > 10**-_DIGITS else None


def correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's coefficient; ``None`` of fewer than two pairs or where a side does not vary."""
    if any(len(set(side)) < 2 for side in zip(*pairs, strict=True)) or len(pairs) < 2:
        return None
    return statistics.correlation(*zip(*pairs, strict=True))


def standard_error(students: int) -> float | None:
    """That of a correlation near 0 among ``students``: 1 / sqrt(n - 1)."""
    return 1 / math.sqrt(students - 1) if students > 1 else None


# ------------------------------------------------------------------------------------------- the class


@dataclass(frozen=True)
class Spread:
    """How numbers are spread; ``deviation`` is that of the sample."""

    count: int
    mean: float
    median: float
    deviation: float
    least: float
    most: float
    tenth_largest: float  # nine tenths are not larger

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread | None:
        """``None`` of no numbers."""
        if not numbers:
            return None
        ordered = sorted(numbers)
        return cls(
            count=len(ordered),
            mean=statistics.fmean(ordered),
            median=statistics.median(ordered),
            deviation=statistics.stdev(ordered) if len(ordered) > 1 else 0.0,
            least=ordered[0],
            most=ordered[-1],
            tenth_largest=ordered[math.ceil(0.9 * len(ordered)) - 1],
        )


@dataclass(frozen=True)
class Bin:
    """Numbers from ``low`` to below ``high``; only ``low`` where both are the same, all above where ``high`` is inf."""

    low: float
    high: float
    count: int


def score_bins(scores: Sequence[float], maximum: float) -> list[Bin]:
    """Scores in at most about 25 bins of a round width from 0 on; full marks stand alone, and so does what is above."""
    width = next(width for width in _round_widths() if maximum / width < _MOST_BINS)
    edges = [round(i * width, _DIGITS) for i in range(math.ceil(round(maximum / width, _DIGITS)))] or [0.0]
    above = sum(score > maximum + 10**-_DIGITS for score in scores)
    full = sum(score >= maximum for score in scores) - above
    counts = Counter(_last_edge(edges, score) for score in scores if score < maximum)
    upper = [*edges[1:], maximum]
    lower = [Bin(low, high, counts[low]) for low, high in zip(edges, upper, strict=True) if low < maximum]
    return [*lower, Bin(maximum, maximum, full), *([Bin(maximum, math.inf, above)] if above else [])]


def time_bins(seconds: Sequence[float]) -> list[Bin]:
    """Times between 0, 0.1, 0.2, 0.5, 1, 2, 5, ... seconds, from the first bin that is not empty to the last."""
    if not seconds:
        return []
    edges = [0.0, *itertools.takewhile(lambda edge: edge <= max(seconds), (w / 10 for w in _round_widths(1)))]
    counts = Counter(_last_edge(edges, time) for time in seconds)
    upper = [*edges[1:], next(w / 10 for w in _round_widths(1) if w / 10 > edges[-1])]
    bins = [Bin(low, high, counts[low]) for low, high in zip(edges, upper, strict=True)]
    return list(itertools.dropwhile(lambda found: not found.count, bins))


def _last_edge(edges: Sequence[float], number: float) -> float:
    return max((edge for edge in edges if edge <= number + 10**-_DIGITS), default=edges[0])


def _round_widths(first: float = 0.1) -> Iterator[float]:
    """``first`` times 1, 2, 5, 10, 20, 50, ... without end."""
    return (round(first * step * 10**power, _DIGITS) for power in itertools.count() for step in (1, 2, 5))


@dataclass
class Misconception:
    """A known mistake and who makes it."""

    name: str
    question: str
    hint: str
    students: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)


def misconceptions(reports: Iterable[GradeReport]) -> list[Misconception]:
    """Known mistakes by the number of students who make them, the most frequent first."""
    found: dict[tuple[str, str], Misconception] = {}
    for report in reports:
        for question in report.questions:
            for test in question.tests:
                if test.hint:
                    name = test.misconception or test.hint
                    one = found.setdefault((question.name, name), Misconception(name, question.name, test.hint))
                    one.students.add(report.student)
                    one.tests.add(test.name)
    return sorted(found.values(), key=lambda one: (-len(one.students), one.question, one.name))


@dataclass(frozen=True)
class Condition:
    """Something that grades depend on, with the number of reports that have each value, the most frequent first."""

    name: str
    values: tuple[tuple[str, int], ...]

    @property
    def mixed(self) -> bool:
        """Whether reports differ in it."""
        return len(self.values) > 1


def conditions(reports: Sequence[GradeReport]) -> list[Condition]:
    """What the grades of ``reports`` depend on beside the submissions."""
    told = [
        {
            "device": made.device,
            _GPU: made.gpu,
            "isolation": made.isolation,
            "autograder": made.versions.autograder,
            "python": made.versions.python,
            "torch": made.versions.torch,
            "hypothesis": made.versions.hypothesis,
            "hidden tests": made.tests_sha256[:12],
            "reference": made.reference_sha256[:12],
            "seed": made.seed_id,
            "options": made.options,
        }
        for made in (report.provenance for report in reports)
    ]
    names = [name for name in (told[0] if told else ()) if name != _GPU or any(one[_GPU] for one in told)]
    # Who has written nothing has met no graphics card: that is no other condition.
    values = {name: [one[name] or "not told" for one in told if one[name] or name != _GPU] for name in names}
    return [Condition(name, tuple(Counter(found).most_common())) for name, found in values.items()]
