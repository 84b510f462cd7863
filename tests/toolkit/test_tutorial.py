"""The tutorial is typed as it stands, in an empty folder: at its end a class is graded."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolkit.command_line import environment, runner

TUTORIAL = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course that the tutorial makes. A line is typed in the folder where the one before it left off."""
    here = tmp_path_factory.mktemp("tutorial")
    for line in "".join(CONSOLE.findall(TUTORIAL)).splitlines():
        words = shlex.split(line)
        if words[0] == "cd":
            here = here / words[1]
        elif words[0] == "autograder":
            runner(here)(*words[1:])
        else:
            shell(line, here)
    return here


def shell(line: str, folder: Path) -> None:
    """One line for a shell in which the environment under test is active."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment(PATH=path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, line + "\n" + done.stdout + done.stderr


def result(course: Path, student: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((course / "results" / "activations" / f"{student}.json").read_bytes())
    return found


def test_the_class_is_graded(course: Path) -> None:
    scores = {student: result(course, student)["score"] for student in ("ada", "alan", "grace")}
    assert scores["ada"] == 5
    assert scores["grace"] == 0
    assert scores["alan"] in {2, 3}


def test_the_known_mistake_has_its_hint(course: Path) -> None:
    assert "Your function does not use `beta`." in json.dumps(result(course, "alan"))


def test_what_the_tutorial_names_is_there(course: Path) -> None:
    named = set(re.findall(r"`([\w.]+(?:/[\w.]+)*\.\w+)`", CONSOLE.sub("", TUTORIAL)))
    paths = {path.replace("STUDENT", "alan") for path in named if "TOPIC" not in path and path != "CONTRIBUTING.md"}
    assert {"reference/activations.py", "feedback/alan/activations.html", "reports/activations.html"} <= paths
    assert [path for path in sorted(paths) if not (course / path).is_file()] == []


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
