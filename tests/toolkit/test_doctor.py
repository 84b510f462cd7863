"""The doctor finds what holds by trying; where a promise cannot be kept, nothing is graded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.doctor import examine, machine
from tests.toolkit.hosts import ROOT, command

# As root without the power to make namespaces, as in a plain container.
PLAIN_CONTAINER = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all"]

GRADE = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from autograder.course import Course
from autograder.errors import IsolationError
from autograder.runner import Grader
with Grader(Course(Path(sys.argv[1])), "halving") as grader:
    try:
        grader.wait_ready()
        print("ready")
    except IsolationError as error:
        print(type(error).__name__, error)
"""


def test_every_promise_is_tried_and_holds_here(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    findings = examine((tmp_path,))
    assert [finding.promise[:1] for finding in findings] == list("123456")
    assert [finding for finding in findings if not finding.holds] == []
    assert all(finding.means for finding in findings)


def test_every_promise_holds_for_an_ordinary_user() -> None:
    program = "doctor_as_user.py"
    done = subprocess.run(command("user", program), capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.count("holds") == 6, done.stdout + done.stderr


def test_the_machine_is_described() -> None:
    assert set(machine()) == {"system", "python", "torch", "processors", "cuda", "tier"}
    assert machine()["tier"] == f"namespaces as {'root' if os.getuid() == 0 else 'an ordinary user'}"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give up its powers")
def test_a_container_without_namespaces_grades_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    from tests.toolkit.tiny import tiny_course

    course = tiny_course(tmp_path)
    argv = [*PLAIN_CONTAINER, sys.executable, "-c", GRADE, str(course.root)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.startswith("IsolationError this machine cannot keep the sandbox's promises: "), done.stderr
    assert "unshare" in done.stdout
    assert "Run 'autograder doctor' to see which" in done.stdout
    assert "--isolation process" in done.stdout


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give up its powers")
def test_the_doctor_says_so_too() -> None:
    program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from autograder.doctor import examine
for finding in examine():
    print(finding.holds, finding.promise, finding.means)
"""
    argv = [*PLAIN_CONTAINER, sys.executable, "-c", program]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.startswith("False the sandbox can be built on this machine this machine cannot keep"), (
        done.stderr
    )


@pytest.mark.skipif(os.getuid() != 0, reason="needs root to forbid it to others")
def test_a_user_to_whom_namespaces_are_forbidden_grades_nothing() -> None:
    done = subprocess.run(
        command("forbidden", "doctor_as_user.py"), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout.count("fails") == 1, done.stdout + done.stderr
    assert "unshare" in done.stdout
    assert "holds" not in done.stdout
