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
from autograder.release.handout import read_handouts
from autograder.release.leaks import Leak, find_leaks
from autograder.release.manifest import MANIFEST_NAME, Manifest, build_manifest
from autograder.release.source import build_sources, notebook_bytes
from autograder.release.students import require_tidy, student_files
from autograder.suite import Suite, collect


@dataclass(frozen=True)
class ReleaseResult:
    """What ``release`` wrote. ``sources``: with solutions. ``changed``: whether ``folder`` was out of date."""

    topic: str
    sources: tuple[Path, ...]
    folder: Path
    files: tuple[str, ...]
    manifest: Manifest
    changed: bool


@dataclass(frozen=True)
class _Build:
    """Everything a release writes."""

    assignment: Assignment
    sources: Mapping[str, bytes]
    manifest: Manifest
    files: Mapping[str, bytes]


def release(course: Course, topic: str) -> ReleaseResult:
    """Write the source notebooks and ``release/<topic>/``: notebooks, ``files/`` and manifest.

    Raises:
        AuthoringError: the handout, reference and hidden tests disagree, or a secret would be handed out; nothing
            is written then.
    """
    built = _build(course, topic)
    sources = {built.assignment.source_of(name): data for name, data in built.sources.items()}
    for path, data in sources.items():
        write_whole(path, data)
    changed = replace_tree(built.assignment.release_folder, built.files)
    return ReleaseResult(
        topic=topic,
        sources=tuple(sources),
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
    require_tidy(assignment)
    suite = collect(course, assignment)
    sources = {name: notebook_bytes(notebook) for name, notebook in build_sources(assignment, suite).items()}
    files = student_files(assignment, sources)
    asked = {name: handout.asked() for name, handout in read_handouts(assignment).items()}
    manifest = build_manifest(assignment, suite, asked, {name: files[f"{name}.ipynb"] for name in sources})
    files[MANIFEST_NAME] = manifest.to_json()
    leaks = released_leaks(assignment, suite, files)
    if leaks:
        found = "\n".join(f"  {leak}" for leak in leaks)
        raise AuthoringError(
            f"assignment {topic!r} would hand out what students must not see:\n{found}\n"
            "Take it out of the handout or its files; where a line is meant to stand in both, word one differently"
        )
    return _Build(assignment, sources, manifest, files)


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
