"""An assignment of several notebooks: the other ways in and out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.ci.files import Platform
from autograder.ci.students import student_files
from autograder.collecting.git import Source, notebooks_of
from autograder.collecting.taking import Arrived, Delivery, HandedIn, take
from autograder.errors import NotCollected
from autograder.gradescope.run import graded
from autograder.provenance import Options
from autograder.runner import Grader
from autograder.similar.report import Wish, write_similar
from tests.toolkit.command_line import runner
from tests.toolkit.git_repositories import bare, push
from tests.toolkit.handed_in import HALVER
from tests.toolkit.tiny import TOPIC, edit
from tests.toolkit.two_notebooks import SECOND, answered, hand_in, released_course


@pytest.fixture
def uploads(tmp_path: Path) -> Iterator[tuple[Grader, Path]]:
    with Grader(released_course(tmp_path), TOPIC, Options(isolation="process")) as grader:
        (tmp_path / "submission" / "sub").mkdir(parents=True)
        yield grader, tmp_path


def test_gradescope_takes_both_wherever_they_lie(uploads: tuple[Grader, Path]) -> None:
    grader, root = uploads
    course = grader.course
    (root / "submission" / "halving.ipynb").write_bytes(answered(course, TOPIC))
    assert json.loads(graded(root, grader))["score"] == 3.0
    (root / "submission" / "sub" / "second.ipynb").write_bytes(answered(course, SECOND))
    assert json.loads(graded(root, grader))["score"] == 5.0


def files(**notebooks: bytes) -> list[HandedIn]:
    return [HandedIn(f"work/{name}.ipynb", lambda _, data=data: data) for name, data in notebooks.items()]  # type: ignore[misc]


def test_collecting_takes_those_that_are_there(tmp_path: Path) -> None:
    arrived = Arrived(
        [
            Delivery("ada", files(halving=b"1", second=b"2", third=b"3")),
            Delivery("bob", files(second=b"2")),
            Delivery("cat", files(third=b"3")),
            Delivery("dan", [*files(second=b"2"), *files(second=b"4")]),
            Delivery("eve", [*files(halving=b"1", second=b"2"), *files(second=b"4")]),
        ],
        {},
    )
    taken = take(arrived, tmp_path, TOPIC, 100, {}, (TOPIC, SECOND))
    twice = "handed in 2 notebooks, work/second.ipynb, work/second.ipynb; ask which one counts"
    assert taken.new == ["ada", "bob", "eve"]
    assert taken.notes == {"bob": "handed in no halving.ipynb", "eve": twice}
    assert taken.problems == {
        "cat": "handed in no halving.ipynb; handed in no second.ipynb",
        "dan": f"handed in no halving.ipynb; {twice}",
    }
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ipynb")}
    assert there == {
        "ada/halving/halving.ipynb",
        "ada/halving/second.ipynb",
        "bob/halving/second.ipynb",
        "eve/halving/halving.ipynb",
    }
    assert take(arrived, tmp_path, TOPIC, 100, {}, (TOPIC, SECOND)).unchanged == ["ada", "bob", "eve"]
    taken = take(Arrived([Delivery("ada", files(second=b"5"))], {}), tmp_path, TOPIC, 100, {}, (TOPIC, SECOND))
    assert taken.notes == {"ada": "handed in no halving.ipynb; halving.ipynb as collected before stays"}
    assert (tmp_path / "ada/halving/halving.ipynb").read_bytes() == b"1"


def test_a_repository_gives_both(tmp_path: Path) -> None:
    repository = bare(tmp_path / "a.git")
    push(
        repository, {"halving.ipynb": b"1", "halving/second.ipynb": b"2", "x/mine.ipynb": b"3", "x/second.ipynb": b"4"}
    )
    names = (TOPIC, SECOND)
    usual, named = Source("ada", str(repository)), Source("ada", str(repository), path="x/mine.ipynb")
    assert notebooks_of(usual, TOPIC, 100, names=names) == ({TOPIC: b"1", SECOND: b"2"}, "")
    assert notebooks_of(named, TOPIC, 100, names=names) == ({TOPIC: b"3", SECOND: b"4"}, "")
    push(repository, {"halving.ipynb": b"1" * 101, "halving/second.ipynb": b"2"}, branch="large")
    large = Source("ada", str(repository), ref="large")
    found, note = notebooks_of(large, TOPIC, 100, names=names)
    assert (found, "halving.ipynb has 101 bytes" in note) == ({SECOND: b"2"}, True)
    with pytest.raises(NotCollected, match=r"halving\.ipynb has 101 bytes.*; holds no third.ipynb and"):
        notebooks_of(large, TOPIC, 100, names=(TOPIC, "third"))
    roster = tmp_path / "roster.csv"
    roster.write_text(f"student,repository,ref\nada,{repository},large\n", encoding="utf-8")
    course = released_course(tmp_path)
    edit(course.root / "assignments" / TOPIC / "halving.md", "call_seconds: 2", "call_seconds: 2, notebook_bytes: 100")
    assert "ada: halving.ipynb has 101 bytes" in runner(course.root)("collect", TOPIC, "--git", str(roster)).stdout


def test_similarity_reads_both(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    own = "def total(values):\n    result = 0\n" + "".join(f"    result += values[{n}] * {n + 3}\n" for n in range(30))
    for student in ("ada", "bob"):
        hand_in(course, student, second=answered(course, SECOND, **{"Halver-answer": f"{HALVER}\n{own}"}))
    hand_in(course, "cat", second=None)
    written = write_similar(course, Wish(TOPIC, course.submitted), lambda _: None, lambda: None)
    assert (written.compared, written.pairs, written.unreadable) == (3, 1, [])


def test_students_start_from_both(tmp_path: Path) -> None:
    found = student_files(released_course(tmp_path), Platform.GITHUB, [TOPIC])
    assert {"halving/halving.ipynb", "halving/second.ipynb"} <= set(found)
    assert b"halving/second.ipynb" in found["README.md"]
    assert b"halving/second.ipynb" in found[".github/workflows/checks.yml"]
