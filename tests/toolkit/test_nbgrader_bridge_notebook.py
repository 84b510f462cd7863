from __future__ import annotations

import json
from pathlib import Path

import msgspec
import nbformat
import pytest
from nbformat import NotebookNode

from autograder.course import Course
from autograder.disclosure import for_student
from autograder.model import CellRecord, GradeReport
from autograder.nbgrader_bridge.autograded import MISSING, build, read_released
from autograder.nbgrader_bridge.markdown import to_safe_html
from autograder.nbgrader_bridge.summary import comment, outcome
from autograder.submissions import read_bytes
from autograder.words import points
from tests.toolkit.reports import HOSTILE_TEXTS, SAMPLES, hostile
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import answered, cell_of, duplicated, graded, odd, released_course, released_notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return released_course(tmp_path_factory.mktemp("released"))


def built(course: Course, notebook: NotebookNode | bytes, report: GradeReport | None = None) -> NotebookNode:
    data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    made = build(read_released(course.assignment(TOPIC), TOPIC), data, report).notebook
    nbformat.validate(made)
    assert nbformat.writes(made).encode("utf-8")
    return made


def test_frame_and_checks_are_the_released_ones(course: Course) -> None:
    made, original = built(course, odd(course)), released_notebook(course)
    for name in ("halve-answer", "halve", "Halver-answer", "Halver", "explain_halving"):
        assert cell_of(made, name).metadata.nbgrader == cell_of(original, name).metadata.nbgrader
    for name in ("halve", "Halver"):
        assert cell_of(made, name).source == cell_of(original, name).source
    assert cell_of(made, "Halver").outputs[0].text == f"{MISSING}\n"
    names = [cell.metadata.nbgrader.grade_id for cell in made.cells if "nbgrader" in cell.metadata]
    assert names.index("Halver") == names.index("Halver-answer") + 1
    assert made.metadata.kernelspec == original.metadata.kernelspec
    (raw,) = [cell for cell in made.cells if cell.cell_type == "raw"]
    assert raw.metadata == {"raw_mimetype": "text/plain"}  # pages show no such cell


def test_of_copies_the_last_one_counts(course: Course) -> None:
    notebook = duplicated(course)
    notebook.cells[-1].source = "# the last cell"
    late = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "halve-answer"]
    late[1].source = "def halve(x): return 0.5 * x"
    made = built(course, notebook)
    assert cell_of(made, "halve-answer").source == "def halve(x): return 0.5 * x"
    assert "def halve(x):\n    return x / 2" in "\n".join(cell.source for cell in made.cells)


def test_only_our_outputs_are_shown(course: Course) -> None:
    made = built(course, answered(course), graded("ada", cells=(CellRecord(index=9, status="ok"),)))
    outputs = {cell.metadata.nbgrader.grade_id: cell.outputs for cell in made.cells if cell.get("outputs")}
    assert set(outputs) == {"halve", "Halver"}
    assert {output.name for each in outputs.values() for output in each} == {"stdout"}
    assert "steal" not in json.dumps(made)


def test_a_cell_that_stopped_says_so(course: Course) -> None:
    notebook = answered(course)
    last = len(notebook.cells) - 1
    report = graded("ada", cells=(CellRecord(index=last, status="error", message="NameError: name 'torch'"),))
    assert built(course, notebook, report).cells[-1].outputs[0].text == (
        "This cell stopped with an error: NameError: name 'torch'\n"
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"{}",
        b'{"cells": 3}',
        b'{"cells": [1, null, {}, {"cell_type": "code"}, {"cell_type": 7, "source": [1]}]}',
        b'{"cells": [{"cell_type": "code", "source": "\\ud800", "metadata": {"nbgrader": {"grade_id": ["halve"]}}}]}',
        b'{"worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1"}]}], "nbformat": 3}',
        b'{"cells": [{"cell_type": "markdown", "source": "a", "attachments": {"p": {"image/png": "<x>"}, "q": 1}}]}',
        b'{"cells": ' + json.dumps([{"cell_type": "code", "source": ""}] * 3000).encode() + b"}",
    ],
)
def test_any_bytes_give_a_valid_notebook(course: Course, data: bytes) -> None:
    made = built(course, data)
    for name in ("halve-answer", "halve", "Halver-answer", "Halver", "explain_halving"):
        assert cell_of(made, name)


