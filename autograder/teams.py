"""Whose grade a submission is: its student's, or every member's where the roster names a team.

A team hands in one notebook, in a folder named after the team or after any of its members. The same notebook in several
of these folders is one submission, handed in when the first one was. Different notebooks are a conflict, for nobody but
the team can say which one counts: that team is not graded, and all others are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from autograder.model import GradeReport, Submission
from autograder.nbgrader_bridge.stamps import handed_in
from autograder.roster import Roster
from autograder.submissions import content_of
from autograder.text import clean


@dataclass(frozen=True)
class Parties:
    """What is to be graded. ``shares`` maps a submission's student to it under the name of each whose grade it is.

    ``strangers`` are students that the course's roster does not list. ``conflicts`` says why a team is left out.
    """

    submissions: Sequence[Submission]
    shares: Mapping[str, Sequence[Submission]]
    strangers: frozenset[str]
    conflicts: Mapping[str, str]

    def each(self, report: GradeReport) -> Iterator[tuple[GradeReport, Submission]]:
        """The report for everyone whose grade it is, with the submission."""
        for share in self.shares[report.student]:
            yield msgspec.structs.replace(report, student=share.student), share


def parties(found: Sequence[Submission], roster: Roster | None, only: Sequence[str] = ()) -> Parties:
    """Submissions of students and teams. ``only`` names students, members of teams included, whose to keep."""
    members = teams_of(roster)
    shares, strangers, copies = dict[str, list[Submission]](), set[str](), dict[str, list[Submission]]()
    for submission in found:
        name = submission.student
        person = roster.get(name) if roster is not None else None
        team = person.team if person is not None else name if name in members else ""
        if team:
            copies.setdefault(team, []).append(submission)
            continue
        if roster is not None and person is None:
            strangers.add(name)
        shares[name] = [submission]
    conflicts = dict[str, str]()
    for team, handed in copies.items():
        if only and set(only).isdisjoint(members[team]):
            continue
        one, *others = _different(handed)
        if others:
            conflicts[team] = _conflict([one, *others])
        else:
            shares[members[team][0]] = [msgspec.structs.replace(one, student=name) for name in members[team]]
    kept = [name for name in shares if not only or not set(only).isdisjoint(share.student for share in shares[name])]
    return Parties([shares[name][0] for name in sorted(kept)], shares, frozenset(strangers & set(kept)), conflicts)


def teams_of(roster: Roster | None) -> Mapping[str, Sequence[str]]:
    """Members of each team, in alphabetical order."""
    teams: dict[str, list[str]] = {}
    for person in sorted(roster.values(), key=lambda person: person.student) if roster else ():
        if person.team:
            teams.setdefault(person.team, []).append(person.student)
    return teams


def _different(copies: Sequence[Submission]) -> list[Submission]:
    """The notebooks among ``copies``, of equal ones the first; an empty one only where there is no other."""
    by_bytes = dict[bytes, Submission]()
    # Most teams hand in once: then no time is asked for.
    for copy in sorted(copies, key=_order) if len(copies) > 1 else copies:
        by_bytes.setdefault(content_of(copy), copy)
    return [copy for data, copy in by_bytes.items() if data] or [*by_bytes.values()]


def _order(submission: Submission) -> tuple[datetime, str]:
    """By the time of handing in; what has none comes last."""
    when = handed_in(submission.path) or datetime.max.replace(tzinfo=UTC)
    return when.replace(tzinfo=UTC), submission.student


def _conflict(copies: Sequence[Submission]) -> str:
    names = " and ".join(repr(clean(name)) for name in sorted(copy.student for copy in copies))
    return (
        f"{names} hold different notebooks for {copies[0].assignment!r}; "
        f"ask the team which one counts, and remove the other from {copies[0].path.parents[2]}"
    )
