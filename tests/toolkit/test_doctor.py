"""The doctor finds what holds by trying; where a promise cannot be kept, nothing is graded."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from autograder.doctor import Examination, container, examine, machine
from tests.toolkit.hosts import LONELY_TIERS, TIERS, command


@pytest.fixture(scope="module")
def examination(tmp_path_factory: pytest.TempPathFactory) -> Examination:
    course = tmp_path_factory.mktemp("course")
    (course / "reference").mkdir()
    return examine((course,))


def test_every_promise_is_tried_and_holds_here(examination: Examination) -> None:
    findings = examination.findings
    assert [finding.promise[:1] for finding in findings] == list("123456")
    assert [finding for finding in findings if not finding.holds] == []
    assert all(finding.means for finding in findings)


@pytest.mark.parametrize("tier", [tier for tier in TIERS if tier != "root"])
def test_every_promise_holds_on_other_hosts(tier: str) -> None:
    done = run(tier)
    assert done.stdout.count("holds") == 6, done.stdout + done.stderr
    assert ("Landlock" in done.stdout) is (tier in LONELY_TIERS)


def run(tier: str, argument: str = "") -> subprocess.CompletedProcess[str]:
    argv = command(tier, "doctor_as_user.py", argument)
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)


def test_the_machine_is_described(examination: Examination) -> None:
    found = machine(examination.tier)
    assert set(found) == {"system", "python", "torch", "processors", "cuda", "container", "cage"}
    assert found["cage"] == f"namespaces, as {'root' if os.getuid() == 0 else 'an ordinary user'}"


def test_a_container_is_known_by_the_marks_it_leaves(tmp_path: Path) -> None:
    assert container(tmp_path, {}) == "none seen"
    (tmp_path / ".dockerenv").touch()
    assert container(tmp_path, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}) == "yes: Docker, Kubernetes"
    assert container(tmp_path / "no", {"container": "lxc\x1b[2J"}) == "yes: lxc\\x1b[2J"
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.containerenv").touch()
    assert container(tmp_path, {"container": ""}) == "yes: Docker, Podman"


def test_where_neither_namespaces_nor_landlock_exist_nothing_is_graded_and_it_says_what_to_do() -> None:
    done = run("bare")
    finding, error = done.stdout.splitlines()
    assert finding.startswith("fails: the sandbox can be built on this machine: this machine cannot keep"), done.stderr
    assert error.startswith("IsolationError this machine cannot keep the sandbox's promises: ")
    assert "unshare" in error
    assert "this kernel offers no Landlock" in error
    assert "Run 'autograder doctor' to see which" in error
    assert "--isolation process" in error


def test_a_course_inside_what_notebooks_must_see_cannot_be_hidden_without_namespaces() -> None:
    done = run("plain", "/usr/lib")
    assert "/usr/lib lies inside /usr, which notebooks must see: move the course elsewhere" in done.stdout, done.stderr
