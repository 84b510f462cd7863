"""What the plots of the class report show: records that its script draws, each with words for those who see none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from autograder.disclosure import line
from autograder.report.statistics import Bin, Item, Misconception, Outcome, Spread
from autograder.words import plural, points

OUTCOMES = {
    Outcome.PASSED: "right",
    Outcome.PARTLY: "partly right",
    Outcome.WRONG: "wrong",
    Outcome.MISSING: "not written",
    Outcome.OPEN: "open",
    Outcome.UNREAD: "no notebook",
}
REMARKS = {
    "negative": "weaker students do better",
    "nobody": "nobody passes",
    "everybody": "everybody who wrote it passes",
}


@dataclass(frozen=True)
class Series:
    """Values beside a chart's labels, or in a scatter ``(x, y)`` pairs. ``tone`` names a colour of the style sheet."""

    label: str
    tone: str
    values: tuple[float, ...] | tuple[tuple[float, float], ...]
    names: tuple[str, ...] = ()  # of the points of a scatter


@dataclass(frozen=True)
class Chart:
    """A plot. ``labels`` stand on its axis, ``names`` are the same in full."""

    name: str
    title: str
    summary: str
    kind: Literal["bars", "rows", "scatter"]
    across: str  # what the horizontal axis measures
    up: str  # and the vertical one
    series: tuple[Series, ...]
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def scores_chart(bins: Sequence[Bin], spread: Spread, maximum: float) -> Chart:
    """How many students have which score."""
    full = sum(found.count for found in bins if found.low >= maximum)
    summary = (
        f"Half of the students have {points(spread.median)} of {plural(maximum, 'point')} or more; "
        f"{plural(full, 'student') if full else 'nobody'} {'has' if full < 2 else 'have'} all, "
        f"the lowest score is {points(spread.least)}."
    )
    labels = tuple("> " * math.isinf(found.high) + points(found.low) for found in bins)
    names = tuple(bin_name(found) for found in bins)
    series = (Series("students", "accent", tuple(float(found.count) for found in bins)),)
    return Chart("plot-scores", "Scores", summary, "bars", "points", "students", series, labels, names)


def questions_chart(questions: Sequence[Item]) -> Chart:
    """How each question ended, over all students."""
    rated = [(item.pass_rate, item) for item in questions if item.pass_rate is not None]
    summary = "No question is decided yet."
    if rated:
        (least, worst), (most, best) = min(rated, key=lambda pair: pair[0]), max(rated, key=lambda pair: pair[0])
        summary = f"Most often wholly right is {line(best.title)} ({percent(most)})"
        summary += "." if best is worst else f", least often {line(worst.title)} ({percent(least)})."
    series = tuple(
        Series(label, str(outcome), tuple(float(item.outcomes[outcome]) for item in questions))
        for outcome, label in OUTCOMES.items()
        if any(item.outcomes[outcome] for item in questions)
    )
    labels = tuple(line(item.title) for item in questions)
    return Chart("plot-questions", "Questions", summary, "rows", "students", "", series, labels, labels)


def tests_chart(tests: Sequence[Item]) -> Chart:
    """Each test by difficulty and discrimination, those that do not discriminate left out."""
    series = tuple(
        _scatter(label, tone, [item for item in tests if (item.remark == "negative") is negative])
        for label, tone, negative in (
            ("stronger students do better", "accent", False),
            ("weaker students do better", "wrong", True),
        )
    )
    drawn = sum(len(one.values) for one in series)
    negative = len(series[1].values)
    summary = (
        f"{plural(drawn, 'test')} can be drawn; {negative or 'none'} of them "
        f"{'is' if negative == 1 else 'are'} won more often by weaker students."
    )
    return Chart(
        "plot-tests",
        "Difficulty and discrimination",
        summary,
        "scatter",
        "mean share of points, %",
        "discrimination",
        tuple(one for one in series if one.values),
    )


def _scatter(label: str, tone: str, tests: Sequence[Item]) -> Series:
    drawn = [
        ((100 * item.difficulty, item.discrimination), f"{line(item.title)} ({line(item.question)})")
        for item in tests
        if item.difficulty is not None and item.discrimination is not None
    ]
    return Series(label, tone, tuple(place for place, _ in drawn), tuple(name for _, name in drawn))


def misconceptions_chart(found: Sequence[Misconception]) -> Chart:
    """How many students make each known mistake; of many, the most frequent."""
    shown = found[:15]
    first = shown[0]
    summary = (
        f"The most frequent is {line(first.name)} in {line(first.question)}: {plural(len(first.students), 'student')}."
    )
    if len(found) > len(shown):
        summary += f" The plot shows the first {len(shown)} of {len(found)}."
    labels = tuple(line(one.name) for one in shown)
    names = tuple(f"{line(one.name)} ({line(one.question)})" for one in shown)
    series = (Series("students", "wrong", tuple(float(len(one.students)) for one in shown)),)
    return Chart("plot-mistakes", "Known mistakes", summary, "rows", "students", "", series, labels, names)


def time_chart(bins: Sequence[Bin], spread: Spread) -> Chart:
    """How long submissions took to grade."""
    summary = (
        f"Half of the submissions took {seconds(spread.median)} or less, nine tenths {seconds(spread.tenth_largest)} "
        f"or less, the longest {seconds(spread.most)}."
    )
    labels = tuple(points(found.low) for found in bins)
    names = tuple(bin_name(found, " s") for found in bins)
    series = (Series("submissions", "accent", tuple(float(found.count) for found in bins)),)
    return Chart("plot-time", "Time", summary, "bars", "seconds, from", "submissions", series, labels, names)


def bin_name(found: Bin, unit: str = "") -> str:
    """``3 to under 4``; ``22`` where a bin holds one number; ``more than 22``."""
    if math.isinf(found.high):
        return f"more than {points(found.low)}{unit}"
    if found.low == found.high:
        return points(found.low) + unit
    return f"{points(found.low)}{unit} to under {points(found.high)}{unit}"


def percent(share: float | None) -> str:
    """``62 %``; a dash where there is none. All and nothing are never rounded to."""
    if share is None:
        return "–"
    shown = round(100 * share)
    if shown in (0, 100) and share not in (0, 1):
        return "<1\xa0%" if share < 0.5 else ">99\xa0%"
    return f"{shown}\xa0%"


def seconds(time: float) -> str:
    """``0.85 s``, ``12 s``."""
    return f"{time:.3g}\xa0s" if time < 100 else f"{time:.0f}\xa0s"