def test_pictures_of_a_written_answer_stay(course: Course) -> None:
    notebook = answered(course, "![proof](attachment:p.png)")
    cell_of(notebook, "explain_halving").attachments = {
        "p.png": {"image/png": "AAAA", "text/html": "<b>"},
        "o.png": {"image/png": '" onerror="steal()'},
        "q.svg": {"image/svg+xml": "<svg/>"},
    }
    made = built(course, notebook)
    assert cell_of(made, "explain_halving").attachments == {"p.png": {"image/png": "AAAA"}}


def test_links_folders_and_large_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    assert read_bytes(tmp_path / "secret", 6) == b"secret"
    assert [read_bytes(tmp_path / name, 100) for name in ("link", ".", "absent")] == [b"", b"", b""]
    assert read_bytes(tmp_path / "secret", 5) == b""


@pytest.mark.parametrize("linked", ["submitted/eve", "submitted/eve/topic"])
def test_another_students_notebook_is_not_read_behind_a_link(tmp_path: Path, linked: str) -> None:
    theirs = tmp_path / "submitted" / "ada" / "topic" / "topic.ipynb"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"their work")
    link = tmp_path / linked
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(theirs.parents[0 if linked.endswith("topic") else 1])
    assert (tmp_path / "submitted" / "eve" / "topic" / "topic.ipynb").read_bytes() == b"their work"
    assert read_bytes(tmp_path / "submitted" / "eve" / "topic" / "topic.ipynb", 100) == b""


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_texts_of_students_are_shown_as_text(text: str) -> None:
    (question,) = [item for item in for_student(hostile(text), "full").questions if item.kind == "auto"]
    for test in question.tests:
        alone = msgspec.structs.replace(question, tests=(test,))
        assert len(outcome(alone)) < 20_000
        assert len(comment(alone)) < 20_000
    for said in (outcome(question), comment(question)):
        assert "\x1b" not in said
        assert "\u202e" not in said
        page = to_safe_html({}, said)
        assert "<script" not in page
        assert "<img src=x onerror" not in page
        assert 'href="javascript' not in page


@pytest.mark.parametrize("name", SAMPLES)
def test_result_and_comment_open_with_the_score(name: str) -> None:
    for question in SAMPLES[name]().questions:
        if question.kind == "auto":
            heading = outcome(question).splitlines()[0]
            assert f"of {points(question.max_score)} point" in heading
            assert comment(question).splitlines()[0] == heading


# Markdown


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("**b** `<x>`", "<p><strong>b</strong> <code>&lt;x&gt;</code></p>"),
        ("[a](https://x.example)", '<p><a href="https://x.example">a</a></p>'),
        ("![a](files/a.png)", '<p><img src="files/a.png" alt="a"></p>'),
        ("$a < b$", "<p>$a &lt; b$</p>"),
    ],
)
def test_formatting_stays(source: str, kept: str) -> None:
    assert to_safe_html({}, source).strip() == kept


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<p onclick=alert(1)>x</p>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,AAAA)",
        "<a href=' data:text/html,x'>x</a>",
        "<style>p {display: none}</style>",
        "![x](https://spy.example/x.png)",
        "<img src='//spy.example/x.png'>",
        "<svg><script>alert(1)</script></svg>",
        "<iframe src='https://spy.example'></iframe>",
        "<form action='/formgrader/api'><button>x</button></form>",
    ],
)
def test_active_content_goes(source: str) -> None:
    page = to_safe_html({}, source)
    tags = [part.split(">")[0] for part in page.split("<")[1:]]
    assert not [tag for tag in tags if tag.startswith(("script", "style", "svg", "iframe", "form", "button"))]
    assert not [tag for tag in tags if "onclick" in tag or "onerror" in tag or "javascript:" in tag or "data:" in tag]
    assert not [tag for tag in tags if tag.startswith("img") and "spy" in tag.partition("src=")[2]]


def test_formulas_make_no_links() -> None:
    assert "\\href" not in to_safe_html({}, "$\\href{javascript:alert(1)}{x} \\hrefs$").replace("\\hrefs", "")
