"""The frozen records that travel from stage to stage, and their JSON form.

The JSON form is the contract of the result files (schema 1): field names here are field names there.
"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Literal

import msgspec

from autograder.text import inert_json

SCHEMA_VERSION = 1


class Verdict(enum.StrEnum):
    """What happened to a test, worst first: the order of this list decides which verdict is shown."""

    GRADER_ERROR = "grader_error"
    INVALID_SUBMISSION = "invalid_submission"
    CRASHED = "crashed"
    MEMORY = "memory"
    TIMEOUT = "timeout"
    PROTOCOL = "protocol"
    ERROR = "error"
    FORBIDDEN = "forbidden"
    FAILED = "failed"
    MISSING = "missing"
    DEFERRED = "deferred"
    PASSED = "passed"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Verdict).index(self)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst of some verdicts; ``passed`` of none."""
    return min(verdicts, key=lambda verdict: verdict.rank, default=Verdict.PASSED)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records: immutable, compared by value, converted to JSON by msgspec."""


class Limits(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Budgets of one submission. Wall times in seconds, sizes in bytes."""

    cell_seconds: float = 30.0
    notebook_seconds: float = 90.0
    call_seconds: float = 5.0
    submission_seconds: float = 180.0
    cpu_seconds: int = 200
    memory_bytes: int = 2 << 30
    gpu_bytes: int = 4 << 30  # of tensors on a GPU
    processes: int = 64
    open_files: int = 256
    file_bytes: int = 64 << 20
    scratch_bytes: int = 256 << 20
    scratch_files: int = 4096
    notebook_bytes: int = 20 << 20
    reply_bytes: int = 8 << 20
    restarts: int = 12


class Grid(Record, frozen=True, kw_only=True):
    """One matrix of a tensor, cut to what a page can show.

    ``start``: indices of the first entry shown, one per dimension. ``rows``: entries as texts, spaces between them;
    a vector is one row.
    """

    shape: tuple[int, ...]
    start: tuple[int, ...]
    rows: tuple[str, ...]


class Difference(Record, frozen=True, kw_only=True):
    """Two tensors that should be equal, side by side. Where their shapes are equal, both grids show the same entries.

    ``wrong``: ``1`` for each entry shown that differs and ``0`` for the others, by row; empty where shapes differ.
    ``count``: entries that differ in the whole tensor.
    """

    expected: Grid
    got: Grid
    wrong: tuple[str, ...] = ()
    count: int = 0


class Counterexample(Record, frozen=True, kw_only=True, omit_defaults=True):
    """The smallest input found on which an answer is wrong, as texts.

    ``difference``: the same for tensors, entry by entry. ``line``: the notebook's line that raised.
    """

    call: str
    expected: str
    got: str
    difference: Difference | None = None
    line: str = ""


class TestRecord(Record, frozen=True, kw_only=True):
    """What one hidden test found. ``points`` is ``None`` while the test is deferred."""

    __test__ = False

    name: str
    title: str
    verdict: Verdict
    points: float | None
    max_points: float
    message: str = ""
    hint: str | None = None
    counterexample: Counterexample | None = None
    examples: int = 0
    seconds: float = 0.0
    misconception: str | None = None
    device: str = ""  # where its calls ran
    sha256: str = ""  # of what decided it beside the submission and the reference: its source, its examples


class QuestionResult(Record, frozen=True, kw_only=True):
    """A question's tests and their sum. A manual question has no tests and a ``None`` score."""

    name: str
    notebook: str
    kind: Literal["auto", "manual"]
    score: float | None
    max_score: float
    verdict: Verdict
    tests: tuple[TestRecord, ...] = ()
    note: str = ""


class Flag(Record, frozen=True, kw_only=True):
    """Something for a person to look at; never points."""

    kind: str
    detail: str


class CellRecord(Record, frozen=True, kw_only=True):
    """How one code cell of the notebook ran. ``index`` counts all cells from 0, ``line`` is the one that raised.

    ``notebook`` is its name where the assignment has several.
    """

    index: int
    status: Literal["ok", "error", "timeout", "skipped"]
    message: str = ""
    line: str = ""
    notebook: str = ""

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        return f"cell {self.index} of {self.notebook}.ipynb" if self.notebook else f"cell {self.index}"

    @property
    def is_stub(self) -> bool:
        """A check cell that met a function which is not written yet: expected, and said once."""
        return self.status == "error" and self.message.startswith("NotImplementedError")


class Versions(Record, frozen=True, kw_only=True):
    """Versions of what can change a grade."""

    python: str
    torch: str
    autograder: str
    hypothesis: str = ""  # what a seed draws depends on it


class Provenance(Record, frozen=True, kw_only=True):
    """Everything a grade depends on, so that it can be repeated and compared."""

    submission_sha256: str
    tests_sha256: str
    reference_sha256: str
    seed_id: str
    device: str
    isolation: str
    versions: Versions
    started: str
    seconds: float
    options: str = ""
    limits: Limits | None = None  # those that held, the options' or the assignment's: for a replay
    examples_sha256: str = ""  # names the graded examples that the seed gave, without telling them
    gpu: str = ""  # the card that calls ran on, and how it computed


class GradeReport(Record, frozen=True, kw_only=True):
    """The grade of one submission, complete and for instructors."""

    schema: int = SCHEMA_VERSION
    student: str
    assignment: str
    score: float
    max_score: float
    pending_points: float
    verdict: Verdict
    questions: tuple[QuestionResult, ...]
    flags: tuple[Flag, ...] = ()
    cells: tuple[CellRecord, ...] = ()
    message: str = ""
    provenance: Provenance

    def to_json(self) -> bytes:
        """Readable, stable JSON."""
        return inert_json(msgspec.json.format(msgspec.json.encode(self), indent=2)) + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> GradeReport:
        """The record in ``data``; raises ``msgspec.ValidationError`` where it is not one."""
        return msgspec.json.decode(data, type=cls)


class Submission(Record, frozen=True, kw_only=True):
    """One student's notebook as it was handed in. ``questions``: the only ones to grade; all where it is empty.

    ``earlier``: a report from before hidden tests were edited, or from another device: what of it still stands is kept.
    ``notebooks``: the names of all its notebooks where there are several, which lie beside the one at ``path``.
    """

    student: str
    assignment: str
    path: Path
    questions: tuple[str, ...] = ()
    earlier: GradeReport | None = None
    notebooks: tuple[str, ...] = ()


def part_of(report: GradeReport, notebook: str) -> GradeReport:
    """What ``report`` says of one of several notebooks; its message where that could not be graded."""
    questions = tuple(question for question in report.questions if question.notebook == notebook)
    tests = [test for question in questions for test in question.tests]
    invalid = [test.message for test in tests if test.verdict is Verdict.INVALID_SUBMISSION]
    return msgspec.structs.replace(
        report,
        questions=questions,
        verdict=worst([question.verdict for question in questions if question.kind == "auto"]),
        cells=tuple(cell for cell in report.cells if cell.notebook == notebook),
        message=invalid[0] if invalid else "",
    )


def records_of(report: GradeReport) -> list[TestRecord]:
    """All test records of a report, question by question."""
    return [record for question in report.questions for record in question.tests]
