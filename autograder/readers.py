"""What reads each report as it lands: the gradebook, one writer for the class, and the student's page."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from autograder.course import Course
from autograder.disclosure import Level
from autograder.errors import UsageError
from autograder.extras import Extras
from autograder.model import GradeReport, Submission, Verdict
from autograder.receipts import Receipts, Stamp, receipts_path
from autograder.words import plural

if TYPE_CHECKING:
    from autograder.gradebook import GradebookWriter

BATCH = 50  # grades that enter the gradebook together
BATCH_SECONDS = 1.0  # a grade that lands so long after the last ones were entered does not wait for others


class Readers:
    """The readers of one grading run; a context manager.

    A report that both have read already is not read again. A ``grader_error`` is read by neither: an
    earlier grade stands. A gradebook that cannot be opened stops the run at its first report; one that
    fails on the way does not, for grading can take hours: the rest is graded and its
    pages written without it, and leaving the context raises the ``UsageError``. The next run enters what is missing.
    """

    def __init__(
        self, course: Course, topic: str, results: Path, *, gradebook: bool, db_url: str | None, level: Level | None
    ) -> None:
        self._course, self._topic, self._results = course, topic, results
        self._front = course.assignment(topic).front
        self._gradebook, self._db_url, self._level = gradebook, db_url, level
        self._path = receipts_path(course, topic, str(gradebook), db_url or "", level or "", str(results))
        self._receipts = Receipts.load(self._path, gradebook=gradebook)
        self._writer: GradebookWriter | None = None
        self._failure: UsageError | None = None
        self._left_out = 0
        self._waiting: list[tuple[GradeReport, Path]] = []
        self._entered = 0.0

    def take(self, report: GradeReport, submission: Submission, *, enter: bool = True) -> None:
        """Have ``report`` read, at once or with those that land next: its grade is entered, then its page written.

        With ``enter=False`` it stays out of the gradebook.
        """
        if report.verdict is Verdict.GRADER_ERROR or self._receipts.has(report):
            return
        if self._gradebook and enter and self._writer is None:
            from autograder.gradebook import GradebookWriter  # noqa: PLC0415 - nbgrader takes a second

            self._writer = GradebookWriter(self._course, self._topic, db_url=self._db_url, level=self._level)
        if not enter:
            self._write_pages([report], {})
            return
        self._waiting.append((report, submission.path))
        if len(self._waiting) >= BATCH or time.monotonic() - self._entered >= BATCH_SECONDS:
            self.settle()

    def settle(self) -> None:
        """Enter what waits, in one transaction, and write the pages with what the gradebook then knows.

        One transaction for each grade would cost as much as grading a small notebook.
        """
        waiting, self._waiting = self._waiting, []
        known: dict[str, Extras] = {}
        if self._writer is not None and self._failure is None:
            try:
                self._writer.write_all(waiting)
                known = self._writer.extras([report.student for report, _ in waiting])
            except UsageError as error:
                self._failure = error
        self._write_pages([report for report, _ in waiting], known)
        if self._failure is None:
            for report, _ in waiting:
                self._receipts.add(report)
        else:
            self._left_out += len(waiting)
        self._entered = time.monotonic()

    def _write_pages(self, reports: Sequence[GradeReport], known: Mapping[str, Extras]) -> None:
        from autograder.feedback import write_page  # noqa: PLC0415 - an unchanged class needs no page

        for report in reports:
            write_page(self._course, self._front, report, level=self._level, extras=known.get(report.student))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._waiting:
                self.settle()
        finally:
            self._close()
        if error is None and self._failure is not None:
            raise UsageError(
                f"{self._failure}\n{plural(self._left_out, 'grade')} did not reach the gradebook: "
                f"what was graded is kept in {self._results}, and the next run enters it"
            ) from self._failure

    def _close(self) -> None:
        if self._writer is not None:
            file = self._writer.file
            self._writer.close()
            self._receipts.gradebook = Stamp.of(file) if file else None
        self._receipts.save(self._path)
