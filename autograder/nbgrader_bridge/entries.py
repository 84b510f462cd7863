"""Graded submissions as rows of nbgrader's tables, a batch at a time.

Reads what is there with one query per table, whatever the size of the batch. What a person decides (manual scores,
comments, extra credit, extensions) is read and never written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from nbgrader.api import Comment, Grade, Student, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import select
from sqlalchemy.orm import load_only

from autograder.errors import UsageError
from autograder.model import GradeReport, QuestionResult
from autograder.nbgrader_bridge.autograded import Autograded
from autograder.nbgrader_bridge.summary import comment

NO_ANSWER = "No response."  # nbgrader's words


@dataclass(frozen=True)
class Lateness:
    """What lateness costs: ``penalty(topic, student, score, seconds_late)`` in points, ``None`` for nothing.

    ``over_course``: a submission may change what the student's others cost.
    """

    penalty: Callable[[str, str, float, float], float | None]
    over_course: bool = False


@dataclass(frozen=True)
class Entry:
    """A graded submission: its report, what of it the student may know, its notebook, and when it was handed in."""

    report: GradeReport
    told: GradeReport
    autograded: Autograded
    handed_in: datetime | None


def enter(session: Any, notebook: Any, entries: Sequence[Entry], lateness: Lateness, *, create_students: bool) -> None:
    """Enter ``entries``, each of another student, as submissions of ``notebook``; in the transaction that is open.

    Entering one again changes nothing. Without ``create_students`` an unknown student is a ``UsageError``.
    """
    # In one order whoever writes: two writers of the same students wait for each other instead of both for ever.
    by_student = {entry.report.student: entry for entry in sorted(entries, key=lambda entry: entry.report.student)}
    _enter_students(session, list(by_student), create=create_students)
    submissions = _submissions(session, notebook.assignment_id, list(by_student))
    parts = _parts(session, notebook.id, {submissions[student].id: student for student in by_student})
    ids = {part.id: student for student, part in parts.items()}
    grades = _rows(session, Grade, {cell.id: cell.name for cell in notebook.grade_cells}, ids)
    comments = _rows(session, Comment, {cell.id: cell.name for cell in notebook.solution_cells}, ids)
    for student, entry in by_student.items():
        if entry.handed_in is not None:
            submissions[student].timestamp = entry.handed_in
        _set_grades(entry, grades[student], comments[student])
        _set_comments(entry, comments[student])
    session.flush()
    for student, part in parts.items():
        part.late_submission_penalty = _penalty(session, submissions[student], part, lateness)
    if lateness.over_course:
        for part in _other_parts(session, notebook.assignment_id, list(by_student)):
            part.late_submission_penalty = _penalty(session, part.assignment, part, lateness)
    session.flush()


# ----------------------------------------------------------------------------------------------------- the rows


def _enter_students(session: Any, names: Sequence[str], *, create: bool) -> None:
    known = set(session.scalars(select(Student.id).where(Student.id.in_(names))))
    new = [name for name in names if name not in known]
    if new and not create:
        raise UsageError(f"no student {new[0]!r} in the gradebook; add one: nbgrader db student add {new[0]}")
    session.add_all(Student(id=name) for name in new)
    session.flush()


def _submissions(session: Any, assignment_id: str, students: Sequence[str]) -> dict[str, Any]:
    """The submission of each student; made where there is none."""
    row = SubmittedAssignment
    wanted = select(row).options(load_only(row.assignment_id, row.student_id, row.timestamp, row.extension))
    found = session.scalars(wanted.where(row.assignment_id == assignment_id, row.student_id.in_(students)))
    submissions = {submission.student_id: submission for submission in found}
    for student in students:
        if student not in submissions:
            submissions[student] = row(id=_new_id(), assignment_id=assignment_id, student_id=student)
            session.add(submissions[student])
    session.flush()
    return submissions


def _parts(session: Any, notebook_id: str, students: dict[str, str]) -> dict[str, Any]:
    """The submitted notebook of each student; made where there is none. ``students`` are by their submission's id."""
    row = SubmittedNotebook
    wanted = select(row).options(load_only(row.assignment_id, row.notebook_id, row.late_submission_penalty))
    found = session.scalars(wanted.where(row.notebook_id == notebook_id, row.assignment_id.in_(students)))
    parts = {students[part.assignment_id]: part for part in found}
    for submission, student in students.items():
        if student not in parts:
            parts[student] = row(id=_new_id(), notebook_id=notebook_id, assignment_id=submission)
            session.add(parts[student])
    session.flush()
    return parts


