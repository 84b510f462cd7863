"""The corpus of hostile notebooks: each trick earns its own verdict, and the next submission its own grade.

A file of ``tests/submissions/hostile`` says in its docstring what it tries, in ``EXPECT`` what becomes of it, and holds
cells that are appended to a right solution (``# %%``) or put in front of it (``# %% before``). ``EXPECT["unseen"]`` is
a text that must reach neither report nor page.

After each trick the machine is looked at from outside: no process and no file is left, the course is as it was, and a
mark that stands in everything secret is in no text.
"""

from __future__ import annotations

import ast
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.feedback import render
from autograder.model import GradeReport, Limits, Submission, Verdict
from autograder.provenance import Options
from autograder.runner import Grader
from autograder.sandbox.session import Session
from tests.toolkit.handed_in import RIGHT
from tests.toolkit.hosts import notebook
from tests.toolkit.outside import Outside
from tests.toolkit.test_feedback import ATTRIBUTES, TAGS, Page
from tests.toolkit.tiny import TOPIC, tiny_course

CORPUS = Path(__file__).parents[1] / "submissions" / "hostile"

WRONG = RIGHT.replace("0.5", "0.4")


@dataclass(frozen=True)
class Trick:
    """One file of the corpus."""

    name: str
    expect: dict[str, Any]
    limits: dict[str, Any] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def cells(self) -> list[str]:
        return [*self.before, RIGHT, *self.after]


def read(path: Path) -> Trick:
    head, *parts = path.read_text(encoding="utf-8").split("\n# %%")
    settings = [node for node in ast.parse(head).body if isinstance(node, ast.Assign)]
    values = {ast.unparse(node.targets[0]): ast.literal_eval(node.value) for node in settings}
    cells = [part.split("\n", 1) for part in parts]
    before = tuple(body for kind, body in cells if kind.strip() == "before")
    after = tuple(body for kind, body in cells if kind.strip() != "before")
    return Trick(path.stem, values["EXPECT"], values.get("LIMITS", {}), before, after)


TRICKS = [read(path) for path in sorted(CORPUS.glob("*.py"))]
CANARY = f"canary-{secrets.token_hex(16)}"


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grader]:
    course = tiny_course(tmp_path_factory.mktemp("hostile"))
    plant_canaries(course)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CANARY", CANARY)
        with Grader(course, TOPIC, Options(explain=False)) as found:
            yield found


