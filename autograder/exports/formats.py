"""The formats of ``autograder export``: each makes one file from an assignment's grades."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from autograder.course import Assignment
from autograder.exports.canvas import canvas_file
from autograder.exports.csv_file import csv_file
from autograder.exports.grades import Grade
from autograder.exports.gradescope import results_zip
from autograder.exports.moodle import moodle_file
from autograder.model import Verdict


def _has_score(grade: Grade) -> bool:
    return grade.score is not None


def _has_report(grade: Grade) -> bool:
    """Whether the result itself is a grade: the gradebook may hold an earlier one where our grader failed."""
    return grade.report.verdict is not Verdict.GRADER_ERROR


@dataclass(frozen=True)
class Format:
    """``write`` takes the name of the platform's column last; ``ending`` follows the assignment's name in the file's.

    A platform (``for_platform``) has to know who is who. ``lists`` says whether the file tells of a grade,
    ``has_column`` whether the platform's column has a name.
    """

    ending: str
    write: Callable[[Assignment, Sequence[Grade], str], bytes]
    lists: Callable[[Grade], bool] = _has_score
    for_platform: bool = True
    has_column: bool = True


FORMATS: Mapping[str, Format] = {
    "csv": Format(
        ".csv",
        lambda assignment, grades, column: csv_file(grades),
        lists=lambda grade: True,
        for_platform=False,
        has_column=False,
    ),
    "canvas": Format("-canvas.csv", lambda assignment, grades, column: canvas_file(grades, column)),
    "moodle": Format("-moodle.csv", lambda assignment, grades, column: moodle_file(grades, column)),
    "gradescope": Format(
        "-gradescope.zip",
        lambda assignment, grades, column: results_zip(
            [grade.report for grade in grades if _has_report(grade)], assignment.front.feedback
        ),
        lists=_has_report,
        has_column=False,
    ),
}
