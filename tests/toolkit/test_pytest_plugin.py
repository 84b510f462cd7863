from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolkit.handed_in import RIGHT as REFERENCE
from tests.toolkit.hosts import notebook
from tests.toolkit.tiny import TOPIC, tiny_course
from tests.toolkit.two_notebooks import answered, hand_in, released_course

WRONG = "def halve(x):\n    if not x.is_floating_point():\n        raise ValueError('x')\n    return x // 2\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_course(tmp_path_factory.mktemp("plugin")).root


def run_pytest(root: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-p", "autograder.pytest_plugin", f"tests/hidden/test_{TOPIC}.py", "-q"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1"}
    done = subprocess.run(
        [*command, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    return done.returncode, done.stdout + done.stderr


def written(root: Path, name: str, data: bytes) -> str:
    path = root / name
    path.write_bytes(data)
    return str(path)


def test_hidden_tests_run_against_the_reference_where_no_notebook_is_given(root: Path) -> None:
    code, text = run_pytest(root)
    assert (code, "5 passed" in text) == (0, True), text


def test_a_right_notebook_passes(root: Path) -> None:
    path = written(root, "right.ipynb", notebook(REFERENCE))
    code, text = run_pytest(root, "--submission", path, "--isolation", "process")
    assert (code, "5 passed" in text) == (0, True), text


def test_a_wrong_notebook_fails_with_the_smallest_input(root: Path) -> None:
    code, text = run_pytest(root, "--submission", written(root, "wrong.ipynb", notebook(REFERENCE, WRONG)))
    assert code == 1, text
    assert "1 failed, 4 passed" in text, text
    assert "the result is off (relative error 1); at [0] it is 0, not 0.5" in text
    assert "x=tensor([1.])" in text
    assert len(text.splitlines()) < 100, text
    assert "warning" not in text


def test_of_several_notebooks_each_test_runs_against_its_own(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    folder = hand_in(course, "ada", halving=answered(course, TOPIC, **{"halve-answer": WRONG}))
    path = str(folder / "second.ipynb")
    code, text = run_pytest(course.root, "--submission", path, "--isolation", "process")
    assert (code, "1 failed, 4 passed" in text) == (1, True), text
    (folder / "halving.ipynb").unlink()
    code, text = run_pytest(course.root, "--submission", path, "--isolation", "process")
    assert (code, "2 passed, 3 errors" in text) == (1, True), text
    assert "halving.ipynb: there is no such file\n" in text
    assert "During handling" not in text


def test_what_is_no_notebook_is_said(root: Path) -> None:
    path = written(root, "none.ipynb", b"no notebook")
    code, text = run_pytest(root, "--submission", path, "--isolation", "process")
    assert code == 1, text
    assert "the notebook cannot be read" in text


def test_a_path_that_is_not_there_is_wrong_use(root: Path) -> None:
    code, text = run_pytest(root, "--submission", "nowhere.ipynb")
    assert code == 4
    assert "--submission nowhere.ipynb: there is no such file" in text


def test_a_file_of_no_assignment_is_said(root: Path) -> None:
    (root / "tests" / "hidden" / "test_nothing.py").write_text("def test_n(student): ...\n", encoding="utf-8")
    code, text = run_pytest(root, "tests/hidden/test_nothing.py", "--deselect", f"tests/hidden/test_{TOPIC}.py")
    assert code == 1
    assert "no assignment 'nothing'" in text
