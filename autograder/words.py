"""How verdicts, points and times are said to people, the same wherever they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from autograder.model import Verdict


@dataclass(frozen=True)
class Words:
    """A verdict as people say it. ``tone`` picks the colour, which never stands alone."""

    symbol: str
    label: str
    tone: Literal["good", "bad", "open", "ours"]
    advice: str


WORDS: Mapping[Verdict, Words] = {
    Verdict.PASSED: Words("✓", "Right", "good", "Everything tested here is right."),
    Verdict.DEFERRED: Words("…", "Still open", "open", "This needs a machine with a GPU and will be tested later."),
    Verdict.MISSING: Words(
        "○",
        "Not written yet",
        "open",
        "The function is still the empty one from the handout, its name has changed, or Python cannot read its cell. "
        "Write it in its cell, under its original name, and these tests can look at it.",
    ),
    Verdict.FAILED: Words(
        "✗", "Not right yet", "bad", "On at least one input the answer differs from what the task asks for."
    ),
    Verdict.FORBIDDEN: Words(
        "✗",
        "Uses a ruled-out function",
        "bad",
        "The handout asks you to write this part yourself. The answer may well be right: "
        "replace the ruled-out call by your own code.",
    ),
    Verdict.ERROR: Words(
        "!",
        "Stopped with an error",
        "bad",
        "Your function raised an exception. Calling it in a new cell with the same input shows where.",
    ),
    Verdict.TIMEOUT: Words(
        "!", "Took too long", "bad", "A loop that never ends, or one over every entry of a tensor, is the usual cause."
    ),
    Verdict.MEMORY: Words(
        "!", "Used too much memory", "bad", "Look for a list that keeps growing or a tensor that is expanded too far."
    ),
    Verdict.CRASHED: Words(
        "!",
        "Python stopped",
        "bad",
        "Python itself ended during this test. Endless recursion and calls such as os._exit do that.",
    ),
    Verdict.PROTOCOL: Words(
        "!",
        "The answer could not be read",
        "bad",
        "Return plain values such as tensors, numbers, lists or modules, of a moderate size.",
    ),
    Verdict.INVALID_SUBMISSION: Words(
        "!", "The notebook could not be opened", "bad", "The top of this page says what to do about it."
    ),
    Verdict.GRADER_ERROR: Words(
        "?", "Not graded yet: our fault", "ours", "The grading program failed here, not your code. Nothing is lost."
    ),
}
PARTLY = Words("◐", "Partly right", "bad", "")
WAITING = Words("…", "Waiting for a person", "open", "A person reads and scores this answer.")
REREAD = Words("…", "Will be read again", "open", "Your answer has changed since a person scored it.")
UNANSWERED = Words("○", "No answer", "open", "Your notebook holds no answer of yours here.")
OVERRULED = Words("✓", "Scored by a person", "good", "A person's points stand in place of the tests' here.")
SCORED = Words("✓", "Scored by a person", "good", "A person has read and scored this answer.")

# Tests with these verdicts ask nothing of the student one by one: each group folds into one line.
FOLDED: Mapping[Verdict, str] = {
    Verdict.GRADER_ERROR: "not graded yet",
    Verdict.INVALID_SUBMISSION: "waiting for a notebook that opens",
    Verdict.MISSING: "waiting for your function",
    Verdict.DEFERRED: "still open, for a machine with a GPU",
    Verdict.PASSED: "passed",
}
STATUSES = {"error": "stopped with an error", "timeout": "ran out of time", "skipped": "was not run"}


def points(value: float | None) -> str:
    """``2``, ``2.5``, ``0.33``; a dash where there is no score yet."""
    return "–" if value is None else f"{round(value, 2) + 0.0:.10g}"


def plural(count: float, noun: str) -> str:
    """``1 point``, ``2 points``, ``0.5 points``."""
    return f"{points(count)} {noun}" if count == 1 else f"{points(count)} {noun}s"


def some(names: Sequence[str], most: int = 3) -> str:
    """``a, b, c and 2 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def duration(seconds: float) -> str:
    """``2 hours 5 minutes``: the two largest units that say something."""
    minutes = max(1, round(seconds / 60))
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    return " ".join([plural(count, unit) for count, unit in parts if count][:2])


def moment(text: str) -> str:
    """An RFC 3339 time for people, in UTC."""
    when = datetime.fromisoformat(text).astimezone(UTC)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"
