"""The contract of an assignment as data: its particular lines, its forbidden routes, what does not apply and why.

``reference/contracts/TOPIC.toml``. The conventions that hold for every function stand in ``proof.conventions``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from autograder.course import Assignment
from autograder.errors import AuthoringError


class Clauses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the contract says of one question, or of all.

    ``lines``: name and sentence of each line that is particular to the question. ``routes``: name and source of
    statements that a graded call must not execute. ``exempt``: conventions that do not apply, each with a reason.
    """

    lines: dict[str, str] = {}
    routes: dict[str, str] = {}
    exempt: dict[str, str] = {}


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contract of an assignment; ``routes`` and ``exempt`` at the top hold for every question."""

    halves: bool = False
    routes: dict[str, str] = {}
    exempt: dict[str, str] = {}
    questions: dict[str, Clauses] = {}

    def lines(self, question: str) -> Mapping[str, str]:
        """The lines particular to ``question``, by name."""
        return self._of(question).lines

    def routes_for(self, question: str, questions: Sequence[str]) -> Mapping[str, str]:
        """The forbidden routes to try on ``question``: its own, and its share of those that hold for all ``questions``.

        A rule for all names is one rule, however many names there are: every route is tried once.
        """
        place = questions.index(question)
        share = {name: source for n, (name, source) in enumerate(self.routes.items()) if n % len(questions) == place}
        if self.routes and not share:  # more questions than routes: each has one
            share = dict([list(self.routes.items())[place % len(self.routes)]])
        return share | self._of(question).routes

    def all_routes(self) -> Iterator[tuple[str, str]]:
        """Every route, with the place it stands at."""
        yield from ((f"routes.{name}", source) for name, source in self.routes.items())
        for question, clauses in self.questions.items():
            yield from ((f"questions.{question}.routes.{name}", source) for name, source in clauses.routes.items())

    def exemptions(self, question: str) -> Mapping[str, str]:
        """The conventions that do not apply to ``question``, with the reasons."""
        return self.exempt | self._of(question).exempt

    def _of(self, question: str) -> Clauses:
        return self.questions.get(question, Clauses())


def read_contract(assignment: Assignment, questions: Iterable[str], conventions: Iterable[str]) -> Contract:
    """The contract of ``assignment``.

    Raises ``AuthoringError`` where it is missing, malformed, or names a question or convention that is not there.
    """
    path = assignment.contract
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Contract)
    except FileNotFoundError:
        raise AuthoringError(f"{path} is missing: it holds the lines of the contract, to be proved") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise AuthoringError(f"{path}: {error}") from error
    problems = list(_strangers(found, set(questions), set(conventions)))
    if problems:
        raise AuthoringError(f"{path}: {'; '.join(problems)}")
    return found


def _strangers(contract: Contract, questions: set[str], conventions: set[str]) -> Iterator[str]:
    for name in sorted(set(contract.questions) - questions):
        yield f"there is no question {name!r}; there are {', '.join(sorted(questions))}"
    exempt: list[dict[str, Any]] = [contract.exempt, *(clauses.exempt for clauses in contract.questions.values())]
    for name in sorted({name for some in exempt for name in some} - conventions):
        yield f"there is no convention {name!r} to be exempt from; there are {', '.join(sorted(conventions))}"
