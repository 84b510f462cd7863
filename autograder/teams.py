"""Whose grade a submission is: its student's, or every member's where the roster names a team.

A team hands in one notebook, in a folder named after the team or after any of its members. The same notebook in several
of these folders is one submission, handed in when the first one was; different notebooks are refused, for nobody but
the team can say which one counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from autograder.errors import UsageError
from autograder.model import GradeReport, Submission
from autograder.results import submitted_bytes
from autograder.roster import Roster
from autograder.text import clean


@dataclass(frozen=True)
class Parties:
    """What is to be graded. ``shares`` maps a submission's student to it under the name of each whose grade it is.

    ``strangers`` are students that the course's roster does not list.
    """

    submissions: Sequence[Submission]
    shares: Mapping[str, Sequence[Submission]]
    strangers: frozenset[str]

    def each(self, report: GradeReport) -> Iterator[tuple[GradeReport, Submission]]:
        """The report for everyone whose grade it is, with the submission."""
        for share in self.shares[report.student]:
            yield msgspec.structs.replace(report, student=share.student), share


def parties(found: Sequence[Submission], roster: Roster | None, only: Sequence[str] = ()) -> Parties:
    """Submissions of students and teams. ``only`` names students, members of teams included, whose to keep.

    Raises ``UsageError`` where members of a team handed in different notebooks.
    """
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
    for team, same in copies.items():
        if not only or not set(only).isdisjoint(members[team]):
            one = _the_one(team, same)
            shares[members[team][0]] = [msgspec.structs.replace(one, student=name) for name in members[team]]
    kept = [name for name in shares if not only or not set(only).isdisjoint(share.student for share in shares[name])]
    return Parties([shares[name][0] for name in sorted(kept)], shares, frozenset(strangers & set(kept)))


def teams_of(roster: Roster | None) -> Mapping[str, Sequence[str]]:
    """Members of each team, in alphabetical order."""
    teams: dict[str, list[str]] = {}
    for person in sorted(roster.values(), key=lambda person: person.student) if roster else ():
        if person.team:
            teams.setdefault(person.team, []).append(person.student)
    return teams


def _the_one(team: str, copies: Sequence[Submission]) -> Submission:
    """The first of equal notebooks; refuses different ones."""
    first, *others = sorted(copies, key=lambda copy: (_timestamp(copy), copy.student))
    for other in others:
        if submitted_bytes(other) != submitted_bytes(first):
            names = " and ".join(repr(clean(name)) for name in sorted((first.student, other.student)))
            raise UsageError(
                f"team {clean(team)!r}: {names} hold different notebooks for {first.assignment!r}; "
                f"ask the team which one counts, and remove the other from {first.path.parents[2]}"
            )
    return first


def _timestamp(submission: Submission) -> str:
    """The time of handing in, as nbgrader writes it, in an order that sorts; what has none comes last."""
    try:
        return submission.path.with_name("timestamp.txt").read_text("utf-8", "replace").strip() or "~"
    except OSError:
        return "~"