def plant_canaries(course: Course) -> None:
    """The mark, in whatever a notebook must not see."""
    for path in (*course.root.glob("reference/**/*.py"), *course.root.glob("tests/hidden/*.py")):
        path.write_text(f'{path.read_text(encoding="utf-8")}\n\nCANARY = "{CANARY}"  # {CANARY}\n', encoding="utf-8")
    for path in (
        course.state / CANARY,
        course.submitted / "ada" / TOPIC / f"{TOPIC}.ipynb",
        course.results / "ada.json",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(notebook(f"# {CANARY}"))


@pytest.fixture(scope="module")
def outside(grader: Grader) -> Outside:
    grader.wait_ready()
    return Outside.of(grader._sandbox, grader.course.root)


def grade(grader: Grader, folder: Path, cells: list[str], *, explain: bool = False, **limits: Any) -> GradeReport:
    path = folder / f"{TOPIC}.ipynb"
    path.write_bytes(notebook(*cells))
    generous = {"call_seconds": 20.0, "cell_seconds": 30.0} | limits
    grader.options = Options(explain=explain, limits=Limits(**generous))
    return grader.grade(Submission(student="eve", assignment=TOPIC, path=path))


def automatic(report: GradeReport) -> str:
    """The worst verdict of the graded tests, without the question that waits for a person."""
    return min((q.verdict for q in report.questions if q.kind == "auto"), key=lambda verdict: verdict.rank)


def texts(report: GradeReport) -> list[str]:
    tests = [test for question in report.questions for test in question.tests]
    shown = [test.counterexample for test in tests if test.counterexample]
    words = [text for one in shown for text in (one.call, one.expected, one.got)]
    return [report.message, *(test.message for test in tests), *(cell.message for cell in report.cells), *words]


def assert_harmless(report: GradeReport, unseen: list[str]) -> None:
    """Nothing in the report or the student's page is code, an escape or one of the ``unseen`` texts."""
    hidden = {char for text in texts(report) for char in text if unicodedata.category(char) in ("Cc", "Cf")}
    assert hidden <= {"\n", "\t"}
    html = render(report, title="Halving")
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= TAGS
    assert {name for _, attributes in page.tags for name in attributes} <= ATTRIBUTES
    for text in unseen:
        assert text not in report.to_json().decode()
        assert text not in html


def assert_controls_hold(grader: Grader, folder: Path) -> None:
    right, wrong = grade(grader, folder, [RIGHT]), grade(grader, folder, [WRONG])
    assert (right.score, automatic(right)) == (5.0, "passed")
    assert (wrong.score, automatic(wrong)) == (0.0, "failed")


def either(expected: Any) -> list[Any]:
    return expected if isinstance(expected, list) else [expected]


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_a_trick_earns_its_verdict_and_leaves_no_trace(
    grader: Grader, outside: Outside, tmp_path: Path, trick: Trick
) -> None:
    before = outside.files()
    report = grade(grader, tmp_path, trick.cells(), **trick.limits)
    found = [report.message, *((t.name, t.verdict.value, t.message) for q in report.questions for t in q.tests)]
    assert automatic(report) in either(trick.expect["verdict"]), found
    assert report.score in either(trick.expect["score"]), found
    assert report.verdict is not Verdict.GRADER_ERROR
    assert outside.processes() == []
    assert outside.files() == before
    assert_harmless(report, unseen=[CANARY, *either(trick.expect.get("unseen", []))])
    assert_controls_hold(grader, tmp_path)


@pytest.mark.parametrize("name", ["random_answers", "huge_answer", "exit_in_call", "evaluator_patched", "loop_in_call"])
def test_looking_for_an_explanation_survives_the_trick(grader: Grader, tmp_path: Path, name: str) -> None:
    trick = next(trick for trick in TRICKS if trick.name == name)
    report = grade(grader, tmp_path, trick.cells(), explain=True, **trick.limits)
    assert automatic(report) in either(trick.expect["verdict"])
    assert report.score in either(trick.expect["score"])


def test_the_look_from_outside_sees_what_lives_and_what_was_written(grader: Grader, outside: Outside) -> None:
    before = outside.files()
    session = Session(grader._sandbox, notebook("import subprocess\nsubprocess.Popen(['sleep', '1000'])"), Limits())
    session.open()
    assert len(outside.processes()) >= 2
    session.close()
    assert outside.processes() == []
    shared = [Path("/tmp") / CANARY] if os.getuid() == 0 else []  # see Outside
    for path in (grader.course.results / "new.json", *shared):
        path.touch()
        os.chown(path, outside.uid, -1)
        assert set(outside.files()) - set(before) == {str(path)}
        path.unlink()
        assert set(outside.files()) == set(before)


def test_a_search_finds_what_can_be_seen(grader: Grader, tmp_path: Path) -> None:
    """The search for the mark is a real one: left in a file, it is found and the answer is right."""
    search = next(trick for trick in TRICKS if trick.name == "search_canary")
    planted = f"open('/tmp/seen', 'w').write({CANARY!r})"
    assert grade(grader, tmp_path, [planted, *search.cells()]).score == 5.0


def test_a_trick_says_what_it_tries() -> None:
    for path in CORPUS.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8").split("\n# %%")[0])
        assert ast.get_docstring(tree), path


def test_where_two_outcomes_are_right_the_file_says_why() -> None:
    for path in CORPUS.glob("*.py"):
        (line,) = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("EXPECT")]
        assert "[" not in line or "  # " in line, path


def test_every_file_has_its_row_in_the_readme_and_every_row_its_file() -> None:
    listed = re.findall(r"`hostile/(\w+)`", (CORPUS.parent / "README.md").read_text(encoding="utf-8"))
    assert set(listed) == {trick.name for trick in TRICKS}


def test_the_report_says_nothing_of_the_secret(grader: Grader, tmp_path: Path) -> None:
    report = grade(grader, tmp_path, [WRONG])
    text = json.dumps(json.loads(report.to_json()))
    assert grader.seed.secret.hex() not in text
