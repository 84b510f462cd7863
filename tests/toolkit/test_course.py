from __future__ import annotations

import sys
from pathlib import Path

import pytest

import autograder.course
from autograder.course import Course, file_digest, read_front_matter
from autograder.errors import AuthoringError, UsageError
from autograder.model import Limits
from tests.toolkit.tiny import TOPIC, edit, tiny_course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return tiny_course(tmp_path)


def handout(tmp_path: Path, header: str) -> Path:
    path = tmp_path / "topic.md"
    path.write_text(f"---\n{header}\n---\n# Title\n", encoding="utf-8")
    return path


def test_a_course_is_found_from_any_folder_inside(course: Course) -> None:
    assert Course.find(course.root) == course
    assert Course.find(course.root / "assignments" / TOPIC) == course


def test_outside_of_a_course_the_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no course at .*: neither it nor a folder above holds nbgrader_config.py"):
        Course.find(tmp_path)


def test_assignments_are_found_by_location(course: Course) -> None:
    for name in ("zeta", "alpha"):
        (course.root / "assignments" / name).mkdir()
        (course.root / "assignments" / name / f"{name}.md").write_text("", encoding="utf-8")
    (course.root / "assignments" / "alpha" / "notes.md").write_text("", encoding="utf-8")
    assert course.topics() == ["alpha", TOPIC, "zeta"]


def test_an_assignment_knows_its_files_and_its_header(course: Course) -> None:
    found = course.assignment(TOPIC)
    for path in (found.handout, found.files, found.reference, found.misconceptions, found.variants, found.hidden_tests):
        assert path.exists(), path
    assert found.source_of(TOPIC) == course.root / "assignments" / TOPIC / f"{TOPIC}.ipynb"
    assert found.release_folder == course.root / "release" / TOPIC
    assert found.front.title == "Halving"
    assert found.front.limits == Limits(call_seconds=2.0)
    assert {name: question.points for name, question in found.front.manual.items()} == {"explain_halving": 2.0}
    assert (found.front.feedback, found.front.device) == ("full", "any")


def test_a_mistyped_assignment_gets_the_nearest_name(course: Course) -> None:
    with pytest.raises(UsageError, match=r"no assignment 'halvign' in .*; did you mean 'halving'"):
        course.assignment("halvign")
    with pytest.raises(UsageError, match=r"no assignment 'x' in .*; there are: halving"):
        course.assignment("x")


def test_an_empty_course_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are: none"):
        Course(tmp_path).assignment("x")


@pytest.mark.parametrize("name", ["Halving", "2halves", "halving-two"])
def test_an_assignment_is_named_like_a_module(course: Course, name: str) -> None:
    folder = course.root / "assignments" / name
    folder.mkdir()
    (folder / f"{name}.md").write_bytes(course.assignment(TOPIC).handout.read_bytes())
    with pytest.raises(AuthoringError, match=f"assignment name '{name}': use lower-case letters, digits"):
        course.assignment(name)


@pytest.mark.parametrize(
    ("path", "role"), [("reference/halving.py", "reference"), ("tests/hidden/test_halving.py", "hidden tests")]
)
def test_a_missing_file_is_named(course: Course, path: str, role: str) -> None:
    (course.root / path).unlink()
    with pytest.raises(AuthoringError, match=f"assignment 'halving' has no {role}: .*{path} is missing"):
        course.assignment(TOPIC)


