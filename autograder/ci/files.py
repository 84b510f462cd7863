"""The workflows that ``init-ci`` writes: templates, filled with a version of Python and how to install the course."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files as package_files
from pathlib import Path

from autograder.course import Course
from autograder.errors import UsageError
from autograder.files import write_whole, writing

TORCH = """pip install -c constraints.txt "$(grep '^torch==' constraints.txt)\""""
FROM_REQUIREMENTS = f"{TORCH}\npip install -c constraints.txt -r requirements.txt"
FROM_CHECKOUT = f"{TORCH} hatchling\npip install -c constraints.txt --no-build-isolation -e ."


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


def course_files(course: Course, platform: Platform) -> dict[str, bytes]:
    """The workflows of ``course`` by their path in its repository; raises ``UsageError`` where nothing is pinned."""
    values = {"PYTHON": python_version(), "INSTALL": install_lines(course.root)}
    return {path: filled(name, values) for path, name in _COURSE[platform].items()}


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
    if lacking or not pinned(root, "torch"):
        what = " and ".join(lacking) or "a line torch==... in constraints.txt"
        raise UsageError(
            f"{root}: {what} is missing, so that CI could not install what the course was written with. "
            "constraints.txt pins every package (pip freeze --exclude-editable > constraints.txt), requirements.txt "
            "names what the course needs: autograder, by version or address"
        )
    return FROM_CHECKOUT if own else FROM_REQUIREMENTS


def pinned(root: Path, name: str) -> str:
    """The line of ``constraints.txt`` for a package, without a local build's tag; empty where there is none."""
    path = root / "constraints.txt"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(rf"^{name}==[^\s+;#]+", text, re.MULTILINE)
    return found[0] if found else ""


def filled(name: str, values: Mapping[str, str]) -> bytes:
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
