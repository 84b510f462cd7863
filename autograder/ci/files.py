"""The files that ``init-ci`` writes: a course's workflows, and the repository that its students start from.

Workflows are templates of the package. Three things are filled in: the Python version, the lines that install the
course's environment, and, for students, what was released.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files as package_files
from pathlib import Path

from autograder.course import Course
from autograder.errors import AuthoringError, UsageError
from autograder.files import write_whole, writing
from autograder.release.files import read_tree
from autograder.release.manifest import MANIFEST_NAME, read_manifest

TORCH = """pip install -c constraints.txt "$(grep '^torch==' constraints.txt)\""""
FROM_REQUIREMENTS = f"{TORCH}\npip install -c constraints.txt -r requirements.txt"
FROM_CHECKOUT = f"{TORCH} hatchling\npip install -c constraints.txt --no-build-isolation -e ."
STUDENTS_LIBRARIES = ("ipykernel", "jupyterlab", "matplotlib", "nbclient", "numpy", "torch")


class Platform(StrEnum):
    """Where the course's repository is."""

    GITHUB = "github"
    GITLAB = "gitlab"


_COURSE = {
    Platform.GITHUB: {
        ".github/workflows/course.yml": "github/course.yml",
        ".github/workflows/grading.yml": "github/grading.yml",
    },
    Platform.GITLAB: {".gitlab-ci.yml": "gitlab/.gitlab-ci.yml"},
}
_STUDENTS = {
    Platform.GITHUB: {".github/workflows/checks.yml": "student/check.yml"},
    Platform.GITLAB: {".gitlab-ci.yml": "student/gitlab-ci.yml"},
}


def course_files(course: Course, platform: Platform) -> dict[str, bytes]:
    """The workflows of ``course`` by their path in its repository; raises ``UsageError`` where nothing is pinned."""
    values = {"PYTHON": python_version(), "INSTALL": install_lines(course.root)}
    return {path: _filled(name, values) for path, name in _COURSE[platform].items()}


def student_files(course: Course, platform: Platform, topics: list[str]) -> dict[str, bytes]:
    """The repository that students start from, with the released notebooks of ``topics``.

    Raises ``AuthoringError`` where one is not released or anything secret would stand in it.
    """
    found, titles = dict[str, bytes](), list[str]()
    for topic in topics:
        assignment = course.assignment(topic)
        titles.append(read_manifest(assignment.release_folder / MANIFEST_NAME).title)
        tree = read_tree(assignment.release_folder)
        found |= {f"{topic}/{name}": data for name, data in tree.items() if name != MANIFEST_NAME}
    notebooks = [f"{topic}/{topic}.ipynb" for topic in topics]
    values = {
        "FILES": " ".join(notebooks),
        "NOTEBOOKS": ", ".join(f"[{path}]({path})" for path in notebooks),
        "PYTHON": python_version(),
        "TITLE": ", ".join(titles),
    }
    found |= {path: _filled(name, values) for path, name in _STUDENTS[platform].items()}
    found["README.md"] = _filled("student/README.md", values)
    found["requirements.txt"] = "".join(f"{line}\n" for line in _student_requirements(course.root)).encode()
    for topic in topics:
        assignment = course.assignment(topic)
        leaks = released_leaks(assignment, collect(course, assignment), found)
        if leaks:
            text = "\n".join(f"  {leak}" for leak in leaks)
            raise AuthoringError(f"the students' repository would hold what they must not see:\n{text}\nTake it out")
    return found


def write_files(folder: Path, files: Mapping[str, bytes], *, force: bool) -> list[str]:
    """Write ``files`` below ``folder``; paths of those that were written. Other files there are left alone.

    Raises ``UsageError``, and writes none, where one is there already with another content, unless ``force``.
    """
    with writing(folder):
        changed = [path for path in files if not _is(folder / path, files[path])]
    edited = [path for path in changed if (folder / path).exists()]
    if edited and not force:
        there = ", ".join(edited)
        raise UsageError(f"{folder} holds {there} with other content than would be written; replace them with --force")
    for path in changed:
        write_whole(folder / path, files[path])
    return changed


def python_version() -> str:
    """The version that the workflows ask for: the one that the course is written with."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def install_lines(root: Path) -> str:
    """Shell lines that install what the course pins: from its requirements, or from autograder's own checkout."""
    settings = root / "pyproject.toml"
    own = (
        settings.is_file() and tomllib.loads(settings.read_text("utf-8")).get("project", {}).get("name") == "autograder"
    )
    wanted = ["constraints.txt"] if own else ["constraints.txt", "requirements.txt"]
    lacking = [name for name in wanted if not (root / name).is_file()]
    if lacking or not _pinned(root, "torch"):
        what = " and ".join(lacking) or "a line torch==... in constraints.txt"
        raise UsageError(
            f"{root}: {what} is missing, so that CI could not install what the course was written with. "
            "constraints.txt pins every package (pip freeze --exclude-editable > constraints.txt), requirements.txt "
            "names what the course needs: autograder, by version or address"
        )
    return FROM_CHECKOUT if own else FROM_REQUIREMENTS


def _student_requirements(root: Path) -> list[str]:
    return [_pinned(root, name) or name for name in STUDENTS_LIBRARIES]


def _pinned(root: Path, name: str) -> str:
    """The line of ``constraints.txt`` for a package, without a local build's tag; empty where there is none."""
    path = root / "constraints.txt"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(rf"^{name}==[^\s+;#]+", text, re.MULTILINE)
    return found[0] if found else ""


def _filled(name: str, values: Mapping[str, str]) -> bytes:
    """The template ``name``; a value of several lines keeps the indentation of its first."""
    text = package_files("autograder").joinpath("templates", "ci", *name.split("/")).read_text(encoding="utf-8")
    for key, value in values.items():
        lines = [_with_indentation(line, f"@{key}@", value) for line in text.splitlines()]
        text = "".join(f"{line}\n" for line in lines)
    return text.encode()


def _with_indentation(line: str, mark: str, value: str) -> str:
    return line.replace(mark, value.replace("\n", "\n" + " " * (len(line) - len(line.lstrip()))))


def _is(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data
