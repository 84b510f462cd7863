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


@dataclass(frozen=True)
class Format:
    """``write`` takes the name of the platform's column last; ``ending`` follows the assignment's name in the file's.

    A platform (``for_platform``) has to know who is who, and gets no row without a grade.
    """

    ending: str
    write: Callable[[Assignment, Sequence[Grade], str], bytes]
    for_platform: bool = True


FORMATS: Mapping[str, Format] = {
    "csv": Format(".csv", lambda assignment, grades, column: csv_file(grades), for_platform=False),
    "canvas": Format("-canvas.csv", lambda assignment, grades, column: canvas_file(grades, column)),
    "moodle": Format("-moodle.csv", lambda assignment, grades, column: moodle_file(grades, column)),
    "gradescope": Format(
        "-gradescope.zip",
        lambda assignment, grades, column: results_zip(
            [grade.report for grade in grades if grade.score is not None], assignment.front.feedback
        ),
    ),
}
