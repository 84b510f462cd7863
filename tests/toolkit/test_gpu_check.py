from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import gpu
from autograder.model import Flag, GradeReport, Verdict
from benchmarks import gpu_check, gpu_corpus, gpu_parts
from benchmarks.gpu_parts import Part
from tests.toolkit.reports import question, record, report

SCRIPT = Path(gpu_check.__file__)
EVERY = ("test_double", "test_any_tensor", "test_large", "test_draw")


def chosen(folder: Path, *words: str) -> argparse.Namespace:
    return gpu_check.options(["--output", str(folder), "--topic", "conv_output_size", *words])


@pytest.mark.skipif(not gpu.problem_without_asking(), reason="there is a GPU here")
def test_without_a_gpu_it_claims_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--output", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no GPU here (" in done.stderr
    assert not (tmp_path / "out").exists()


def test_output_or_wheels_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        gpu_check.options([])
    assert "say where the report goes: --output DIR" in capsys.readouterr().err


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gpu_check, "NEEDS", ("numpy", "no_such_library"))
    assert gpu_check.main(["--output", "/nowhere"]) == 2
    assert "not installed: no_such_library; name a folder of wheels: --wheels DIR" in capsys.readouterr().err


def test_folder_without_wheels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds no wheels; make them where there is a network: --fetch-wheels"):
        gpu_check.install(tmp_path, tmp_path / "environment")


def test_report_is_written_though_nothing_could_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_parts, "find", lambda: None)
    assert gpu_parts.check(chosen(tmp_path, "--rehearse", "--seconds", "-1")) == 1
    text = (tmp_path / "gpu-check.md").read_text(encoding="utf-8")
    assert "grades of conv_output_size: not done: the time was up" in text
    parts = json.loads((tmp_path / "gpu-check.json").read_bytes())["parts"]
    assert [part["name"] for part in parts] == [
        "isolation", "tricks", "waiting for a GPU", "speed", "grades of conv_output_size"
    ]  # fmt: skip


def test_what_waits_for_a_gpu_is_found_waiting_without_one(tmp_path: Path) -> None:
    """The one part that means the same without a GPU, for real."""
    part = Part("waiting")
    gpu_parts.waiting(tmp_path, part, "cpu")
    assert part.lines == ["3 points and 1 waiting; then 3"]
    assert part.wrong == []


def reports(verdicts: dict[str, Verdict], *flags: Flag) -> dict[str, GradeReport]:
    def of(student: str, found: dict[str, Verdict]) -> GradeReport:
        records = [record(found.get(name, Verdict.PASSED), name=name) for name in EVERY]
        return report(question("double", *records), student=student, flags=flags)

    return {"a-trick": of("a-trick", verdicts), "b-honest": of("b-honest", {})}


def trick(name: str) -> gpu_corpus.Trick:
    return next(each for each in gpu_corpus.TRICKS if each.name == name)


def test_a_trick_that_ends_as_it_must_is_nothing_wrong() -> None:
    found = reports(dict.fromkeys(EVERY[:3], Verdict.MEMORY))
    assert list(gpu_parts._unexpected(trick("memory_hog"), found, "cuda")) == []
    flagged = reports({}, Flag(kind="device", detail=""))
    assert list(gpu_parts._unexpected(trick("by_way_of_the_cpu"), flagged, "cuda")) == []


def test_a_trick_that_works_and_an_honest_one_that_suffers_are_told() -> None:
    (first, *_) = gpu_parts._unexpected(trick("memory_hog"), reports({}), "cuda")
    assert first.startswith("memory_hog: test_double is passed, not memory")
    assert list(gpu_parts._unexpected(trick("by_way_of_the_cpu"), reports({}), "cuda")) == [
        "by_way_of_the_cpu: no flag 'device'"
    ]
    found = reports({})
    found["b-honest"] = reports({"test_double": Verdict.CRASHED})["a-trick"]
    assert [line[:60] for line in gpu_parts._unexpected(trick("honest"), found, "cuda")] == [
        "after honest the honest test_double is crashed ()"
    ]


def test_grades_that_differ_between_devices_are_told_and_those_that_wait_are_not() -> None:
    one = report(question("q", record(name="a"), record(Verdict.DEFERRED, name="b"), record(name="c")))
    other = report(question("q", record(Verdict.FAILED, name="a"), record(name="b"), record(name="c")))
    assert [line.partition(" (")[0] for line in gpu_parts._differences("ada", one, other)] == [
        "ada, a: passed on the CPU, failed on the GPU"
    ]
