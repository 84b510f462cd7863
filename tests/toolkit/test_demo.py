from __future__ import annotations

import io
from pathlib import Path

import nbformat
import pytest
from rich.console import Console

from autograder.course import Course
from autograder.demo import _copy, _print_places, demo
from autograder.errors import AuthoringError, UsageError
from autograder.model import GradeReport, Verdict
from autograder.nbgrader_bridge import configured_db_url
from autograder.nbgrader_bridge.database import open_gradebook
from autograder.release import release
from autograder.samples import Material, sample_class
from autograder.specimens import Workbook
from tests.toolkit.tiny import TOPIC, opened, tiny_course
from tests.toolkit.two_notebooks import divided_course

ROOT = Path(__file__).parents[2]

VERDICTS = {
    "ada": Verdict.PASSED,
    "grace": Verdict.PASSED,
    "emmy": Verdict.PASSED,
    "sofia": Verdict.PASSED,
    "alan": Verdict.FAILED,
    "george": Verdict.MISSING,
    "ivan": Verdict.ERROR,
    "quentin": Verdict.INVALID_SUBMISSION,
    "rosa": Verdict.INVALID_SUBMISSION,
    "stephen": Verdict.CRASHED,
    "tim": Verdict.ERROR,
    "ursula": Verdict.TIMEOUT,
    "vera": Verdict.MEMORY,
    "wanda": Verdict.PROTOCOL,
    "xavier": Verdict.FORBIDDEN,
}
UNTIDY = ("joan", "karen", "leonhard", "maryam", "niels", "olga", "pierre")


def shown(course: Course, output: Path) -> str:
    console = Console(file=io.StringIO(), width=200)
    demo(course, output, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.slow
def test_demonstration_of_this_course(tmp_path: Path) -> None:
    output = tmp_path / "demo"
    text = shown(Course(ROOT), output)
    paths = sorted((output / "results" / "attention").glob("*.json"))
    reports = {path.stem: GradeReport.from_json(path.read_bytes()) for path in paths}
    assert len(reports) >= 24
    verdicts = {name: report.verdict for name, report in reports.items()}
    assert VERDICTS.items() <= verdicts.items()
    assert {reports[name].score for name in UNTIDY} == {reports["ada"].score}
    assert all(report.score == 0 for report in reports.values() if report.verdict is Verdict.INVALID_SUBMISSION)
    for name, report in reports.items():
        assert (output / "feedback" / name / "attention.html").is_file()
        assert f"\n{name} " in text
        assert str(report.verdict) in text
    assert "../feedback/alan/attention.html" in (output / "reports" / "attention.html").read_text(encoding="utf-8")
    _look_into_gradebook(output, reports)


def _look_into_gradebook(output: Path, reports: dict[str, GradeReport]) -> None:
    gradebook = open_gradebook(f"sqlite:///{output / 'gradebook.db'}", "deep-learning")
    try:
        for name, report in reports.items():
            assert gradebook.find_submission("attention", name).score == pytest.approx(report.score), name
        assert gradebook.find_submission("attention", "grace").total_seconds_late == 2 * 3600
        assert gradebook.find_submission("attention", "ada").total_seconds_late == 0
    finally:
        gradebook.close()


def test_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=f"{tmp_path} is not empty and no earlier demonstration; name a fresh folder"):
        shown(tiny_course(tmp_path / "elsewhere"), tmp_path)
    assert precious.read_text(encoding="utf-8") == "mine"


def test_earlier_demonstration_makes_room_for_a_new_one(tmp_path: Path) -> None:
    course, output = tiny_course(tmp_path), tmp_path / "demo"
    Course(course.root).state.mkdir()
    (course.state / "seed").write_text("the course's own", encoding="utf-8")
    _copy(course, output)
    (output / "old.txt").touch()
    copied = _copy(course, output)
    assert sorted(entry.name for entry in output.iterdir()) == [
        ".autograder",
        "assignments",
        "nbgrader_config.py",
        "reference",
        "tests",
    ]
    assert copied.topics() == [TOPIC]
    assert not (copied.state / "seed").exists()


def test_no_command_in_the_demonstration_reaches_the_gradebook_of_the_course(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("c.CourseDirectory.db_url = 'postgresql://host/the_real_one'\n")
    copied = _copy(course, tmp_path / "demo")
    assert configured_db_url(copied) == f"sqlite:///{tmp_path / 'demo' / 'gradebook.db'}"


def test_a_gradebook_of_the_environment_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told() -> str:
        console = Console(file=io.StringIO(), width=200)
        _print_places(Course(tmp_path), TOPIC, console)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    monkeypatch.delenv("AUTOGRADER_DB", raising=False)
    assert "AUTOGRADER_DB" not in told()
    monkeypatch.setenv("AUTOGRADER_DB", "postgresql://me:secret@host/real")
    assert "AUTOGRADER_DB is set: first 'unset' it, or this sample class enters the gradebook that it names" in told()
    assert told().index("unset AUTOGRADER_DB") < told().index(f"autograder grade {TOPIC}")
    assert "secret" not in told()


def test_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "demo").touch()
    with pytest.raises(UsageError, match="no earlier demonstration"):
        shown(tiny_course(tmp_path), tmp_path / "demo")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "demo"
    with pytest.raises(UsageError, match=rf"cannot write {output}: Not a directory; put that right and run again"):
        shown(tiny_course(tmp_path), output)


def test_course_without_an_assignment(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").touch()
    with pytest.raises(
        UsageError, match=r"no assignment of one notebook in .* to show; make one: autograder new TOPIC"
    ):
        shown(Course(tmp_path), tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


def test_the_assignment_shown_has_one_notebook_and_others_are_no_hindrance(tmp_path: Path) -> None:
    course = divided_course(tmp_path)
    with pytest.raises(UsageError, match="no assignment of one notebook in"):
        shown(course, tmp_path / "demo")
    root = course.root
    for path in ("assignments/aaa/aaa.md", "reference/attention.py", "tests/hidden/test_attention.py"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text("not a handout\n" if path.endswith(".md") else "", encoding="utf-8")
    (root / "assignments/attention").mkdir()
    whole = (root / f"assignments/{TOPIC}/second.md").read_text(encoding="utf-8")
    header = "autograder: {title: Attention}\nkernelspec"
    (root / "assignments/attention/attention.md").write_text(whole.replace("kernelspec", header), encoding="utf-8")
    with pytest.raises(AuthoringError, match=r"attention"):
        shown(course, tmp_path / "demo")


def test_class_of_any_assignment(tmp_path: Path) -> None:
    """Students and notebooks are made without grading them; what attention alone has is left out."""
    course = tiny_course(tmp_path)
    release(course, TOPIC)
    assignment, suite = opened(course)
    fresh = Course(course.root)
    released = nbformat.read(assignment.release_folder / f"{TOPIC}.ipynb", as_version=nbformat.NO_CONVERT)
    samples = sample_class(Material(fresh, assignment, suite, Workbook.of(assignment, suite), released))
    names = [sample.student for sample in samples]
    assert len(set(names)) == len(names) == 23
    assert "xavier" not in names
    wrong = {sample.note for sample in samples if sample.note.startswith("misconception")}
    assert wrong == {"misconception: halve rounding down", "misconception: HalverOnlyOnce"}
