"""The tutorial is typed as it stands, in an empty folder: at its end a class is graded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolkit.command_line import environment

ROOT = Path(__file__).parents[2]
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course that the tutorial makes."""
    folder = tmp_path_factory.mktemp("tutorial")
    script = "".join(CONSOLE.findall((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(PATH=path, PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "my-course"


def result(course: Path, student: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((course / "results" / "activations" / f"{student}.json").read_bytes())
    return found


def test_the_class_is_graded(course: Path) -> None:
    scores = {student: result(course, student)["score"] for student in ("ada", "alan", "grace")}
    assert scores["ada"] == 5
    assert scores["grace"] == 0
    assert 0 < scores["alan"] < 5


def test_the_known_mistake_has_its_hint(course: Path) -> None:
    assert "Your function does not use `beta`." in json.dumps(result(course, "alan"))


def test_what_the_tutorial_names_is_there(course: Path) -> None:
    for path in (
        "release/activations/activations.ipynb",
        "feedback/alan/activations.html",
        "gradebook.db",
        "reports/activations.html",
        "exports/activations.csv",
    ):
        assert (course / path).is_file(), path


def test_what_must_not_be_committed_is_ignored(course: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=course, check=True)
    asked = ("git", "ls-files", "--others", "--exclude-standard")
    listed = subprocess.run(asked, cwd=course, check=True, capture_output=True, text=True).stdout.split()
    assert {path.partition("/")[0] for path in listed} == {
        ".gitignore",
        "assignments",
        "nbgrader_config.py",
        "reference",
        "release",
        "tests",
    }
    assert "assignments/activations/activations.ipynb" not in listed
