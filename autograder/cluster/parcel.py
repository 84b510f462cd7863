"""What travels to a machine of the cluster: the course's part in grading one assignment, a submission, a refusal.

Everything is plain bytes by msgpack. The course's files are sent because machines need not share a file system, and
because what is sent is exactly what this run's reports name by digest, even where somebody edits the course meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from autograder.course import Assignment, Course
from autograder.errors import AuthoringError, AutograderError, GraderError, IsolationError, UsageError
from autograder.examples import examples_path, load_examples
from autograder.provenance import Basis, Options, basis_of, data_files
from autograder.seed import Seed
from autograder.suite import collect
from autograder.testing.student import RememberingBackend, Student
from autograder.text import clean

_KINDS: dict[str, type[AutograderError]] = {
    kind.__name__: kind for kind in (UsageError, IsolationError, AuthoringError, GraderError)
}


class Parcel(msgspec.Struct, frozen=True):
    """All that a grading process needs. Secret: it holds the tests, the answers, the seed and the graded examples."""

    topic: str
    options: Options
    basis: Basis
    secret: bytes
    files: dict[str, bytes]  # by their place in the course

    def __repr__(self) -> str:
        return f"<parcel of {self.topic}>"  # whatever is logged holds no secret


class Work(msgspec.Struct, frozen=True):
    """One submission: the notebook's bytes, or why it cannot be read; ``earlier`` is the JSON of its last report."""

    student: str
    topic: str
    questions: tuple[str, ...]
    notebook: bytes = b""
    fault: str = ""
    earlier: bytes = b""


class Started(msgspec.Struct, frozen=True):
    """A grading process is ready, or refuses to grade: ``refused`` names the kind of error."""

    node: str
    refused: str = ""
    message: str = ""

    @classmethod
    def refusing(cls, node: str, error: AutograderError, machine: str) -> Started:
        """The answer of a grading process that ``error`` kept from starting."""
        kind = next(name for name in (type(error).__name__, "GraderError") if name in _KINDS)
        return cls(node, kind, f"on {machine}, a machine of the cluster: {error}")

    def check(self) -> None:
        """Raise the error that was told."""
        if self.refused:
            raise _KINDS[self.refused](self.message)


def why_none_starts(said: str, *, not_made: bool) -> AutograderError:
    """What to say where grading processes cannot be made, or end before they are ready; ``said`` is Ray's account."""
    last = clean(said.strip().splitlines()[-1], 400)
    if not_made:
        advice = "install the same autograder on every machine"
        return UsageError(f"a machine of the cluster cannot make a grading process: {last}; {advice}")
    return GraderError(f"grading processes die on the cluster before they start: {last}")


def pack(course: Course, topic: str, options: Options) -> Parcel:
    """What grading ``topic`` needs. Draws its examples where they are not stored yet: each machine would for itself."""
    assignment, seed = course.assignment(topic), Seed.of_course(course.state)
    suite = collect(course, assignment)
    reference = Student(RememberingBackend(vars(course.load(assignment.reference))), suite.forbidden)
    load_examples(course, suite, seed, "graded", reference)
    paths = [*_files(assignment), examples_path(course, suite, seed, "graded")]
    files = {str(path.relative_to(course.root)): path.read_bytes() for path in paths if path.is_file()}
    return Parcel(topic, options, basis_of(assignment, seed, options), seed.secret, files)


def _files(assignment: Assignment) -> Iterator[Path]:
    """Files that grading reads. Not nbgrader's configuration: it may hold a database's password."""
    root = assignment.root
    yield from map(assignment.handout_of, assignment.notebooks)
    yield assignment.release_folder / "manifest.json"
    yield assignment.hidden_tests
    beside = assignment.hidden_tests.parent.rglob("*.py")  # what hidden tests may import; not those of other topics
    yield from (path for path in beside if not path.name.startswith(("test_", "conftest")))
    yield from root.glob("reference/**/*.py")
    yield from data_files(assignment)


def unpack(parcel: Parcel, folder: Path) -> Course:
    """The course of ``parcel``, in an empty folder that nobody else may read."""
    for name, data in parcel.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Course(folder)