def test_a_header_says_what_is_particular(tmp_path: Path) -> None:
    text = "autograder: {title: T, feedback: category, device: cuda, limits: {memory_bytes: 1000, restarts: 0}}"
    front = read_front_matter(handout(tmp_path, text))
    assert (front.title, front.feedback, front.device) == ("T", "category", "cuda")
    assert (front.limits.memory_bytes, front.limits.restarts, front.manual) == (1000, 0, {})


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("autograder: {title: [", "the header is not YAML"),
        ("- a list", "the header has no 'autograder' key; at least 'title' belongs under it"),
        ("kernelspec: {}", "the header has no 'autograder' key"),
        ("autograder: {}", "under 'autograder': .*title"),
        ("autograder: just a title", "under 'autograder': Expected `object`"),
        ("autograder: {title: T, titel: U}", "under 'autograder': .*unknown field `titel`"),
        ("autograder: {title: T, limits: {call_second: 5}}", "unknown field `call_second`"),
        ("autograder: {title: T, feedback: none}", r"Invalid enum value 'none' - at `\$.feedback`"),
        ("autograder: {title: T, manual: {q: {point: 2}}}", "unknown field `point`"),
        ("autograder: {title: T, manual: {q: {points: two}}}", r"Expected `float`, got `str` - at `\$.manual\[...\]"),
    ],
)
def test_a_wrong_header_names_the_file_and_the_field(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(AuthoringError, match=rf"topic.md(, line 2)?: .*{message}"):
        read_front_matter(handout(tmp_path, header))


def test_a_handout_needs_a_header(tmp_path: Path) -> None:
    path = tmp_path / "topic.md"
    path.write_text("# Title\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"topic.md: has no YAML header between two lines of ---"):
        read_front_matter(path)


def test_a_module_is_loaded_once_under_its_name_in_the_course(course: Course) -> None:
    module = course.load(course.assignment(TOPIC).reference)
    assert module.__name__ == f"reference.{TOPIC}"
    assert sys.modules[module.__name__] is module
    assert course.load(course.assignment(TOPIC).reference) is module


def test_an_edit_counts_whatever_a_cached_pyc_says(course: Course) -> None:
    path = course.assignment(TOPIC).reference
    assert course.load(path)._FACTOR == 0.5
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"_FACTOR = 0.5", b"_FACTOR = 0.7"))
    assert path.stat().st_size == before.st_size
    assert Course(course.root).load(path)._FACTOR == 0.7


def test_two_courses_in_one_process_do_not_mix(tmp_path: Path) -> None:
    one, two = tiny_course(tmp_path / "one"), tiny_course(tmp_path / "two")
    edit(two.root / "reference" / f"{TOPIC}.py", "_FACTOR = 0.5", "_FACTOR = 0.25")
    for course, factor in ((one, 0.5), (two, 0.25), (one, 0.5)):
        fresh = Course(course.root)
        wrong = fresh.load(fresh.assignment(TOPIC).misconceptions)
        base = wrong.HalverOnlyOnce.__mro__[1]
        home = sys.modules[base.__module__]
        assert vars(home)["_FACTOR"] == factor
        assert home.__file__ == str(course.root / "reference" / f"{TOPIC}.py")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 / 0", "importing it raised ZeroDivisionError: division by zero"),
        ("def f(:", "importing it raised SyntaxError"),
        ("import autograder.nothing", "importing it raised ModuleNotFoundError"),
        ("from autograder.testing import question; question('q', points=0)", "question 'q': points=0"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named(course: Course, line: str, message: str) -> None:
    path = course.assignment(TOPIC).hidden_tests
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(AuthoringError, match=f"test_halving.py, line 1: {message}"):
        course.load(path)


def test_a_digest_tells_names_bytes_and_absence_apart(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    digests = {file_digest(one), file_digest(one, two)}
    one.write_bytes(b"1")
    digests |= {file_digest(one), file_digest(one, two)}
    two.write_bytes(b"1")
    digests |= {file_digest(two), file_digest(one, two), file_digest(two, one)}
    one.write_bytes(b"(missing)")
    digests |= {file_digest(one)}
    assert len(digests) == 8
    assert file_digest(two) == file_digest(two)


def test_the_digest_of_tests_covers_what_they_may_import(course: Course) -> None:
    assignment = course.assignment(TOPIC)
    digest = autograder.course.tests_digest
    before = digest(assignment)
    (assignment.hidden_tests.parent / "test_other.py").write_text("", encoding="utf-8")
    (assignment.hidden_tests.parent / "conftest.py").write_text("", encoding="utf-8")
    assert digest(assignment) == before
    (assignment.hidden_tests.parent / "common.py").write_text("", encoding="utf-8")
    beside = digest(assignment)
    edit(assignment.hidden_tests, "points=1.5", "points=1.6")
    assert len({before, beside, digest(assignment)}) == 3
