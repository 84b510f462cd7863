"""An assignment of several notebooks: each graded on its own, all of them one grade."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path

import msgspec
import nbformat
import pytest
from msgspec.structs import replace
from nbgrader.api import Gradebook

from autograder import api, replay
from autograder.cluster.parcel import Work, pack, unpack
from autograder.cluster.worker import reading, submission_of
from autograder.course import Course
from autograder.errors import AuthoringError, InvalidSubmission, UsageError
from autograder.exports.gradescope import results_json
from autograder.feedback import render
from autograder.gradebook import GradebookWriter
from autograder.model import GradeReport, Limits, Verdict
from autograder.nbgrader_bridge.finals import read_finals
from autograder.provenance import Options, basis_of
from autograder.recording import record_class
from autograder.release import release
from autograder.runner import Grader
from autograder.seed import Seed
from autograder.submissions import MOST_BYTES, find_submissions, parted, read_submission, submitted_bytes
from tests.toolkit.handed_in import HALVE, HALVER, WRONG_HALVE
from tests.toolkit.test_nbgrader_bridge import nbgrader
from tests.toolkit.tiny import TINY, TOPIC, edit
from tests.toolkit.two_notebooks import SECOND, answered, hand_in, released_course

GONE = "no notebook was handed in: second.ipynb is not there"
CRASH = "import os\n\ndef halve(x):\n    os._exit(3)\n"


def grade(course: Course, **options: bool) -> tuple[dict[str, GradeReport], tuple[str, ...]]:
    order = api.Order(TOPIC, course.submitted, course.results, jobs=1, gradebook=options.pop("gradebook", False))
    done = api.grade_class(course, order, lambda *_: None, lambda *_: None)
    return {report.student: report for report in done.reports}, done.fresh


def points(report: GradeReport) -> list[tuple[str, str, float | None, str]]:
    return [(q.notebook, q.name, q.score, str(q.verdict)) for q in report.questions]


@pytest.fixture(scope="module")
def a_class(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class that was graded, gradebook and pages included."""
    course = released_course(tmp_path_factory.mktemp("several"))
    hand_in(course, "ada").joinpath("timestamp.txt").write_text("2026-03-01 10:00:00 UTC\n", encoding="utf-8")
    hand_in(course, "bob", second=None)
    hand_in(course, "cat", halving=b"{")
    hand_in(course, "dan", halving=None, second=None)
    hand_in(course, "eve", halving=answered(course, TOPIC, **{"halve-answer": CRASH}))
    selfish = answered(course, TOPIC, **{"halve-answer": f"{HALVE}\nHalver = torch = None"})
    hand_in(course, "fay", halving=selfish, second=answered(course, SECOND, **{"Halver-answer": "def Halver(: 1"}))
    hand_in(course, "gus", halving=answered(course, TOPIC, **{"halve-answer": WRONG_HALVE}))
    grade(course, gradebook=True)
    return course


@pytest.fixture(scope="module")
def reports(a_class: Course) -> dict[str, GradeReport]:
    return {path.stem: GradeReport.from_json(path.read_bytes()) for path in a_class.results.glob(f"{TOPIC}/*.json")}


WAITS = (SECOND, "explain_halving", None, "deferred")


@pytest.mark.parametrize(
    ("student", "first", "second", "said"),
    [
        ("ada", (3.0, "passed"), (2.0, "passed"), ""),
        ("bob", (3.0, "passed"), (0.0, "invalid_submission"), GONE),
        ("cat", (0.0, "invalid_submission"), (2.0, "passed"), "halving.ipynb: the notebook cannot be read: it ends"),
        (
            "dan",
            (0.0, "invalid_submission"),
            (0.0, "invalid_submission"),
            "halving.ipynb is not there; no notebook was",
        ),
        ("eve", (0.0, "crashed"), (2.0, "passed"), ""),
        ("fay", (3.0, "passed"), (0.0, "missing"), ""),
        ("gus", (0.0, "failed"), (2.0, "passed"), ""),
    ],
)
def test_a_notebook_costs_its_own_questions_alone(
    reports: dict[str, GradeReport], student: str, first: tuple[float, str], second: tuple[float, str], said: str
) -> None:
    report = reports[student]
    assert points(report) == [(TOPIC, "halve", *first), (SECOND, "Halver", *second), WAITS]
    assert said in report.message
    assert bool(said) == bool(report.message)
    assert report.score == first[0] + second[0]


def test_cells_name_their_notebook(reports: dict[str, GradeReport]) -> None:
    assert {cell.notebook for cell in reports["ada"].cells} == {TOPIC, SECOND}
    (broken,) = [cell for cell in reports["fay"].cells if cell.message.startswith("SyntaxError")]
    assert broken.place == f"cell {broken.index} of second.ipynb"


