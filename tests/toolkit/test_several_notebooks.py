"""An assignment of several notebooks: each graded on its own, all of them one grade."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from msgspec.structs import replace
from nbgrader.api import Gradebook

from autograder import api, replay
from autograder.ci.files import Platform
from autograder.ci.students import student_files
from autograder.cluster.parcel import Work, pack, unpack
from autograder.cluster.worker import reading, submission_of
from autograder.collecting.git import Source, notebooks_of
from autograder.collecting.taking import Arrived, Delivery, HandedIn, take
from autograder.course import Course
from autograder.errors import AuthoringError, InvalidSubmission, UsageError
from autograder.exports.gradescope import results_json
from autograder.feedback import render
from autograder.gradebook import GradebookWriter
from autograder.gradescope.run import graded
from autograder.model import GradeReport, Limits
from autograder.nbgrader_bridge.finals import read_finals
from autograder.provenance import Options
from autograder.recording import record_class
from autograder.release import build_sources, check, read_manifest, release
from autograder.runner import Grader
from autograder.similar.report import Wish, write_similar
from autograder.submissions import find_submissions, parted, read_submission, submitted_bytes
from tests.toolkit.command_line import runner
from tests.toolkit.git_repositories import bare, push
from tests.toolkit.handed_in import HALVE, HALVER, WRONG_HALVE
from tests.toolkit.test_nbgrader_bridge import nbgrader
from tests.toolkit.tiny import TOPIC, edit, opened
from tests.toolkit.two_notebooks import SECOND, answered, divided_course, hand_in, released_course

GONE = "no notebook was handed in: second.ipynb is not there"
CRASH = "import os\n\ndef halve(x):\n    os._exit(3)\n"


def grade(course: Course, **options: bool) -> tuple[dict[str, GradeReport], tuple[str, ...]]:
    order = api.Order(TOPIC, course.submitted, course.results, jobs=1, gradebook=options.pop("gradebook", False))
    done = api.grade_class(course, order, lambda *_: None, lambda *_: None)
    return {report.student: report for report in done.reports}, done.fresh


def points(report: GradeReport) -> list[tuple[str, str, float | None, str]]:
    return [(q.notebook, q.name, q.score, str(q.verdict)) for q in report.questions]


# ------------------------------------------------------------------------------------------------ authors


def test_a_release_holds_each_notebook_with_its_own_questions(tmp_path: Path) -> None:
    course = divided_course(tmp_path)
    result = release(course, TOPIC)
    assert [path.name for path in result.sources] == ["halving.ipynb", "second.ipynb"]
    assert sorted(result.files) == ["files/numbers.txt", "halving.ipynb", "manifest.json", "second.ipynb"]
    manifest = read_manifest(result.folder / "manifest.json")
    assert [(q.name, q.notebook) for q in manifest.questions] == [
        ("halve", TOPIC),
        ("Halver", SECOND),
        ("explain_halving", SECOND),
    ]
    assert check(course, TOPIC) == ""
    edit(course.root / "assignments" / TOPIC / "second.md", "# More halving", "# Still more halving")
    assert "release/halving/second.ipynb" in check(course, TOPIC)


def test_an_answer_brings_along_what_is_a_question_elsewhere(tmp_path: Path) -> None:
    """The model solution of ``Halver`` calls ``halve``, which its notebook does not ask for."""
    sources = build_sources(*opened(divided_course(tmp_path)))
    names: dict[str, object] = {}
    for cell in sources[SECOND].cells:
        if cell.cell_type == "code":
            exec(cell.source, names)  # noqa: S102 - our own model solution
    assert "halve" in names


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "halving.md",
            "[halving, second]",
            "[first, second]",
            "the assignment's own, 'halving', is not among first, s",
        ),
        ("halving.md", "[halving, second]", "[halving, Second]", "'Second' is no name; use lower-case letters"),
        ("halving.md", "[halving, second]", "[halving, second, second]", "'second' is named twice"),
        ("halving.md", "[halving, second]", "[halving, third]", "'third' has no handout; write .*third.md"),
        ("halving.md", "[halving, second]", "[halving]", "second.md: would be handed out by nbgrader"),
        (
            "second.md",
            "kernelspec",
            "autograder: {title: T}\nkernelspec",
            "second.md: the header has an 'autograder' k",
        ),
        ("second.md", "---\njupytext", "jupytext", "second.md: has no YAML header"),
        ("second.md", ":question: Halver", ":question: halve", "'halve' has 2 question cells; keep one"),
        ("halving.md", ":check: halve", ":check: Halver", "second.md.*'Halver' has 2 check cells"),
    ],
)
def test_what_authors_get_wrong_is_said_with_the_file(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    course = divided_course(tmp_path)
    edit(course.root / "assignments" / TOPIC / file, old, new)
    with pytest.raises(AuthoringError, match=said):
        release(course, TOPIC)


def test_a_check_in_another_notebook_than_its_question_is_said(tmp_path: Path) -> None:
    course = divided_course(tmp_path)
    folder = course.root / "assignments" / TOPIC
    text = (folder / "halving.md").read_text(encoding="utf-8")
    at = text.index("```{code-cell} ipython3\n:check: halve")
    (folder / "halving.md").write_text(text[:at], encoding="utf-8")
    with (folder / "second.md").open("a", encoding="utf-8") as file:
        file.write("\n" + text[at:])
    with pytest.raises(AuthoringError, match=r"second\.md, line \d+: the check of 'halve' .* in halving\.md"):
        release(course, TOPIC)


def test_every_claim_on_the_tests_can_be_verified(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    assert "12 of 12 claims hold" in runner(course.root)("verify", TOPIC).stdout


# ------------------------------------------------------------------------------------------------ grading


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


def test_results_of_another_machine_are_entered(a_class: Course, reports: dict[str, GradeReport]) -> None:
    done = record_class(a_class, TOPIC, a_class.submitted, a_class.results)
    assert done.problems == {}
    assert {report.student: report for report in done.reports} == reports


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
    small = min(parts, key=lambda part: len(part.data))
    bounded = parted(ada.notebooks, read_submission(ada, Limits(notebook_bytes=len(small.data))))
    assert [(part.name, "more than" in part.problem) for part in bounded] == [
        (name, name != small.name) for name in ada.notebooks
    ]


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


def test_a_page_says_which_notebook(reports: dict[str, GradeReport]) -> None:
    whole, part, none = (render(reports[name], title="Halving") for name in ("ada", "bob", "dan"))
    assert "second.ipynb" in whole
    assert "Not all of your notebooks could be graded" in part
    assert GONE in part
    assert "Your file could not be opened" not in part
    assert "1 of 2 tested questions fully right." in part
    assert "Your file could not be opened" in none
    text = json.loads(results_json(reports["fay"], "full"))["output"]
    assert "of second.ipynb stopped with an error: SyntaxError" in text


# --------------------------------------------------------------------------------------- other ways in and out


@pytest.fixture
def uploads(a_class: Course, tmp_path: Path) -> Iterator[tuple[Grader, Path]]:
    with Grader(a_class, TOPIC, Options(isolation="process")) as grader:
        (tmp_path / "submission" / "sub").mkdir(parents=True)
        yield grader, tmp_path


def test_gradescope_takes_both_wherever_they_lie(a_class: Course, uploads: tuple[Grader, Path]) -> None:
    grader, root = uploads
    (root / "submission" / "halving.ipynb").write_bytes(answered(a_class, TOPIC))
    assert json.loads(graded(root, grader))["score"] == 3.0
    (root / "submission" / "sub" / "second.ipynb").write_bytes(answered(a_class, SECOND))
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
        ],
        {},
    )
    taken = take(arrived, tmp_path, TOPIC, 100, {}, (TOPIC, SECOND))
    assert taken.new == ["ada", "bob"]
    assert taken.notes == {"bob": "handed in no halving.ipynb"}
    assert taken.problems == {
        "cat": "handed in no halving.ipynb and no second.ipynb",
        "dan": "handed in 2 notebooks, work/second.ipynb, work/second.ipynb; ask which one counts",
    }
    there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ipynb")}
    assert there == {"ada/halving/halving.ipynb", "ada/halving/second.ipynb", "bob/halving/second.ipynb"}
    assert take(arrived, tmp_path, TOPIC, 100, {}, (TOPIC, SECOND)).unchanged == ["ada", "bob"]


def test_a_repository_gives_both(tmp_path: Path) -> None:
    repository = bare(tmp_path / "a.git")
    push(
        repository, {"halving.ipynb": b"1", "halving/second.ipynb": b"2", "x/mine.ipynb": b"3", "x/second.ipynb": b"4"}
    )
    names = (TOPIC, SECOND)
    usual, named = Source("ada", str(repository)), Source("ada", str(repository), path="x/mine.ipynb")
    assert notebooks_of(usual, TOPIC, 100, names=names) == {TOPIC: b"1", SECOND: b"2"}
    assert notebooks_of(named, TOPIC, 100, names=names) == {TOPIC: b"3", SECOND: b"4"}


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
