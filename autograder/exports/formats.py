"""The formats of ``autograder export``: each makes one file from an assignment's reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autograder.course import Assignment
from autograder.exports.csv_file import csv_file
from autograder.exports.gradescope import results_zip
from autograder.model import GradeReport


@dataclass(frozen=True)
class Format:
    """``ending`` follows the assignment's name in the file's."""

    ending: str
    write: Callable[[Assignment, Sequence[GradeReport]], bytes]


FORMATS: Mapping[str, Format] = {
    "csv": Format(".csv", lambda assignment, reports: csv_file(reports)),
    "gradescope": Format(
        "-gradescope.zip", lambda assignment, reports: results_zip(reports, assignment.front.feedback)
    ),
}
