"""The repository that students start from: what was released, and a workflow that runs the visible checks."""

from __future__ import annotations

from pathlib import Path

from autograder.ci.files import Platform, filled, pinned, python_version
from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.release.files import read_tree
from autograder.release.manifest import MANIFEST_NAME, read_manifest
from autograder.release.publish import released_leaks
from autograder.suite import collect

LIBRARIES = ("ipykernel", "jupyterlab", "matplotlib", "nbclient", "numpy", "torch")
_WORKFLOWS = {
    Platform.GITHUB: {".github/workflows/checks.yml": "student/check.yml"},
    Platform.GITLAB: {".gitlab-ci.yml": "student/gitlab-ci.yml"},
}


def student_files(course: Course, platform: Platform, topics: list[str]) -> dict[str, bytes]:
    """The repository that students start from, with the released notebooks of ``topics``.

    Raises ``AuthoringError`` where one is not released or anything secret would stand in it.
    """
    found, titles, notebooks = dict[str, bytes](), list[str](), list[str]()
    for topic in topics:
        assignment = course.assignment(topic)
        titles.append(read_manifest(assignment.release_folder / MANIFEST_NAME).title)
        notebooks += [f"{topic}/{name}.ipynb" for name in assignment.notebooks]
        tree = read_tree(assignment.release_folder)
        found |= {f"{topic}/{name}": data for name, data in tree.items() if name != MANIFEST_NAME}
    values = {
        "FILES": " ".join(notebooks),
        "NOTEBOOKS": ", ".join(f"[{path}]({path})" for path in notebooks),
        "PYTHON": python_version(),
        "TITLE": ", ".join(titles),
    }
    found |= {path: filled(name, values) for path, name in _WORKFLOWS[platform].items()}
    found["README.md"] = filled("student/README.md", values)
    found["requirements.txt"] = "".join(f"{line}\n" for line in _student_requirements(course.root)).encode()
    for topic in topics:
        assignment = course.assignment(topic)
        leaks = released_leaks(assignment, collect(course, assignment), found)
        if leaks:
            text = "\n".join(f"  {leak}" for leak in leaks)
            raise AuthoringError(f"the students' repository would hold what they must not see:\n{text}\nTake it out")
    return found


def _student_requirements(root: Path) -> list[str]:
    return [pinned(root, name) or name for name in LIBRARIES]
