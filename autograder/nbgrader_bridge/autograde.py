"""What ``nbgrader autograde`` runs instead of its own steps.

nbgrader reads and validates a notebook before any of its steps sees it, and some that students hand in
stop its whole batch. So the reading is replaced as well. nbgrader goes over a submission twice: from
``submitted/`` to ``autograded/``, where cells are put in order, and once more in place, where it is graded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, cast

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode
from traitlets.utils.importstring import import_item

from autograder.course import Course
from autograder.errors import AutograderError, GraderError
from autograder.gradebook import GradebookWriter
from autograder.model import GradeReport, Submission, Verdict
from autograder.nbgrader_bridge.autograded import build, read_released
from autograder.nbgrader_bridge.settings import Settings
from autograder.submissions import read_bytes


class Engine(Protocol):
    """What grades one submission."""

    def __call__(self, course: Course, submission: Submission) -> GradeReport:
        """The grade of ``submission``."""


def engine(name: str) -> Engine:
    """The grading engine with a dotted ``name``, looked up when it is needed: it lies above this module."""
    return cast("Engine", import_item(name))


class SubmissionExporter(NotebookExporter):
    """Reads whatever was handed in as the autograded notebook without results."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call] # as all of nbconvert
        coursedir = cast("Any", self.parent).coursedir
        self._course = Course(Path(coursedir.root))
        try:
            settings = Settings(self.config, coursedir)
            GradebookWriter(self._course, coursedir.assignment_id, settings=settings).close()  # registers it
        except AutograderError as error:
            self.log.error(str(error))  # noqa: TRY400 - an author's mistake needs no traceback
            raise NbGraderException(str(error)) from error

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> tuple[Any, Any]:
        """The notebook at ``filename`` in the released notebook's frame; never fails on its content."""
        assignment = self._course.assignment(resources["nbgrader"]["assignment"])
        data = read_bytes(Path(filename), assignment.front.limits.notebook_bytes)
        notebook = build(read_released(assignment, Path(filename).stem), data).notebook
        return cast("Any", self).from_notebook_node(notebook, resources, **options)  # type: ignore[no-any-return]


class GradeSubmission(NbGraderPreprocessor):  # type: ignore[misc] # nbgrader has no types
    """Grades the bytes in ``submitted/``, records the grade and puts the results into the notebook."""

    engine = Unicode("autograder.api.grade_one", help="Dotted name of the function that grades a submission.").tag(
        config=True
    )

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:  # noqa: ARG002
        """The autograded notebook; raises ``GraderError`` where the grader failed, and leaves an earlier grade."""
        names = resources["nbgrader"]
        coursedir = self.parent.parent.coursedir
        course, settings = Course(Path(coursedir.root)), Settings(self.config, coursedir)
        student, topic = names["student"], names["assignment"]
        folder, several = settings.folder("submitted", student, topic), course.assignment(topic).several
        path = folder / f"{topic}.ipynb"
        submission = Submission(student=student, assignment=topic, path=path, notebooks=several)
        report = engine(self.engine)(course, submission)
        if report.verdict is Verdict.GRADER_ERROR:
            raise GraderError(f"{submission.student}: not graded, an earlier grade stands: {report.message}")
        with GradebookWriter(course, topic, settings=settings) as gradebook:
            handed_in = folder / f"{names['notebook']}.ipynb"
            return gradebook.record(report, handed_in).notebook, resources
