from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.errors import AuthoringError
from autograder.release import Manifest, check_manifest, read_manifest
from autograder.release.manifest import build_manifest
from tests.toolkit.tiny import TOPIC, edit, opened, tiny_course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


@pytest.fixture
def manifest(course: Course) -> Manifest:
    assignment, suite = opened(course)
    return build_manifest(assignment, suite, {TOPIC: ["Halver", "explain_halving", "halve"]}, {TOPIC: b"notebook"})


def test_a_manifest_holds_questions_in_the_handouts_order(manifest: Manifest) -> None:
    assert [(question.name, question.kind, question.points) for question in manifest.questions] == [
        ("Halver", "auto", 2.0),
        ("explain_halving", "manual", 2.0),
        ("halve", "auto", 3.0),
    ]
    assert (manifest.topic, manifest.title, manifest.total) == ("halving", "Halving", 7.0)
    assert manifest.notebook_sha256 == hashlib.sha256(b"notebook").hexdigest()


def test_a_manifest_survives_the_file(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(manifest.to_json())
    assert read_manifest(path) == manifest
    assert json.loads(path.read_text())["schema"] == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing, so the assignment was not released; run 'autograder release halving'"),
        ("{", "is not a manifest "),
        ('{"schema": 1}', "is not a manifest (Object missing required field `topic`)"),
    ],
)
def test_a_missing_or_damaged_manifest_says_what_to_run(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / TOPIC / "manifest.json"
    path.parent.mkdir()
    if content is not None:
        path.write_text(content)
    with pytest.raises(AuthoringError, match=re.escape(message)) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "autograder release halving" in str(caught.value)


def test_a_manifest_of_another_schema_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(manifest.to_json().replace(b'"schema": 1', b'"schema": 2'))
    with pytest.raises(AuthoringError, match="has schema 2, this version reads 1; run 'autograder release "):
        read_manifest(path)


def test_tests_may_change_as_long_as_totals_stay(course: Course, manifest: Manifest) -> None:
    tests = course.root / "tests" / "hidden" / "test_halving.py"
    edit(tests, '"Halver", points=1.5', '"Halver", points=0.7')
    edit(tests, '"Halver", points=0.5', '"Halver", points=1.3')
    assignment, suite = opened(course)
    check_manifest(manifest, suite, assignment.front)


def changed(course: Course, manifest: Manifest) -> str:
    assignment, suite = opened(course)
    with pytest.raises(AuthoringError) as caught:
        check_manifest(manifest, suite, assignment.front)
    return str(caught.value)


def test_other_points_are_named_with_old_and_new_value(course: Course, manifest: Manifest) -> None:
    edit(course.root / "tests" / "hidden" / "test_halving.py", '"Halver", points=1.5', '"Halver", points=2.5')
    said = changed(course, manifest)
    assert "assignment 'halving' was released with other questions or totals: " in said
    assert "'Halver' has 3 points now, 2 when released" in said
    assert "Run 'autograder release halving' if it was not handed out yet; restore them in " in said


def test_a_renamed_question_is_gone_and_new(course: Course, manifest: Manifest) -> None:
    edit(course.root / "tests" / "hidden" / "test_halving.py", '@question("Halver"', '@question("Halves"')
    said = changed(course, manifest)
    assert "'Halver' is gone (2 points when released); 'Halves' is new (2 points)" in said


def test_manual_points_count_too(course: Course, manifest: Manifest) -> None:
    edit(course.root / "assignments" / TOPIC / "halving.md", "{points: 2}", "{points: 1.5}")
    assert "'explain_halving' has 1.5 points now, 2 when released" in changed(course, manifest)
