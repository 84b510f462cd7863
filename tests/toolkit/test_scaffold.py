"""``autograder new``: what it writes, where, what it refuses. That the assignment holds, the tutorial proves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import Course, read_front_matter
from autograder.errors import UsageError
from autograder.scaffold import COURSE_FILES, new_assignment, new_course, require_topic
from autograder.suite import collect
from tests.toolkit.command_line import cold_runner

FILES = [
    "assignments/units/units.md",
    "reference/contracts/units.toml",
    "reference/misconceptions/units.py",
    "reference/units.py",
    "reference/variants/units.py",
    "tests/hidden/test_units.py",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "course"
    folder.mkdir()
    return folder


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_in_an_empty_folder_it_starts_a_course_and_says_what_is_next(folder: Path) -> None:
    said = cold_runner(folder)("new", "units", "--title", "Units").stdout
    assert f"{folder} is a course now: {', '.join(COURSE_FILES)}" in said
    assert listed(folder) == sorted([*FILES, *COURSE_FILES])
    assert all(f"\n{path}\n" in said for path in FILES)
    assert "next:  autograder release units\n" in said


def test_in_a_course_it_adds_an_assignment_and_touches_nothing_else(folder: Path) -> None:
    course = new_course(folder)
    new_assignment(course, "first")
    earlier = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    below = folder / "assignments"
    said = cold_runner(below)("new", "units").stdout
    assert "is a course now" not in said
    assert {path: path.read_bytes() for path in earlier} == earlier
    assert course.topics() == ["first", "units"]


def test_a_folder_that_is_named_is_made(tmp_path: Path) -> None:
    cold_runner(tmp_path)("new", "units", "--course", "autumn")
    assert Course.find(tmp_path / "autumn").topics() == ["units"]


def test_files_that_are_there_are_named_and_stay(folder: Path) -> None:
    course = new_course(folder)
    hidden = folder / "tests" / "hidden" / "test_units.py"
    hidden.parent.mkdir(parents=True)
    hidden.write_text("mine\n", encoding="utf-8")
    with pytest.raises(UsageError, match=f"new writes over no file; .*\n{hidden}$"):
        new_assignment(course, "units")
    assert listed(folder) == sorted([*COURSE_FILES, "tests/hidden/test_units.py"])
    assert hidden.read_text(encoding="utf-8") == "mine\n"


def test_a_folder_with_other_files_becomes_no_course(folder: Path) -> None:
    (folder / "thesis.tex").touch()
    done = cold_runner(folder)("new", "units", code=2)
    assert f"no course at {folder}, and it is not empty: it holds 'thesis.tex'" in done.stderr
    assert listed(folder) == ["thesis.tex"]


def test_a_fresh_repository_counts_as_empty_and_keeps_its_gitignore(folder: Path) -> None:
    for name in ("README.md", "LICENSE", ".git/HEAD"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / ".gitignore").write_text("*.o\n", encoding="utf-8")
    new_course(folder)
    ignored = (folder / ".gitignore").read_text(encoding="utf-8")
    assert ignored.startswith("*.o\n\n#")
    assert {"submitted/", "results/", ".autograder/", "gradebook.db"} <= set(ignored.splitlines())


@pytest.mark.parametrize("topic", ["", "Units", "2units", "my units", "units.py", "../units", "größe", "a" * 65, "-x"])
def test_a_bad_name_is_told_what_a_name_may_be(topic: str) -> None:
    with pytest.raises(UsageError, match="use lower-case letters, digits and underscores, a letter first"):
        require_topic(topic)


def test_a_word_of_python_names_no_assignment(folder: Path) -> None:
    done = cold_runner(folder)("new", "lambda", code=2)
    assert "'lambda' is a word of Python's and no name for a module" in done.stderr
    assert listed(folder) == []


@pytest.mark.parametrize("title", ['Units: "smooth" ones', "TOPIC and TITLE", "[a, b]", "# Größe", "\\begin $x$"])
def test_any_title_of_one_line_arrives_as_it_is(folder: Path, title: str) -> None:
    course = new_course(folder)
    new_assignment(course, "units", title)
    handout = course.assignment("units").handout
    assert read_front_matter(handout).title == title
    assert f"\n# {title}\n" in handout.read_text(encoding="utf-8")


@pytest.mark.parametrize("title", [" ", "two\nlines", "\x1b[31mred"])
def test_a_title_that_is_no_line_of_text_is_refused(folder: Path, title: str) -> None:
    with pytest.raises(UsageError, match="write one line of printable characters"):
        new_assignment(new_course(folder), "units", title)


def test_what_it_writes_is_in_the_style_of_this_project(folder: Path) -> None:
    new_assignment(new_course(folder), "units")
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--check", "--line-length=120"], ["check", "--line-length=120", "--ignore=F821"]):
        done = subprocess.run([*ruff, *command, "--isolated", folder], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_its_tests_have_a_gate_a_property_and_an_error_case(folder: Path) -> None:
    course = new_course(folder)
    new_assignment(course, "units")
    suite = collect(course, course.assignment("units"))
    assert [test.question.gate for test in suite.tests].count(True) == 1
    assert all(test.drawn for test in suite.tests)
    assert suite.points("swish") == 5
    assert "refuses" in suite.tests[-1].name
