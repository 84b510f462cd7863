"""Grade reports into nbgrader's gradebook, and what formgrader expects on disk beside it.

A submission is recorded in one transaction, alone or with others; recording it again changes nothing, so a
transaction that was cut off is simply done again. nbgrader's own methods commit at every step, so its
tables are used and its methods are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nbformat import v4
from nbgrader.api import Assignment, GradeCell, Notebook, SolutionCell, SourceCell
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import select
from traitlets import TraitError

from autograder.course import CONFIG_NAME, Course
from autograder.disclosure import Level, for_student
from autograder.errors import AuthoringError
from autograder.extras import Extras
from autograder.files import write_whole
from autograder.model import GradeReport, Verdict, part_of
from autograder.nbgrader_bridge.autograded import Autograded, Released, build, read_released
from autograder.nbgrader_bridge.database import Found, committed, open_gradebook, sqlite_file
from autograder.nbgrader_bridge.entries import Entry, Lateness, enter
from autograder.nbgrader_bridge.finals import finals_in
from autograder.nbgrader_bridge.settings import Settings, read_settings
from autograder.nbgrader_bridge.stamps import handed_in, stamp_bytes
from autograder.submissions import read_bytes
from autograder.words import plural

PICTURES = {".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"}


class GradebookWriter:
    """The gradebook of a course, open for the grades of one assignment; a context manager.

    Opening it makes the assignment known to nbgrader, as ``nbgrader generate_assignment`` would. The
    database is by default the one nbgrader uses. ``level`` says how much of a report goes into comments
    and notebooks, by default as the handout says. With ``create_students=False`` an unknown student is
    a ``UsageError``.

    Raises ``UsageError`` where the database cannot be used, and ``AuthoringError`` where the assignment
    is not released or has other questions or points than submissions that were graded before.
    """

    def __init__(
        self,
        course: Course,
        topic: str,
        db_url: str | None = None,
        *,
        level: Level | None = None,
        create_students: bool = True,
        settings: Settings | None = None,
    ) -> None:
        self._settings = settings or read_settings(course)
        self._assignment = course.assignment(topic)
        self._released = {name: read_released(self._assignment, name) for name in self._assignment.notebooks}
        self._level = level or self._assignment.front.feedback
        self._create_students = create_students
        self._late = _late_plugin(course, self._settings)
        self._url = db_url or self._settings.db_url
        self._gradebook = open_gradebook(self._url, self._settings.coursedir.course_id)
        self._session = self._gradebook.db
        try:
            self._notebook_ids = self._committed(lambda: {name: row.id for name, row in self._register().items()})
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; idempotent."""
        self._gradebook.close()

    @property
    def file(self) -> Path | None:
        """The file that holds the gradebook; ``None`` where a server does."""
        return sqlite_file(self._session)

    def write(self, report: GradeReport, path: Path) -> Path | None:
        """As ``write_all`` with one report; ``None`` for a ``grader_error``."""
        return next(iter(self.write_all([(report, path)])), None)

    def write_all(self, graded: Sequence[tuple[GradeReport, Path]]) -> list[Path]:
        """Record the grades of notebooks, handed in at the paths beside them, and leave the files that nbgrader would.

        Of several notebooks the path is the main one's. Returns the main autograded notebooks' paths. A
        ``grader_error`` has none: it leaves an earlier grade and its files alone. Raises as ``record`` does, and
        leaves all as it was.
        """
        counting = [(report, path) for report, path in graded if report.verdict is not Verdict.GRADER_ERROR]
        entries = self._recorded(counting)
        return [self._leave(entry, path) for entry, (_, path) in zip(entries, counting, strict=True)]

    def record(self, report: GradeReport, path: Path) -> Autograded:
        """Record the grade of the notebook handed in at ``path`` in the database alone, whole or not at all.

        Of several notebooks it is any of them, and its autograded form is returned; the grades of all are recorded. A
        ``timestamp.txt`` beside it says when. Raises ``AuthoringError`` where the report's questions are not those
        that students were given.
        """
        return self._recorded([(report, path)])[0][path.stem].autograded

    def extras(self, students: Sequence[str]) -> dict[str, Extras]:
        """What the gradebook knows of each of ``students`` beside the grades that were written."""
        finals = self._committed(lambda: finals_in(self._session, self._assignment, students))
        return {student: final.extras for student, final in finals.items()}

    def _recorded(self, graded: Sequence[tuple[GradeReport, Path]]) -> list[dict[str, Entry]]:
        entries = [self._entries(report, path) for report, path in graded]
        if entries:
            self._committed(lambda: self._enter(entries))
        return entries

    def _entries(self, report: GradeReport, path: Path) -> dict[str, Entry]:
        """What a submission is to each notebook of the assignment."""
        _require_same_questions(report, self._released)
        told, when = for_student(report, self._level), handed_in(path)  # no time leaves an earlier one
        entries = {}
        for name, released in self._released.items():
            data = read_bytes(path.with_name(f"{name}.ipynb"), self._assignment.front.limits.notebook_bytes)
            one, one_told = (part_of(each, name) if len(self._released) > 1 else each for each in (report, told))
            entries[name] = Entry(one, one_told, build(released, data, one_told), when)
        return entries

    def _enter(self, entries: Sequence[dict[str, Entry]]) -> None:
        lateness = Lateness(self._penalty, getattr(self._late.plugin_inst, "over_course", False))
        for name, row in self._notebook_ids.items():
            notebook = self._session.get(Notebook, row)
            ours = [each[name] for each in entries]
            enter(self._session, notebook, ours, lateness, create_students=self._create_students)

    def _penalty(self, topic: str, student: str, score: float, seconds_late: float) -> float | None:
        """What the course's plugin says, which finds around it what it does in nbgrader's own preprocessor."""
        self._late.gradebook, self._late.assignment_id, self._late.student_id = self._gradebook, topic, student
        points: float | None = self._late.plugin_inst.late_submission_penalty(student, score, seconds_late)
        return points

    def _leave(self, entries: dict[str, Entry], path: Path) -> Path:
        topic = self._assignment.topic
        folder = self._settings.folder("autograded", entries[topic].report.student, topic)
        for name, entry in entries.items():
            notebook = folder / f"{name}.ipynb"
            write_whole(notebook, v4.writes(entry.autograded.notebook).encode() + b"\n")
            notebook.chmod(0o664 if self._settings.coursedir.groupshared else 0o444)  # as nbgrader does
        _copy_pictures(self._assignment.files, folder / "files")
        stamp = stamp_bytes(path)
        if stamp:
            write_whole(folder / "timestamp.txt", stamp)
        else:
            (folder / "timestamp.txt").unlink(missing_ok=True)
        return folder / f"{topic}.ipynb"

    # ------------------------------------------------------------------------------------ the assignment

    def _register(self) -> dict[str, Any]:
        assignment = self._find(Assignment, name=self._assignment.topic)
        if assignment is None:
            assignment = self._add(Assignment(name=self._assignment.topic, course_id=self._gradebook.course_id))
        asked = {name for released in self._released.values() for name in released.graded()}
        for notebook in list(assignment.notebooks):  # an author's others are left alone
            if notebook.name not in self._released and not asked.isdisjoint(_questions_of(notebook)):
                _require_no_submissions(self._assignment.topic, notebook, {})
                self._delete_cells(notebook)
                self._session.delete(notebook)
        return {name: self._register_notebook(assignment, name) for name in self._released}

    def _register_notebook(self, assignment: Any, name: str) -> Any:
        released = self._released[name]
        notebook = self._find(Notebook, name=name, assignment_id=assignment.id)
        if notebook is None:
            notebook = self._add(Notebook(name=name, assignment_id=assignment.id))
        if _questions_of(notebook) != released.graded() or _solutions_of(notebook) != _solutions(released):
            _require_no_submissions(assignment.name, notebook, released.graded())
            self._replace_cells(notebook, released)
        notebook.kernelspec = json.dumps(released.notebook.metadata.get("kernelspec", {}))
        self._set_sources(notebook, released)
        self._session.flush()
        return notebook

    def _delete_cells(self, notebook: Any) -> None:
        for cell in [*notebook.grade_cells, *notebook.solution_cells, *notebook.source_cells]:
            self._session.delete(cell)
        self._session.flush()
        self._session.expire(notebook)

    def _replace_cells(self, notebook: Any, released: Released) -> None:
        self._delete_cells(notebook)
        for name, points in released.graded().items():
            kind = released.cells[name].cell_type
            self._session.add(GradeCell(name=name, notebook_id=notebook.id, max_score=points, cell_type=kind))
        for name in _solutions(released):
            self._session.add(SolutionCell(name=name, notebook_id=notebook.id))
        self._session.flush()
        self._session.expire(notebook)

    def _set_sources(self, notebook: Any, released: Released) -> None:
        """Texts may change at any time: nbgrader restores a missing cell from them."""
        known = {cell.name: cell for cell in notebook.source_cells}
        for name, cell in released.cells.items():
            row = known.get(name) or SourceCell(name=name, notebook_id=notebook.id)
            row.cell_type, row.source = cell.cell_type, cell.source
            row.locked, row.checksum = bool(cell.metadata.nbgrader.locked), cell.metadata.nbgrader.get("checksum")
            self._session.add(row)

    # --------------------------------------------------------------------------------------- the session

    def _find(self, table: Any, **fields: Any) -> Any:
        return self._session.scalars(select(table).filter_by(**fields)).one_or_none()

    def _add(self, row: Any) -> Any:
        self._session.add(row)
        self._session.flush()
        return row

    def _committed(self, work: Callable[[], Found]) -> Found:
        return committed(self._session, self._url, work)