def _rows(session: Any, table: Any, cells: dict[str, str], parts: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The rows of ``table`` by student and cell name, one for each of ``cells``; made where there is none."""
    rows: dict[str, dict[str, Any]] = {student: {} for student in parts.values()}
    for row in session.scalars(select(table).where(table.notebook_id.in_(parts), table.cell_id.in_(cells))):
        rows[parts[row.notebook_id]][cells[row.cell_id]] = row
    for part, student in parts.items():
        for cell, name in cells.items():
            if name not in rows[student]:
                rows[student][name] = table(id=_new_id(), notebook_id=part, cell_id=cell)
                session.add(rows[student][name])
    return rows


def _new_id() -> str:
    return uuid4().hex


# -------------------------------------------------------------------------------------------- what stands in them


def _set_grades(entry: Entry, grades: dict[str, Any], remarks: dict[str, Any]) -> None:
    """Automatic scores, a bonus beyond the maximum included. Only a written answer waits for a person."""
    for question in entry.report.questions:
        row = grades[question.name]
        if question.kind == "auto":
            row.auto_score, row.needs_manual_grade = question.score or 0.0, False
            continue
        mark = entry.autograded.answers[question.name]
        row.auto_score = None if mark else 0.0
        row.needs_manual_grade = _waits(row, remarks[question.name], mark)


def _waits(grade: Any, remark: Any, mark: str) -> bool:
    """Whether a person must look: no score yet for an answer, or an answer that changed since."""
    if grade.manual_score is None:
        return bool(mark)
    return bool(grade.needs_manual_grade) or remark.auto_comment != _receipt(mark)


def _set_comments(entry: Entry, comments: dict[str, Any]) -> None:
    for question in entry.told.questions:
        text = comment(question) if question.kind == "auto" else _receipt(entry.autograded.answers[question.name])
        comments[_answer_cell(question)].auto_comment = text


def _answer_cell(question: QuestionResult) -> str:
    return f"{question.name}-answer" if question.kind == "auto" else question.name


def _receipt(mark: str) -> str:
    """Says to the student that an answer arrived, and to a later grading whether it is the same one."""
    return f"Answer {mark} received." if mark else NO_ANSWER


def _other_parts(session: Any, assignment_id: str, students: Sequence[str]) -> Sequence[Any]:
    """The students' notebooks of other assignments, in one order whoever asks."""
    row = SubmittedAssignment
    wanted = select(SubmittedNotebook).join(row, SubmittedNotebook.assignment_id == row.id)
    wanted = wanted.where(row.student_id.in_(students), row.assignment_id != assignment_id)
    found: Sequence[Any] = session.scalars(wanted.order_by(row.student_id, row.assignment_id)).all()
    return found


def _penalty(session: Any, submission: Any, part: Any, lateness: Lateness) -> float | None:
    """What lateness takes off, within 0 and the score; ``None`` where nothing does."""
    if submission.assignment.duedate is None or submission.total_seconds_late <= 0:
        return None
    session.refresh(part, ["score"])
    late = submission.total_seconds_late
    points = lateness.penalty(submission.assignment.name, submission.student_id, part.score, late)
    return None if points is None else float(min(max(points, 0.0), part.score))
