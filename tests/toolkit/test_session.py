"""One submission's process through its tests: it is replaced when it dies, a few times, within its time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.errors import InvalidSubmission, ProcessDied
from autograder.model import Limits, Verdict
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.sandbox.wire import encode
from autograder.testing.student import Student
from tests.toolkit.hosts import notebook

CELL = (
    "import os\ncount = 0\ndef leave(): os._exit(4)\ndef answer():\n    global count\n    count += 1\n    return count"
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("sandbox") as found:
        yield found


def make(sandbox: Sandbox, *cells: str, restarts: int = 3, names: tuple[str, ...] = ()) -> Session:
    limits = Limits(call_seconds=20.0, restarts=restarts, notebook_bytes=1 << 20)
    return Session(sandbox, notebook(*cells), limits, names)


def test_the_same_process_answers_test_after_test(sandbox: Sandbox) -> None:
    session = make(sandbox, CELL)
    session.open()
    student = Student(session)
    for expected in (1, 2):
        session.revive()
        assert student.answer() == expected
    session.close()


def test_a_dead_process_is_replaced_and_the_notebook_run_again(sandbox: Sandbox) -> None:
    session = make(sandbox, CELL)
    session.open()
    student = Student(session)
    assert student.answer() == 1
    with pytest.raises(ProcessDied, match=r"exit status 4"):
        student.leave()
    with pytest.raises(ProcessDied, match=r"exit status 4"):
        student.answer()
    session.revive()
    assert student.answer() == 1
    session.close()


def test_the_line_that_an_error_names_is_found(sandbox: Sandbox) -> None:
    session = make(sandbox, CELL)
    session.open()
    session.close()
    (index,) = session.sources
    assert session.line_at(f"KeyError: 'x' (cell {index}, line 3)") == "def leave(): os._exit(4)"
    for said in ("", f"(cell {index}, line 0)", f"(cell {index}, line 99)", "(cell 77, line 1)", "(cell 0, line 1) x"):
        assert session.line_at(said) == ""


def test_restarts_are_counted_and_the_last_death_is_told(sandbox: Sandbox) -> None:
    session = make(sandbox, CELL, restarts=1)
    session.open()
    student = Student(session)
    for _ in range(2):
        session.revive()
        with pytest.raises(ProcessDied):
            student.leave()
    with pytest.raises(ProcessDied, match=r"exit status 4") as death:
        session.revive()
    assert death.value.verdict is Verdict.CRASHED


def test_cells_that_end_the_process_are_left_out_one_by_one(sandbox: Sandbox) -> None:
    leave = "import os\nos._exit(4)"
    session = make(sandbox, leave, CELL, leave, restarts=2)
    session.open()
    assert [cell.status for cell in session.cells] == ["error", "ok", "error"]
    assert "exit status 4" in session.cells[0].message
    assert session.cells[0].message.endswith("the notebook was run again without this cell")
    assert Student(session).answer() == 1
    session.close()


def test_a_notebook_that_never_survives_earns_its_verdict(sandbox: Sandbox) -> None:
    session = make(sandbox, *["import os\nos._exit(4)"] * 3, restarts=1)
    with pytest.raises(ProcessDied) as death:
        session.open()
    assert death.value.verdict is Verdict.CRASHED
    session.close()


def test_a_notebook_that_is_too_large_is_not_sent(sandbox: Sandbox) -> None:
    session = make(sandbox, "x" * (2 << 20))
    with pytest.raises(InvalidSubmission, match="the notebook has 2 MiB, more than 1: clear its outputs and save"):
        session.open()


def test_a_notebook_that_cannot_be_read_says_so(sandbox: Sandbox) -> None:
    session = Session(sandbox, b"{", Limits())
    with pytest.raises(InvalidSubmission, match="the notebook cannot be read: it ends in the middle"):
        session.open()


def test_forbidden_names_are_found_in_the_source_that_was_handed_in(sandbox: Sandbox) -> None:
    session = make(sandbox, "import torch\ntorch.conv2d", "# einsum", names=("conv2d", "einsum", "softmax"))
    session.open()
    assert session.names_found == ("conv2d",)
    assert session.sources[0].startswith("import torch")
    session.close()


def test_asking_before_opening_says_that_nothing_runs(sandbox: Sandbox) -> None:
    with pytest.raises(ProcessDied, match="the notebook's process ended"):
        make(sandbox, CELL).perform(encode({"op": "rng"}))
