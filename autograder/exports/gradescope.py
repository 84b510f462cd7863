"""``--format gradescope``: a report as the ``results.json`` that Gradescope's autograders write.

The format is that of https://gradescope-autograders.readthedocs.io/en/latest/specs/. Everything here is made from what
``disclosure`` lets a student read, and every text is declared as plain text, so that nothing a student wrote is markup.

A test that is won or lost carries its points. What is not decided yet, a deferred test or a question that a person
scores, carries no points at all: neither won nor lost. Our own failure has neither score nor tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from autograder.archives import Member, zip_of
from autograder.disclosure import Level, for_student
from autograder.model import CellRecord, GradeReport, QuestionResult, TestRecord, Verdict
from autograder.text import inert_json
from autograder.words import STATUSES, WAITING, WORDS, plural

FAILED = (
    "The grader failed, and that is not your code's doing: this submission has no score yet, which is not a zero. "
    "Please tell your instructor."
)
CELLS = 5  # cells told of at most: one that fails takes those after it along
_TEXT = "text"


def results_zip(reports: Sequence[GradeReport], level: Level) -> bytes:
    """``STUDENT/results.json`` of every report."""
    return zip_of({f"{report.student}/results.json": Member(results_json(report, level)) for report in reports})


def results_json(report: GradeReport, level: Level) -> bytes:
    """``results.json`` for one report, with what a student may read at ``level``."""
    if report.verdict is Verdict.GRADER_ERROR:
        return failed_json()
    troubles = tuple(cell for cell in report.cells if cell.status != "ok" and not cell.is_stub)
    shown = for_student(replace(report, cells=troubles), level)
    return _encode(
        {
            "score": shown.score,
            "execution_time": math.ceil(shown.provenance.seconds),  # whole seconds: time tells of tests
            "output": "\n".join(_summary(shown)),
            "tests": [entry for number, q in enumerate(shown.questions, 1) for entry in _entries(q, number)],
            "extra_data": {"autograder": _origin(shown)},
        }
    )


def failed_json() -> bytes:
    """``results.json`` where the grader itself failed: the specification asks for a score or tests, and there is none.

    Whatever the platform makes of it, it has no number to take for a grade.
    """
    return _encode({"output": FAILED})


def _encode(fields: dict[str, Any]) -> bytes:
    settings = {
        "output_format": _TEXT,
        "test_output_format": _TEXT,
        "test_name_format": _TEXT,
        "visibility": "visible",
        "stdout_visibility": "hidden",
    }
    return inert_json(msgspec.json.format(msgspec.json.encode(fields | settings), indent=2)) + b"\n"


def _summary(report: GradeReport) -> Iterator[str]:
    yield f"{plural(report.score, 'point')} so far."
    if report.message:
        yield report.message
    if report.pending_points:
        yield f"{plural(report.pending_points, 'point')} still open: {WORDS[Verdict.DEFERRED].advice}"
    waiting = sum(q.max_score for q in report.questions if _waits(q))
    if waiting:
        yield f"{plural(waiting, 'point')} more from questions that a person reads and scores."
    yield from map(_trouble, report.cells[:CELLS])
    if report.cells[CELLS:]:
        yield f"... and {plural(len(report.cells) - CELLS, 'more cell')}."


def _trouble(cell: CellRecord) -> str:
    said = f": {cell.message}" if cell.message else ""
    notebook = f"{cell.notebook}.ipynb" if cell.notebook else "the notebook"
    return f"Cell {cell.index + 1} of {notebook} {STATUSES[cell.status]}{said}"


def _waits(question: QuestionResult) -> bool:
    return question.kind == "manual" and question.score is None


def _entries(question: QuestionResult, number: int) -> Iterator[dict[str, Any]]:
    if question.kind == "manual":
        text = f"{WAITING.label}: {plural(question.max_score, 'point')}. {WAITING.advice}"
        yield {"name": question.name, "number": str(number), "output": text, "tags": [question.name]}
    for place, test in enumerate(question.tests, 1):
        entry: dict[str, Any] = {
            "name": f"{question.name}: {test.title}",
            "number": f"{number}.{place}",
            "output": "\n\n".join(_parts(test, question.note)),
            "tags": [question.name],
        }
        if test.points is not None:
            # Not left to the platform, which takes zero of zero points for a pass. Right behind a shut gate is no pass.
            right = test.verdict is Verdict.PASSED and test.points >= test.max_points
            status = "passed" if right else "failed"
            entry |= {"score": test.points, "max_score": test.max_points, "status": status}
        yield entry


def _parts(test: TestRecord, note: str) -> Iterator[str]:
    words = WORDS[test.verdict]
    yield words.advice if test.verdict in (Verdict.DEFERRED, Verdict.MISSING) else f"{words.label}."
    if test.message:
        yield test.message
    if test.hint:
        yield f"Hint: {test.hint}"
    if test.counterexample:
        example = test.counterexample
        yield f"Call:     {example.call}\nExpected: {example.expected}\nGot:      {example.got}"
    if note and test.verdict is not Verdict.PASSED:
        yield f"This is {note}."


def _origin(report: GradeReport) -> dict[str, Any]:
    """What a grade can be repeated from, for the instructor; all of it digests and versions."""
    past = report.provenance
    return {
        "verdict": str(report.verdict),
        "submission_sha256": past.submission_sha256,
        "tests_sha256": past.tests_sha256,
        "reference_sha256": past.reference_sha256,
        "seed_id": past.seed_id,
        "isolation": past.isolation,
        "versions": past.versions,
    }
