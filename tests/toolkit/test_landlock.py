"""What the cage without namespaces says where it cannot be closed. What it keeps is in ``test_promises_alone``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ENTER = """
import json, sys
from autograder.sandbox.landlock import Alone
try:
    Alone(json.loads(sys.argv[1])).enter()
except OSError as error:
    print(error)
"""


def enter(**config: object) -> str:
    whole = {"uid": 61234, "hidden": [], "shown": [], "data": None} | config
    argv = [sys.executable, "-c", ENTER, json.dumps(whole)]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.mark.skipif(os.getuid() != 0, reason="only root runs notebooks as another user")
def test_what_the_student_must_read_and_cannot_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    said = enter(root=str(tmp_path), shown=[str(closed)])
    assert said == f"user 61234, as whom notebooks run, cannot read {closed}: move it, or open it to all"


def test_a_course_that_would_be_shown_is_named(tmp_path: Path) -> None:
    inside = tmp_path / "environment" / "course"
    inside.mkdir(parents=True)
    said = enter(root=str(tmp_path), shown=[str(inside.parent)], hidden=[str(inside)])
    assert said == f"{inside} lies inside {inside.parent}, which notebooks must see: move the course elsewhere"
