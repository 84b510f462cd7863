"""Reports without what tells whose they are, for a page or a table that leaves the course."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from autograder.model import GradeReport, QuestionResult
from autograder.seed import Seed

_BYTES = 7  # two of 10 000 students share a name once in a billion classes
_LETTERS = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghjkmnpqrstvwxyz")  # none alike


def under_pseudonyms(reports: Iterable[GradeReport], state: Path) -> list[GradeReport]:
    """``reports`` under names such as ``9kq2m-x0vta4r``, sorted by them, without what a student may have written.

    The names are the same each time. Their secret is one of its own, in ``state/pseudonyms/``: a fresh seed for a
    final regrade changes no name, and a seed that is told after the course undoes none.
    """
    hidden = [_without_messages(replace(report, student=pseudonym(state, report.student))) for report in reports]
    return sorted(hidden, key=lambda report: report.student)  # the order of the ids would tell of them


def pseudonym(state: Path, student: str) -> str:
    """The name that stands for ``student``; only who holds the secret in ``state`` can connect them."""
    number = Seed.of_course(state / "pseudonyms").derive("pseudonym", student) % (1 << 8 * _BYTES)
    text = base64.b32encode(number.to_bytes(_BYTES)).decode().rstrip("=").lower().translate(_LETTERS)
    return f"{text[:5]}-{text[5:]}"


def _without_messages(report: GradeReport) -> GradeReport:
    return replace(
        report,
        message="",
        cells=(),
        flags=tuple(replace(flag, detail="") for flag in report.flags),
        questions=tuple(_question_without_messages(question) for question in report.questions),
    )


def _question_without_messages(question: QuestionResult) -> QuestionResult:
    tests = tuple(replace(test, message="", counterexample=None) for test in question.tests)
    return replace(question, note="", tests=tests)
