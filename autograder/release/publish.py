"""The commands behind ``autograder release``: build, look for leaks, install or compare."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.course import Assignment, Course
from autograder.errors import AuthoringError
from autograder.files import write_whole
from autograder.release.files import read_tree, replace_tree
from autograder.release.handout import read_handout
from autograder.release.leaks import Leak, find_leaks
from autograder.release.manifest import MANIFEST_NAME, Manifest, build_manifest
from autograder.release.source import build_source, notebook_bytes
from autograder.release.students import student_files
from autograder.suite import Suite, collect


@dataclass(frozen=True)
class ReleaseResult:
    """What ``release`` wrote. ``changed``: whether ``folder`` was out of date."""

    topic: str
    source: Path
    folder: Path
    files: tuple[str, ...]
    manifest: Manifest
    changed: bool


@dataclass(frozen=True)
class _Build:
    """Everything a release writes."""

    assignment: Assignment
    source: bytes
    manifest: Manifest
    files: Mapping[str, bytes]


def release(course: Course, topic: str) -> ReleaseResult:
    """Write the source notebook and ``release/<topic>/``: notebook, ``files/`` and manifest.

    Raises:
        AuthoringError: the handout, reference and hidden tests disagree, or a secret would be handed out; nothing
            is written then.
    """
    built = _build(course, topic)
    write_whole(built.assignment.source_notebook, built.source)
    changed = replace_tree(built.assignment.release_folder, built.files)
    return ReleaseResult(
        topic=topic,
        source=built.assignment.source_notebook,
        folder=built.assignment.release_folder,
        files=tuple(built.files),
        manifest=built.manifest,
        changed=changed,
    )


def check(course: Course, topic: str) -> str:
    """The unified diff from ``release/<topic>/`` to what ``release`` would write; empty where it is up to date."""
    built = _build(course, topic)
    there = read_tree(built.assignment.release_folder)
    return "".join(
        _difference(f"release/{topic}/{name}", there.get(name), built.files.get(name))
        for name in sorted(there.keys() | built.files.keys())
    )


def released_leaks(assignment: Assignment, suite: Suite, files: Mapping[str, bytes]) -> list[Leak]:
    """Every secret of ``assignment`` that stands in ``files``."""
    secret_files = (suite.path, assignment.misconceptions, assignment.variants)
    return find_leaks(
        files,
        reference=assignment.reference.read_text(encoding="utf-8"),
        others={
            path.relative_to(assignment.root).as_posix(): path.read_text(encoding="utf-8")
            for path in secret_files
            if path.is_file()
        },
    )


def _build(course: Course, topic: str) -> _Build:
    assignment = course.assignment(topic)
    suite = collect(course, assignment)
    source = notebook_bytes(build_source(course, assignment, suite))
    files = student_files(assignment, source)
    asked = read_handout(assignment.handout).asked()
    manifest = build_manifest(assignment, suite, asked, files[f"{topic}.ipynb"])
    files[MANIFEST_NAME] = manifest.to_json()
    leaks = released_leaks(assignment, suite, files)
    if leaks:
        found = "\n".join(f"  {leak}" for leak in leaks)
        raise AuthoringError(
            f"assignment {topic!r} would hand out what students must not see:\n{found}\n"
            "Take it out of the handout or its files; where a line is meant to stand in both, word one differently"
        )
    return _Build(assignment, source, manifest, files)


def _difference(name: str, there: bytes | None, wanted: bytes | None) -> str:
    if there == wanted:
        return ""
    try:
        old, new = ((data or b"").decode().splitlines(keepends=True) for data in (there, wanted))
    except UnicodeDecodeError:
        return f"Binary files a/{name} and b/{name} differ\n"
    before = "/dev/null" if there is None else f"a/{name}"
    after = "/dev/null" if wanted is None else f"b/{name}"
    lines = difflib.unified_diff(old, new, before, after)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines) or f"--- {before}\n+++ {after}\n"
