"""Late days: a few free ones for the whole course, then a share of the score for each.

In ``nbgrader_config.py``::

    c.AssignLatePenalties.plugin_class = "autograder.nbgrader_bridge.late_days.LateDays"
    c.LateDays.free_days = 3

The rule: a submission is as many days late as have begun since its due date, extension and grace included. Free days
pay for them in the order of the due dates. So what a submission costs depends on the student's submissions alone, not
on when they are graded or how often. One that comes in later for an earlier due date takes its free days first; the
penalties of the others are reckoned again as it enters the gradebook.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from nbgrader.api import Assignment, SubmittedAssignment
from nbgrader.plugins import BasePlugin
from sqlalchemy import select
from traitlets import Float, Int

_DAY = 86400.0


class HandedIn(NamedTuple):
    """A submission with a due date; ``late`` in seconds, the student's extension considered."""

    due: datetime
    topic: str
    late: float


def days_late(late: float, grace_minutes: float) -> int:
    """Days begun in ``late`` seconds less the grace."""
    return math.ceil(max(0.0, late - 60 * grace_minutes) / _DAY)


def charged_days(submissions: Sequence[HandedIn], free: int, grace_minutes: float) -> dict[str, int]:
    """Late days by topic that free ones do not pay for. Pure; the order of ``submissions`` is of no matter."""
    left, charged = free, dict[str, int]()
    for submission in sorted(submissions):
        days = days_late(submission.late, grace_minutes)
        paid = min(days, left)
        left -= paid
        charged[submission.topic] = days - paid
    return charged


class LateDays(BasePlugin):  # type: ignore[misc] # nbgrader has no types
    """Free late days over the course, then a share of the score for each further day."""

    free_days = Int(0, min=0, help="Late days of the whole course that cost nothing.").tag(config=True)
    grace_minutes = Float(0.0, min=0.0, help="So late is still in time, for every submission.").tag(config=True)
    share_per_day = Float(
        0.1, min=0.0, max=1.0, help="What each day beyond takes of the score; 1: a late score is zero."
    ).tag(config=True)
    cap = Float(1.0, min=0.0, max=1.0, help="The most that lateness takes of the score.").tag(config=True)

    over_course = True  # an entry for one assignment may change the penalties of others

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:  # noqa: ARG002 - nbgrader's signature
        """Points that lateness takes off the assignment that the parent, nbgrader's preprocessor, is at work on."""
        submissions = _submissions(self.parent.gradebook.db, student_id)
        days = charged_days(submissions, self.free_days, self.grace_minutes).get(self.parent.assignment_id, 0)
        return score * min(self.share_per_day * days, self.cap) if days else None


def _submissions(session: Any, student: str) -> list[HandedIn]:
    """What the gradebook knows of a student's submissions that had a due date."""
    wanted = (
        select(Assignment.name, Assignment.duedate, SubmittedAssignment.timestamp, SubmittedAssignment.extension)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(SubmittedAssignment.student_id == student, Assignment.duedate.is_not(None))
        .where(SubmittedAssignment.timestamp.is_not(None))
    )
    return [
        HandedIn(due, topic, (handed_in - due - (extension or timedelta())).total_seconds())
        for topic, due, handed_in, extension in session.execute(wanted)
    ]
