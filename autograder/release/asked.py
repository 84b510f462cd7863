"""What was asked: which questions, in which order, in which notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autograder.course import Assignment
from autograder.errors import AuthoringError
from autograder.release.manifest import MANIFEST_NAME, ManifestQuestion, check_manifest, read_manifest
from autograder.suite import Suite


def require_manifest(assignment: Assignment, suite: Suite) -> None:
    """Names and totals must be those that were handed out; raises ``AuthoringError`` where they changed since."""
    path = assignment.release_folder / MANIFEST_NAME
    if path.is_file():
        check_manifest(read_manifest(path), suite, assignment.front)


def asked(assignment: Assignment, questions: Iterable[str]) -> Mapping[str, str]:
    """The notebook of each of ``questions``, in the order of the handouts, as the manifest froze both.

    Where nothing is released yet, as the handouts say; with one notebook as the questions come.
    """
    names, path = list(questions), assignment.release_folder / MANIFEST_NAME
    where = dict.fromkeys(names, assignment.topic)
    if path.is_file():
        frozen = {question.name: question.notebook or assignment.topic for question in _released(assignment)}
    else:
        frozen = _written(assignment) if assignment.several else {}
    return {name: notebook for name, notebook in (frozen | where | frozen).items() if name in names}


def _released(assignment: Assignment) -> tuple[ManifestQuestion, ...]:
    """The questions that were handed out; raises ``AuthoringError`` where their notebooks are others now."""
    questions = read_manifest(assignment.release_folder / MANIFEST_NAME).questions
    for question in questions:
        known = question.notebook in assignment.several if assignment.several else not question.notebook
        if not known:
            was, now = question.notebook or assignment.topic, ", ".join(assignment.notebooks)
            raise AuthoringError(
                f"assignment {assignment.topic!r} was released with {question.name!r} in {was}.ipynb, and the header "
                f"of its handout names {now}; run 'autograder release {assignment.topic}' if it was not handed out "
                "yet, and restore the header if it was"
            )
    return questions


def _written(assignment: Assignment) -> dict[str, str]:
    from autograder.release.handout import read_handouts  # noqa: PLC0415 - Jupytext takes a second

    return {name: notebook for notebook, handout in read_handouts(assignment).items() for name in handout.asked()}