def _late_plugin(course: Course, settings: Settings) -> Any:
    try:
        late = AssignLatePenalties(config=settings.config)
        late.init_plugin()
    except TraitError as error:
        raise AuthoringError(f"{course.root / CONFIG_NAME}: under AssignLatePenalties: {error}") from error
    return late


# ----------------------------------------------------------------------------------- the assignment's cells


def _questions_of(notebook: Any) -> dict[str, float]:
    return {cell.name: cell.max_score for cell in notebook.grade_cells}


def _solutions_of(notebook: Any) -> set[str]:
    return {cell.name for cell in notebook.solution_cells}


def _solutions(released: Released) -> set[str]:
    return {name for name, cell in released.cells.items() if cell.metadata.nbgrader.solution}


def _require_same_questions(report: GradeReport, released: Mapping[str, Released]) -> None:
    """Refuse a report whose questions or points are not those that students were given."""
    for name, notebook in released.items():
        ours = report.questions if len(released) == 1 else part_of(report, name).questions
        graded, given = {question.name: question.max_score for question in ours}, notebook.graded()
        if graded == given:
            continue
        change = _difference(given, graded)
        raise AuthoringError(
            f"{report.assignment}: the tests do not fit the released notebook: {change}; restore them, or before "
            f"handing out: autograder release {report.assignment}"
        )


def _require_no_submissions(topic: str, notebook: Any, released: dict[str, float]) -> None:
    if notebook.submissions:
        change = _difference(_questions_of(notebook), released) or "its answer cells"
        raise AuthoringError(
            f"{topic}: changed after {plural(len(notebook.submissions), 'submission')} had been graded: {change}; "
            "restore what was released, or grade into another gradebook: --db sqlite:///FILE"
        )


def _difference(before: dict[str, float], after: dict[str, float]) -> str:
    changes = [f"{name!r} is gone" for name in before if name not in after]
    changes += [f"{name!r} is new" for name in after if name not in before]
    both = [name for name in before if name in after and before[name] != after[name]]
    return ", ".join([*changes, *(f"{name!r} has {after[name]:g} points, not {before[name]:g}" for name in both)])


# ---------------------------------------------------------------------------------- the submission's files


def _copy_pictures(source: Path, target: Path) -> None:
    """Put the handout's pictures where pages look for them; nbgrader copies the data as well, which no page shows."""
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        if (
            path.is_file()
            and path.suffix.lower() in PICTURES
            and not (copy.is_file() and copy.read_bytes() == path.read_bytes())
        ):
            write_whole(copy, path.read_bytes())
