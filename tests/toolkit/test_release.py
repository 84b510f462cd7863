from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbgrader.nbgraderformat import MetadataValidator

import autograder.release
from autograder.course import Course
from autograder.errors import AuthoringError, UsageError
from autograder.release import build_sources, check, read_manifest, release
from autograder.release.files import read_tree, replace_tree
from tests.toolkit.tiny import TOPIC, edit, opened, tiny_course

ROOT = Path(__file__).parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def tree(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in read_tree(folder).items() if "__pycache__" not in name}


def handout(course: Course) -> Path:
    return course.root / "assignments" / TOPIC / f"{TOPIC}.md"


def cells(path: Path) -> dict[str, Any]:
    """The cells of a notebook that nbgrader knows, by grade id."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    marked = [cell for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]
    return {cell["metadata"]["nbgrader"]["grade_id"]: cell for cell in marked}


# what is written


def test_a_release_holds_notebook_files_and_manifest(course: Course) -> None:
    result = release(course, TOPIC)
    assert result.folder == course.root / "release" / TOPIC
    assert sorted(result.files) == ["files/numbers.txt", "halving.ipynb", "manifest.json"]
    assert tree(result.folder).keys() == set(result.files)
    assert read_manifest(result.folder / "manifest.json") == result.manifest
    assert result.manifest.total == 7.0
    assert result.changed


def test_nothing_else_appears_in_the_course(course: Course) -> None:
    before, here = tree(course.root).keys(), Path.cwd()
    release(course, TOPIC)
    new = tree(course.root).keys() - before
    assert new == {
        "assignments/halving/halving.ipynb",
        "release/halving/files/numbers.txt",
        "release/halving/halving.ipynb",
        "release/halving/manifest.json",
    }
    assert Path.cwd() == here


def test_nbgraders_cells_have_their_roles_and_points(course: Course) -> None:
    marked = cells(release(course, TOPIC).folder / "halving.ipynb")
    roles = {
        name: tuple(cell["metadata"]["nbgrader"].get(key) for key in ("grade", "solution", "locked", "points"))
        for name, cell in marked.items()
    }
    assert roles == {
        "halve-answer": (False, True, False, None),
        "halve": (True, False, True, 3),
        "Halver-answer": (False, True, False, None),
        "Halver": (True, False, True, 2),
        "explain_halving": (True, True, False, 2),
    }
    assert "".join(marked["halve"]["source"]).startswith("# halve: 3 points\nassert halve(")


def test_the_student_notebook_is_valid_for_jupyter_and_nbgrader(course: Course) -> None:
    path = release(course, TOPIC).folder / "halving.ipynb"
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    assert "autograder" not in path.read_text().replace('"autograder": {\n   "assignment": "halving"\n  }', "")


def test_manual_prompts_stay_and_ask_for_an_answer(course: Course) -> None:
    cell = cells(release(course, TOPIC).folder / "halving.ipynb")["explain_halving"]
    text = "".join(cell["source"])
    assert text.startswith("Why does halving")
    assert text.endswith("tiny?\n\n*Write your answer here.*")


def test_points_that_are_no_whole_number_are_kept(course: Course) -> None:
    edit(course.root / "tests" / "hidden" / "test_halving.py", "points=0.5", "points=1.25")
    marked = cells(release(Course(course.root), TOPIC).folder / "halving.ipynb")
    assert marked["Halver"]["metadata"]["nbgrader"]["points"] == 2.75
    assert marked["Halver"]["source"][0] == "# Halver: 2.75 points\n"


def test_the_same_files_give_the_same_bytes(course: Course, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tiny_course(tmp_path / "other")
    assert tree(release(course, TOPIC).folder) == tree(release(other, TOPIC).folder)


def test_a_second_release_changes_nothing(course: Course) -> None:
    first = release(course, TOPIC)
    written = {path: path.stat().st_mtime_ns for path in (*first.sources, *first.folder.iterdir())}
    second = release(course, TOPIC)
    assert not second.changed
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_cell_ids_do_not_depend_on_other_cells(course: Course) -> None:
    assignment, suite = opened(course)
    before = [cell.id for cell in build_sources(assignment, suite)[TOPIC].cells]
    edit(handout(course), "## Half of a tensor", "## Half of a tensor\n\n+++\n\nA new cell.\n\n+++\n\nA new cell.")
    after = [cell.id for cell in build_sources(assignment, suite)[TOPIC].cells]
    assert [cell for cell in after if cell in before] == before
    assert len(set(after)) == len(before) + 2


# nbgrader and Jupyter


@pytest.mark.slow
def test_plain_nbgrader_releases_the_same_bytes(course: Course) -> None:
    ours = tree(release(course, TOPIC).folder)
    del ours["manifest.json"]
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", TOPIC, "--force"]
    subprocess.run(command, cwd=course.root, env=environment, check=True, capture_output=True, timeout=120)
    assert tree(course.root / "release" / TOPIC) == ours


@pytest.mark.slow
def test_the_source_notebook_runs_in_jupyter_with_all_checks_passed(course: Course) -> None:
    notebook = nbformat.read(release(course, TOPIC).sources[0], as_version=4)
    ran = NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    printed = [output.text for cell in ran.cells for output in cell.get("outputs", ())]
    assert printed == ["halve: this example is right\n", "Halver: this example is right\n"]


def test_every_check_of_an_untouched_notebook_meets_the_stub(course: Course) -> None:
    notebook = nbformat.read(release(course, TOPIC).folder / "halving.ipynb", as_version=4)
    namespace: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
            with pytest.raises(NotImplementedError, match=r"^write your solution here$"):
                exec(cell.source, namespace)  # noqa: S102 - our own notebook
        elif cell.cell_type == "code":
            exec(cell.source, namespace)  # noqa: S102


# whether it is up to date


def test_check_is_empty_where_the_release_is_up_to_date(course: Course) -> None:
    release(course, TOPIC)
    assert check(course, TOPIC) == ""


def test_check_writes_nothing_and_shows_what_is_missing(course: Course) -> None:
    before = tree(course.root)
    diff = check(course, TOPIC)
    assert "--- /dev/null\n+++ b/release/halving/halving.ipynb\n" in diff
    assert '+    "# Halving\\n",\n' in diff
    assert tree(course.root) == before


def test_check_shows_an_edit_of_the_handout(course: Course) -> None:
    release(course, TOPIC)
    edit(handout(course), "That was all.", "That is all.")
    diff = check(course, TOPIC)
    assert '-    "That was all."\n' in diff
    assert '+    "That is all."\n' in diff
    assert "--- a/release/halving/halving.ipynb\n+++ b/release/halving/halving.ipynb\n" in diff


def test_check_shows_what_does_not_belong(course: Course) -> None:
    folder = release(course, TOPIC).folder
    (folder / "solution.py").write_text("x = 1\n")
    (folder / "empty").touch()
    (folder / "files" / "numbers.txt").write_bytes(b"\xff")
    assert check(course, TOPIC).splitlines() == [
        "--- a/release/halving/empty",
        "+++ /dev/null",
        "Binary files a/release/halving/files/numbers.txt and b/release/halving/files/numbers.txt differ",
        "--- a/release/halving/solution.py",
        "+++ /dev/null",
        "@@ -1 +0,0 @@",
        "-x = 1",
    ]
    assert release(course, TOPIC).changed
    assert check(course, TOPIC) == ""


def test_leftovers_of_tools_do_not_count(course: Course) -> None:
    folder = release(course, TOPIC).folder
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "halving-checkpoint.ipynb").touch()
    assert check(course, TOPIC) == ""


# refusals


def refused(course: Course) -> str:
    before = tree(course.root)
    with pytest.raises(AuthoringError) as caught:
        release(course, TOPIC)
    assert tree(course.root) == before, "a refused release wrote something"
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("That was all.", "Hint: `return x * _FACTOR` does it."),
        ("import torch\n", "import torch\nif not torch.ones(1).is_floating_point():\n    self.calls += 1\n"),
        ("That was all.", "    self.calls+=1"),
    ],
)
def test_a_solution_line_in_the_handout_is_refused(course: Course, old: str, new: str) -> None:
    edit(handout(course), old, new)
    said = refused(course)
    assert said.startswith("assignment 'halving' would hand out what students must not see:\n  halving.ipynb, $.cells[")
    assert " from the reference, line " in said
    assert said.endswith("where a line is meant to stand in both, word one differently")


def test_a_hidden_test_in_files_is_refused(course: Course) -> None:
    tests = (course.root / "tests" / "hidden" / "test_halving.py").read_text()
    (course.root / "assignments" / TOPIC / "files" / "extra.py").write_text(tests)
    assert "files/extra.py, its text: " in refused(course)


def test_a_hint_in_the_prose_is_refused(course: Course) -> None:
    edit(handout(course), "That was all.", "Your module halves once whatever `times` says.")
    assert "reference/misconceptions/halving.py, line " in refused(course)


def test_a_refused_release_leaves_the_earlier_one(course: Course) -> None:
    earlier = tree(release(course, TOPIC).folder)
    edit(handout(course), "That was all.", "return x * _FACTOR")
    refused(course)
    assert tree(course.root / "release" / TOPIC) == earlier


def test_a_stray_file_beside_the_handout_is_refused(course: Course) -> None:
    (handout(course).parent / "notes.txt").write_text("for teachers")
    said = refused(course)
    assert f"{handout(course).parent / 'notes.txt'}: would be handed out by nbgrader; move it into " in said


def test_what_nbgrader_refuses_is_said_with_its_reason(course: Course) -> None:
    edit(handout(course), "import torch\n", "import torch\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n")
    said = refused(course)
    assert said.startswith(f"{handout(course)}: nbgrader generate_assignment refuses it: ")
    assert "Solution region detected in a non-solution cell" in said


def test_disagreement_is_refused(course: Course) -> None:
    edit(handout(course), ":check: halve\n", ":check: Halver\n")
    assert "question 'halve' has no visible check" in refused(course)


# installing


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "release"
    assert replace_tree(folder, {"a": b"1", "sub/b": b"2"})
    with pytest.raises(UsageError, match=rf"cannot write {folder}: Is a directory; put that right and run again"):
        replace_tree(folder, {"a": b"3", "c/d": b"4", "c": b"5"})
    assert tree(tmp_path) == {"release/a": b"1", "release/sub/b": b"2"}
    assert replace_tree(folder, {"c": b"5"})
    assert tree(tmp_path) == {"release/c": b"5"}


def test_the_package_names_what_it_offers() -> None:
    assert all(hasattr(autograder.release, name) for name in autograder.release.__all__)
    with pytest.raises(AttributeError, match=r"module 'autograder.release' has no attribute 'nothing'"):
        autograder.release.nothing  # noqa: B018 - reading it is the test
