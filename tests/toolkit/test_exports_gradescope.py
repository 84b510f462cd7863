from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from autograder.archives import Member, zip_of
from autograder.commands.export import export
from autograder.disclosure import for_student
from autograder.exports.gradescope import CELLS, FAILED, failed_json, results_json
from autograder.model import CellRecord, GradeReport, Verdict
from autograder.scoring import GATE_CLOSED
from tests.toolkit import reports
from tests.toolkit.gradescope_schema import GRADED, RESULTS, read_results
from tests.toolkit.reports import manual_question, question, record, report
from tests.toolkit.tiny import TOPIC, tiny_course

SAMPLES = (reports.all_passed, reports.mixed, reports.nothing_written, reports.invalid)


def results(graded: GradeReport, level: Any = "full") -> dict[str, Any]:
    return read_results(results_json(graded, level))


@pytest.mark.parametrize("level", ["full", "category"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_results_are_as_the_platform_documents_them(sample: Callable[[], GradeReport], level: str) -> None:
    graded = sample()
    found = results(graded, level)
    assert found["score"] == graded.score
    assert sum(test.get("score", 0.0) for test in found["tests"]) == graded.score
    assert found["stdout_visibility"] == "hidden"
    assert {found[key] for key in ("output_format", "test_output_format", "test_name_format")} == {"text"}


@given(st.lists(st.tuples(st.sampled_from(Verdict), st.integers(0, 8)), max_size=6), st.booleans())
@settings(max_examples=60)
def test_points_add_up_whatever_the_verdicts(drawn: list[tuple[Verdict, int]], manual: bool) -> None:
    tests = [record(verdict, max_points=points / 4) for verdict, points in drawn]
    graded = report(question("q", *tests), *([manual_question()] if manual else []))
    if graded.verdict is Verdict.GRADER_ERROR:
        assert results_json(graded, "full") == failed_json()
        return
    found = results(graded)
    judged = [entry for entry in found["tests"] if "score" in entry]
    assert sum(entry["score"] for entry in judged) == found["score"] == graded.score
    open_points = sum(entry["max_score"] for entry in judged) + graded.pending_points
    assert open_points + (2.0 if manual else 0.0) == graded.max_score
    assert [entry["status"] for entry in judged] == [
        "passed" if test.verdict is Verdict.PASSED else "failed" for test in tests if test.points is not None
    ]


def test_what_is_not_decided_has_no_points_and_says_so() -> None:
    found = results(reports.mixed())
    deferred, manual = (found["tests"][place] for place in (4, 6))
    assert not {"score", "max_score", "status"} & (deferred.keys() | manual.keys())
    assert "needs a machine with a GPU and will be tested later" in deferred["output"]
    assert manual["output"].startswith("Waiting for a person: 2 points.")
    assert "1 point still open" in found["output"]
    assert "2 points more from questions that a person reads and scores." in found["output"]


def test_a_failure_of_the_grader_has_no_score_and_tells_nothing_of_the_inside() -> None:
    found = json.loads(results_json(reports.grader_failed(), "full"))
    jsonschema.validate(found, RESULTS)
    assert not {"score", "tests"} & found.keys()
    assert found["output"] == FAILED
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, GRADED)


def test_full_feedback_tells_all_that_the_page_tells() -> None:
    found = results(reports.mixed())
    failed = found["tests"][1]
    assert failed["name"] == "softmax: `softmax` stays finite for large scores"
    assert failed["number"] == "1.2"
    assert failed["output"].splitlines() == [
        "Not right yet.",
        "",
        "the result holds nan where the expected value has none",
        "",
        "Hint: `exp` overflows for large scores: subtract the largest score of each row first.",
        "",
        "Call:     softmax(torch.tensor([1000., 0.]), dim=-1)",
        "Expected: torch.tensor([1., 0.])",
        "Got:      torch.tensor([float('nan'), 0.])",
    ]
    assert found["tests"][2]["output"].endswith("This is probably because of softmax.")
    assert "Cell 6 of the notebook stopped with an error: NameError: name 'scores' is not defined" in found["output"]
    assert "no_max_subtraction" not in json.dumps(found)
    assert "torch.nn.functional.softmax" not in json.dumps(found)


def test_at_level_category_no_text_is_told_that_a_student_may_not_read() -> None:
    graded = reports.mixed()
    said = results_json(graded, "category").decode()
    for test in (test for q in graded.questions for test in q.tests):
        hidden = [test.message, test.hint or "", *((test.counterexample.call,) if test.counterexample else ())]
        assert not [text for text in hidden if text and json.dumps(text)[1:-1] in said]
    assert "NameError" not in said
    assert "probably because" not in said
    assert "Cell 6 of the notebook stopped with an error\\n" in said


@pytest.mark.parametrize("text", reports.HOSTILE_TEXTS)
def test_a_students_text_is_shown_as_pages_show_it(text: str) -> None:
    test = record(Verdict.FAILED, message=text, hint=text)
    graded = report(question("q", test), message=text, cells=(CellRecord(index=0, status="error", message=text),))
    found, shown = results(graded), for_student(graded, "full")
    assert shown.message in found["output"]
    assert shown.questions[0].tests[0].message in found["tests"][0]["output"]
    assert not set("\x1b\x00\u202e") & set(json.dumps(found, ensure_ascii=False))


def test_right_behind_a_shut_gate_is_no_pass() -> None:
    found = results(report(question("q", record(points=0.0, message=GATE_CLOSED))))
    assert found["tests"][0]["status"] == "failed"
    assert GATE_CLOSED in found["tests"][0]["output"]


def test_checks_of_unwritten_functions_and_the_tail_of_many_cells_are_not_listed() -> None:
    stub = CellRecord(index=0, status="error", message="NotImplementedError: write me")
    cells = (stub, *(CellRecord(index=n, status="error") for n in range(1, CELLS + 4)))
    lines = results(replace(reports.all_passed(), cells=cells), "category")["output"].splitlines()
    assert len([line for line in lines if line.startswith("Cell ")]) == CELLS
    assert "Cell 1 of" not in "\n".join(lines)
    assert lines[-1] == "... and 3 more cells."


def test_the_command_writes_an_archive_of_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course = tiny_course(tmp_path)
    for student in ("bob", "ada"):
        path = course.results / TOPIC / f"{student}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(report(question("halve", record()), student=student, assignment=TOPIC).to_json())
    export(TOPIC, format_="gradescope", course=course.root)
    path = course.root / "exports" / f"{TOPIC}-gradescope.zip"
    assert capsys.readouterr().out == f"2 students in {path}\n"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["ada/results.json", "bob/results.json"]
        assert read_results(archive.read("ada/results.json"))["score"] == 1.0


def test_the_same_members_give_the_same_archive() -> None:
    members = {"b/run": Member(b"#!/bin/sh\n", 0o755), "a": Member(b"x" * 999)}
    data = zip_of(members)
    assert data == zip_of(dict(sorted(members.items())))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert [(entry.filename, entry.external_attr >> 16 & 0o777) for entry in archive.infolist()] == [
            ("a", 0o644),
            ("b/run", 0o755),
        ]
        assert archive.testzip() is None