def test_what_stands_is_not_graded_again_and_a_change_of_either_notebook_is(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    for student in ("ada", "bob"):
        hand_in(course, student)
    assert grade(course)[1] == ("ada", "bob")
    assert grade(course)[1] == ()
    hand_in(course, "bob", second=answered(course, SECOND, **{"Halver-answer": f"{HALVER}\n# again"}))
    assert grade(course)[1] == ("bob",)
    edit(course.root / "tests/hidden/test_halving.py", "calls=st.integers(0, 3)", "calls=st.integers(0, 2)")
    regraded, fresh = grade(course)
    assert sorted(fresh) == ["ada", "bob"]
    assert {report.score for report in regraded.values()} == {5.0}


def test_a_grading_can_be_repeated_and_a_changed_notebook_is_told(a_class: Course) -> None:
    record = replay.read_record(a_class.results / TOPIC / "gus.json")
    plan = replay.prepare(a_class, record)
    assert plan.changes == ()
    assert replay.differences(plan, replay.run(plan, lambda _: None)) == []
    other = replace(record, provenance=replace(record.provenance, submission_sha256="0" * 64))
    assert [change.what for change in replay.prepare(a_class, other).changes] == ["the submitted notebook"]
    nobody = replace(record, student="nobody")
    with pytest.raises(UsageError, match="the submission is gone"):
        replay.prepare(a_class, nobody)


def test_results_of_another_machine_are_entered(
    a_class: Course, reports: dict[str, GradeReport], tmp_path: Path
) -> None:
    done = record_class(a_class, TOPIC, a_class.submitted, a_class.results)
    assert done.problems == {}
    assert {report.student: report for report in done.reports} == reports
    cells = (replace(reports["ada"].cells[0], notebook="third"),)
    forged = tmp_path / f"{TOPIC}" / "ada.json"
    forged.parent.mkdir()
    forged.write_bytes(replace(reports["ada"], cells=cells).to_json())
    problems = record_class(a_class, TOPIC, a_class.submitted, tmp_path).problems
    assert "tells of a notebook that this assignment does not have" in problems["ada"]


def test_bytes_of_several_notebooks_are_those_of_each_and_none_where_there_is_none(a_class: Course) -> None:
    found, _ = find_submissions(a_class.submitted, TOPIC, notebooks=(TOPIC, SECOND))
    ada, bob, dan = (next(each for each in found if each.student == name) for name in ("ada", "bob", "dan"))
    parts = parted(ada.notebooks, read_submission(ada, Limits()))
    assert {part.name: part.data for part in parts} == {name: answered(a_class, name) for name in (TOPIC, SECOND)}
    assert [bool(part.problem) for part in parted(bob.notebooks, read_submission(bob, Limits()))] == [False, True]
    assert submitted_bytes(bob) == read_submission(bob, Limits())
    assert submitted_bytes(dan) == b""
    with pytest.raises(InvalidSubmission, match=r"halving\.ipynb is not there; .*second\.ipynb is not there"):
        read_submission(dan, Limits())


def test_a_notebook_over_the_limit_costs_its_questions_and_is_graded_once(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    padded = json.loads(answered(course, SECOND)) | {"padding": " " * 30_000}
    hand_in(course, "ada", second=json.dumps(padded).encode())
    edit(
        course.root / "assignments" / TOPIC / "halving.md", "call_seconds: 2", "call_seconds: 2, notebook_bytes: 20000"
    )
    reports, fresh = grade(course)
    assert fresh == ("ada",)
    assert points(reports["ada"])[1] == (SECOND, "Halver", 0.0, "invalid_submission")
    assert reports["ada"].message.startswith("second.ipynb: the notebook has 0 MiB, more than 0")
    assert grade(course)[1] == ()
    with (course.submitted / "ada" / TOPIC / "second.ipynb").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert "more than 256" in grade(course)[0]["ada"].message
    assert grade(course)[1] == ()


def test_a_release_of_other_notebooks_stops_a_run_before_it_grades(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    hand_in(course, "ada")
    handout = course.root / "assignments" / TOPIC / "halving.md"
    handout.with_name("third.md").write_bytes(handout.with_name("second.md").read_bytes())
    whole = handout.read_text(encoding="utf-8")
    for notebooks in ("  notebooks: [halving, third]\n", ""):
        changed = whole.replace("  notebooks: [halving, second]\n", notebooks)
        handout.write_text(changed, encoding="utf-8")
        with pytest.raises(AuthoringError, match=r"was released with '\w+' in \w+\.ipynb, and the header .* names hal"):
            grade(course)
    assert not list(course.results.rglob("*.json"))


def test_a_question_that_moves_to_another_notebook_is_graded_there(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    hand_in(course, "ada")
    assert grade(course)[0]["ada"].score == 5.0
    folder = course.root / "assignments" / TOPIC
    first, mark, rest = (
        (folder / "halving.md").read_text(encoding="utf-8").partition("```{code-cell} ipython3\n:question")
    )
    (folder / "halving.md").write_text(first, encoding="utf-8")
    with (folder / "second.md").open("a", encoding="utf-8") as file:
        file.write(f"\n{mark}{rest}")
    release(course, TOPIC)
    reports, fresh = grade(course, gradebook=True)
    assert fresh == ("ada",)
    told = {name: (where, verdict) for where, name, _, verdict in points(reports["ada"])}
    assert told["halve"] == (SECOND, "missing")
    assert read_finals(course, TOPIC)["ada"].score == 2.0


def test_a_teams_copies_are_compared_by_content(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    (course.root / "roster.csv").write_text("student,team\nada,t\nbob,t\n", encoding="utf-8")
    hand_in(course, "ada", second=None)
    hand_in(course, "bob", second=None).joinpath("notes.ipynb").write_bytes(b"")
    assert {name: report.score for name, report in grade(course)[0].items()} == {"ada": 3.0, "bob": 3.0}
    hand_in(course, "bob", halving=b"", second=b"")
    assert {name: report.score for name, report in grade(course)[0].items()} == {"ada": 3.0, "bob": 3.0}


def test_an_assignment_of_one_notebook_has_the_basis_that_it_had() -> None:
    course = Course(TINY)
    front = course.assignment(TOPIC).front
    told = msgspec.json.encode(msgspec.to_builtins(Options()) | {"device": None, "gpu": None})
    before = msgspec.json.encode(front).replace(b',"notebooks":[]', b"")
    digest = hashlib.sha256(b"[%b,%b]" % (told, before)).hexdigest()[:16]
    assert basis_of(course.assignment(TOPIC), Seed(b"0" * 32), Options()).options == digest


def test_a_machine_of_a_cluster_grades_the_same(
    a_class: Course, tmp_path: Path, reports: dict[str, GradeReport]
) -> None:

    options = Options()
    there = unpack(pack(a_class, TOPIC, options), tmp_path)
    (bob,) = [s for s in find_submissions(a_class.submitted, TOPIC, notebooks=(TOPIC, SECOND))[0] if s.student == "bob"]
    work = Work("bob", TOPIC, (), notebook=read_submission(bob, Limits()))
    with Grader(there, TOPIC, options) as grader:
        report = grader.grade(submission_of(work), reading(work))
    assert (points(report), report.message) == (points(reports["bob"]), reports["bob"].message)
    assert report.provenance.submission_sha256 == reports["bob"].provenance.submission_sha256


# ---------------------------------------------------------------------------------- nbgrader and the pages


def test_each_notebook_has_its_place_in_the_gradebook(a_class: Course) -> None:
    with Gradebook(f"sqlite:///{a_class.root / 'gradebook.db'}") as gradebook:
        notebooks = {notebook.name: notebook for notebook in gradebook.find_assignment(TOPIC).notebooks}
        assert {name: notebook.max_score for name, notebook in notebooks.items()} == {TOPIC: 3.0, SECOND: 4.0}
        found = {part.name: part.score for part in gradebook.find_submission(TOPIC, "cat").notebooks}
        assert found == {TOPIC: 0.0, SECOND: 2.0}
        assert gradebook.find_submission(TOPIC, "ada").timestamp == datetime(2026, 3, 1, 10)  # noqa: DTZ001 - nbgrader's
    finals = read_finals(a_class, TOPIC)
    assert {name: (final.score, final.waits) for name, final in finals.items()} == {
        "ada": (5.0, True),
        "bob": (3.0, False),
        "cat": (2.0, True),
        "dan": (0.0, False),
        "eve": (2.0, True),
        "fay": (3.0, True),
        "gus": (2.0, True),
    }


def test_autograded_notebooks_tell_of_their_own_part(a_class: Course) -> None:
    folder = a_class.root / "autograded" / "cat" / TOPIC
    first, second = ((folder / f"{name}.ipynb").read_text(encoding="utf-8") for name in (TOPIC, SECOND))
    assert "could not be graded" in first
    assert "could not be graded" not in second
    nbformat.validate(nbformat.reads(second, as_version=4))


def test_nbgraders_own_command_gives_the_same_grades(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write("\nfrom autograder.nbgrader_bridge import configure\n\nconfigure(c)\n")
    hand_in(course, "ada")
    hand_in(course, "bob", second=None)
    hand_in(course, "cat", halving=None)
    nbgrader(course, "autograde", TOPIC)
    theirs = {name: final.scores for name, final in read_finals(course, TOPIC).items()}
    assert theirs == {
        "ada": {"halve": 3.0, "Halver": 2.0, "explain_halving": 0.0},
        "bob": {"halve": 3.0, "Halver": 0.0, "explain_halving": 0.0},
        "cat": {"halve": 0.0, "Halver": 2.0, "explain_halving": 0.0},
    }
    nbgrader(course, "generate_feedback", TOPIC)
    assert (course.root / "feedback" / "ada" / TOPIC / "second.html").is_file()
    grade(course, gradebook=True)
    assert {name: final.scores for name, final in read_finals(course, TOPIC).items()} == theirs


def test_a_late_submission_is_charged_for_all_its_notebooks_together(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as file:
        file.write('\nc.AssignLatePenalties.plugin_class = "autograder.nbgrader_bridge.late_days.LateDays"\n')
    hand_in(course, "ada").joinpath("timestamp.txt").write_text("2026-03-02 09:00:00 UTC\n", encoding="utf-8")
    GradebookWriter(course, TOPIC).close()
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        gradebook.update_or_create_assignment(TOPIC, duedate="2026-03-01 10:00:00 UTC")
    grade(course, gradebook=True)
    final = read_finals(course, TOPIC)["ada"]
    assert final.penalty == pytest.approx(0.5)  # a day: a tenth of the whole score
    assert final.score == pytest.approx(4.5)


def test_an_assignment_that_is_divided_once_it_was_graded_is_refused(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    hand_in(course, "ada")
    GradebookWriter(course, TOPIC).close()
    handout = course.root / "assignments" / TOPIC / "halving.md"
    whole = handout.read_text(encoding="utf-8")
    second = handout.with_name("second.md")
    joined = (
        whole.replace("  notebooks: [halving, second]\n", "")
        + "\n## Several"
        + second.read_text().partition("## Several")[2]
    )
    text = second.read_text(encoding="utf-8")
    for path in handout.parent.glob("second.*"):
        path.unlink()
    handout.write_text(joined, encoding="utf-8")
    release(course, TOPIC)
    GradebookWriter(course, TOPIC).close()  # nothing was graded yet
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        assert [notebook.name for notebook in gradebook.find_assignment(TOPIC).notebooks] == [TOPIC]
    grade(course, gradebook=True)
    second.write_text(text, encoding="utf-8")
    handout.write_text(whole, encoding="utf-8")
    release(course, TOPIC)
    with pytest.raises(AuthoringError, match="changed after 1 submission had been graded"):
        GradebookWriter(course, TOPIC)


def test_other_notebooks_of_an_assignment_are_left_alone(tmp_path: Path) -> None:
    """An instructor may have some of their own in nbgrader: they are neither removed nor counted."""
    course = released_course(tmp_path)
    hand_in(course, "ada")
    db = f"sqlite:///{course.root / 'gradebook.db'}"
    GradebookWriter(course, TOPIC).close()
    with Gradebook(db) as gradebook:
        gradebook.add_notebook("survey", TOPIC)
        gradebook.add_grade_cell("mood", "survey", TOPIC, max_score=1, cell_type="code")
    grade(course, gradebook=True)
    with Gradebook(db) as gradebook:
        assert {notebook.name for notebook in gradebook.find_assignment(TOPIC).notebooks} == {TOPIC, SECOND, "survey"}
    assert set(read_finals(course, TOPIC)["ada"].scores) == {"halve", "Halver", "explain_halving"}


def test_a_page_says_which_notebook(reports: dict[str, GradeReport]) -> None:
    whole, part, none = (render(reports[name], title="Halving") for name in ("ada", "bob", "dan"))
    assert "second.ipynb" in whole
    assert "Not all of your notebooks could be graded" in part
    assert GONE.capitalize() in part
    assert "could be opened as a notebook" not in part
    assert "1 of 2 tested questions fully right." in part
    silent = render(reports["bob"], title="Halving", level="category")
    assert "Missing or not to be opened: second.ipynb." in silent
    dead = replace(
        reports["ada"], message="halving.ipynb: it was busy; second.ipynb: it was busy", verdict=Verdict.TIMEOUT
    )
    assert "About your notebooks" in render(dead, title="Halving")
    cells = (replace(reports["ada"].cells[0], notebook="\u202esecond\x1b", status="error"),)
    assert not {"\u202e", "\x1b"} & set(render(replace(reports["ada"], cells=cells), title="Halving"))
    assert "None of your files could be opened as a notebook" in none
    assert "because of" not in none
    text = json.loads(results_json(reports["fay"], "full"))["output"]
    assert "of second.ipynb stopped with an error: SyntaxError" in text
