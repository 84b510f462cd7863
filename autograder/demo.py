"""The demonstration: a course of its own in a fresh folder, with a class that hands in, graded and explained."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from autograder import api
from autograder.course import CONFIG_NAME, Course
from autograder.errors import UsageError
from autograder.files import write_whole, writing
from autograder.model import GradeReport
from autograder.nbgrader_bridge.database import open_gradebook
from autograder.nbgrader_bridge.finals import read_finals
from autograder.nbgrader_bridge.settings import read_settings
from autograder.release import release
from autograder.release.files import read_tree, write_tree
from autograder.report.page import write_report
from autograder.samples import DUE, Material, Sample, sample_class
from autograder.specimens import Workbook
from autograder.suite import collect

FAVOURITE = "attention"
_MARKER = "demo-of"  # in .autograder/: says that the folder is a demonstration, and of which course
_GRADEBOOK = "gradebook.db"
_COPIED = ("reference", "assignments", "tests/hidden")


def demo(course: Course, output: Path, *, jobs: int = 0, console: Console) -> None:
    """Make a demonstration course from the files of ``course`` in ``output``, and say what to look at.

    Raises ``UsageError`` where ``output`` holds something that is not an earlier demonstration, or the
    course has no assignment.
    """
    topic = _topic(course)
    copied = _copy(course, output.resolve())
    console.print(f"releasing {topic} ...")
    samples = _hand_in(copied, topic)
    reports = _grade(copied, topic, jobs, console)
    _write_class_report(copied, topic)
    _print_grades(reports, samples, console)
    _print_places(copied, topic, console)


def _topic(course: Course) -> str:
    # The favourite first: a mistake in another assignment is no hindrance.
    for topic in sorted(course.topics(), key=lambda topic: topic != FAVOURITE):
        if not course.assignment(topic).several:
            return topic
    where = course.root / "assignments"
    raise UsageError(f"no assignment of one notebook in {where} to show; make one: autograder new TOPIC")


def _copy(course: Course, output: Path) -> Course:
    """The course's own files in a fresh folder, without its seed, submissions and grades."""
    copied = Course(output)
    taken = output.exists() and (not output.is_dir() or any(output.iterdir()))
    if taken and not (copied.state / _MARKER).is_file():
        raise UsageError(f"{output} is not empty and no earlier demonstration; name a fresh folder: --output DIR")
    with writing(output):
        if output.exists():
            shutil.rmtree(output)
        copied.state.mkdir(parents=True)
        (copied.state / _MARKER).write_text(f"{course.root}\n", encoding="utf-8")
        for name in _COPIED:
            write_tree(output / name, read_tree(course.root / name))
        _configure(copied, (course.root / CONFIG_NAME).read_text(encoding="utf-8"))
    return copied


def _configure(course: Course, text: str) -> None:
    """The configuration ``text`` of the real course, with a gradebook that is none of its own."""
    own = f"get_config().CourseDirectory.db_url = {_gradebook_url(course)!r}  # the demonstration's own"
    write_whole(course.root / CONFIG_NAME, f"{text.rstrip()}\n\n{own}\n".encode())


def _hand_in(course: Course, topic: str) -> list[Sample]:
    assignment = course.assignment(topic)
    release(course, topic)
    suite = collect(course, assignment)
    released = nbformat.read(assignment.release_folder / f"{topic}.ipynb", as_version=nbformat.NO_CONVERT)
    samples = sample_class(Material(course, assignment, suite, Workbook.of(assignment, suite), released))
    for sample in samples:
        handed_in = f"{sample.handed_in:%Y-%m-%d %H:%M:%S} UTC\n".encode()
        write_whole(course.submitted / sample.student / topic / (sample.filename or f"{topic}.ipynb"), sample.notebook)
        write_whole(course.submitted / sample.student / topic / "timestamp.txt", handed_in)
    return samples


def _gradebook_url(course: Course) -> str:
    """A file in the demonstration's folder, whatever database the course itself is configured for."""
    return f"sqlite:///{course.root / _GRADEBOOK}"


def _set_due(course: Course, topic: str) -> None:
    gradebook = open_gradebook(_gradebook_url(course), read_settings(course).coursedir.course_id)
    try:
        gradebook.add_assignment(topic, duedate=f"{DUE:%Y-%m-%d %H:%M:%S} UTC")
    finally:
        gradebook.close()


def _grade(course: Course, topic: str, jobs: int, console: Console) -> Sequence[GradeReport]:
    _set_due(course, topic)
    order = api.Order(
        topic=topic, submitted=course.submitted, results=course.results, jobs=jobs, db_url=_gradebook_url(course)
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("drawing examples, then grading", total=None)

        def started(_: int, to_grade: int) -> None:
            bar.update(task, total=to_grade)

        def landed(report: GradeReport, previous: GradeReport | None, changed: Sequence[str]) -> None:
            del report, previous, changed
            bar.update(task, advance=1, description="grading")

        return api.grade_class(course, order, started, landed).reports


def _write_class_report(course: Course, topic: str) -> None:
    finals = read_finals(course, topic, _gradebook_url(course))
    write_report(course, topic, extras={student: final.extras for student, final in finals.items()})


def _print_grades(reports: Sequence[GradeReport], samples: Sequence[Sample], console: Console) -> None:
    by_student = {report.student: report for report in reports}
    table = Table("student", "score", "of", "verdict", "handed in", box=None, pad_edge=False)
    for sample in samples:
        report = by_student[sample.student]
        row = (sample.student, f"{report.score:g}", f"{report.max_score:g}", str(report.verdict), sample.note)
        table.add_row(*map(escape, row))
    console.print(table)
    waiting = sum(question.max_score for question in reports[0].questions if question.kind == "manual")
    if waiting:
        console.print(f"{waiting:g} points of each wait for a person to score them")


def _print_places(course: Course, topic: str, console: Console) -> None:
    root = course.root
    rows = {
        "notebook as students get it": root / "release" / topic / f"{topic}.ipynb",
        "a page for each student": root / "feedback" / "alan" / f"{topic}.html",
        "a page on the class": root / "reports" / f"{topic}.html",
        "results": root / "results" / topic,
        "gradebook": root / _GRADEBOOK,
    }
    console.print()
    for what, path in rows.items():
        console.print(escape(f"{what:<28}{path}"))
    commands = [f"autograder grade {topic}", f"autograder verify {topic}", "nbgrader db student list"]
    if os.environ.get("AUTOGRADER_DB"):
        console.print(
            "\nAUTOGRADER_DB is set: first 'unset' it, or this sample class enters the gradebook that it names"
        )
        commands = ["unset AUTOGRADER_DB", *commands]
    console.print(escape(f"\nnext:  cd {root}"))
    for command in commands:
        console.print(escape(f"       {command}"))
