from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.model import Verdict
from autograder.words import (
    OVERRULED,
    PARTLY,
    REREAD,
    SCORED,
    UNANSWERED,
    WAITING,
    WORDS,
    duration,
    moment,
    plural,
    points,
    some,
)


def test_every_verdict_has_words() -> None:
    assert set(WORDS) == set(Verdict)
    assert all(words.label and words.symbol and words.advice.endswith(".") for words in WORDS.values())


def test_no_two_verdicts_share_a_label() -> None:
    assert len({words.label for words in WORDS.values()}) == len(WORDS)


def test_the_page_for_students_explains_every_label() -> None:
    page = (Path(__file__).parents[2] / "docs" / "students.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)
    labels = {words.label for words in (*WORDS.values(), PARTLY, WAITING, REREAD, UNANSWERED, OVERRULED, SCORED)}
    assert sorted(explained) == sorted({*labels, "it says", "---"})


@pytest.mark.parametrize("verdict", list(Verdict))
def test_words_are_plain_and_do_not_scold(verdict: Verdict) -> None:
    said = f"{WORDS[verdict].label} {WORDS[verdict].advice}".lower()
    assert not any(
        word in said for word in ("invalid", "illegal", "bad ", "wrong", "failure", "submission", "protocol")
    )


@pytest.mark.parametrize(
    ("value", "said"), [(2.0, "2"), (2.5, "2.5"), (1 / 3, "0.33"), (0.1 + 0.2, "0.3"), (-0.0, "0"), (1e6, "1000000")]
)
def test_points_are_short(value: float, said: str) -> None:
    assert points(value) == said


def test_points_not_known_yet_are_a_dash() -> None:
    assert points(None) == "–"


@pytest.mark.parametrize(("count", "said"), [(1, "1 point"), (1.0, "1 point"), (0, "0 points"), (0.5, "0.5 points")])
def test_plural(count: float, said: str) -> None:
    assert plural(count, "point") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 minute"),
        (3600, "1 hour"),
        (7500, "2 hours 5 minutes"),
        (86400 + 60, "1 day 1 minute"),
        (3 * 86400 + 4 * 3600 + 300, "3 days 4 hours"),
    ],
)
def test_duration_says_two_units_at_most(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_moment_is_said_in_utc() -> None:
    assert moment("2026-03-02T01:30:00+02:00") == "1 March 2026, 23:30 UTC"


@pytest.mark.parametrize(
    ("names", "said"),
    [("", ""), ("a", "a"), ("abc", "a, b, c"), ("abcd", "a, b, c and 1 more"), ("abcdef", "a, b, c and 3 more")],
)
def test_of_many_names_the_first_are_said(names: str, said: str) -> None:
    assert some(list(names)) == said
