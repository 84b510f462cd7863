"""A class of sample submissions: right, odd, wrong, unfinished, broken and hostile notebooks of one assignment."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from nbformat import NotebookNode, v4

from autograder.course import Assignment, Course
from autograder.release.source import notebook_bytes
from autograder.specimens import Workbook, cell_of, misconceptions, variants
from autograder.suite import Suite

DUE = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
IN_TIME, LATE = DUE - timedelta(hours=5), DUE + timedelta(hours=2)

Names = Iterator[str]


@dataclass(frozen=True)
class Sample:
    """What one student hands in. ``filename`` is empty for the right one."""

    student: str
    note: str
    notebook: bytes
    handed_in: datetime = IN_TIME
    filename: str = ""


@dataclass(frozen=True)
class Material:
    """What samples are made from: the filled-in handout and the notebook as it was released."""

    course: Course
    assignment: Assignment
    suite: Suite
    workbook: Workbook
    released: NotebookNode

    def with_answers(self, answers: Mapping[str, str]) -> bytes:
        """A right notebook but for ``answers``: source by question."""
        return notebook_bytes(self.workbook.filled_in(answers))

    def with_cell(self, source: str) -> bytes:
        """A right notebook with one more code cell at its end."""
        notebook = self.workbook.filled_in()
        notebook.cells.append(v4.new_code_cell(source, id="scratch"))
        return notebook_bytes(notebook)


def sample_class(material: Material) -> list[Sample]:
    """The class; what a course has no example of is left out."""
    return [
        Sample("ada", "everything right", material.with_answers({})),
        Sample("grace", "everything right, two hours late", material.with_answers({}), LATE),
        *_odd(material, iter(["emmy", "sofia"])),
        *_wrong(material, iter(["alan", "barbara", "claude", "dorothy", "edsger", "frances"])),
        *_unfinished(material),
        *_untidy(material),
        *_broken(material),
        *_hostile(material),
    ]


def _odd(material: Material, students: Names) -> Iterator[Sample]:
    """One variant per question, from the first on."""
    one_each = {mark.of: mark for mark in reversed(variants(material.course, material.assignment))}
    for student, mark in zip(students, reversed(one_each.values()), strict=False):
        answer = material.workbook.marked(material.assignment.variants, mark)
        yield Sample(student, f"right in its own way: {_words(mark.name)}", material.with_answers({mark.of: answer}))


def _wrong(material: Material, students: Names) -> Iterator[Sample]:
    one_each = {mark.of: mark for mark in reversed(misconceptions(material.course, material.assignment))}
    for student, mark in zip(students, reversed(one_each.values()), strict=False):
        answer = material.workbook.marked(material.assignment.misconceptions, mark)
        yield Sample(student, f"misconception: {_words(mark.name)}", material.with_answers({mark.of: answer}))


def _unfinished(material: Material) -> Iterator[Sample]:
    questions = material.suite.questions()
    stubs = {name: cell_of(material.released, f"{name}-answer").source for name in questions}
    yield Sample("george", "never touched", notebook_bytes(material.released))
    half = {name: stubs[name] for name in questions[len(questions) // 2 :]}
    yield Sample("hedy", "the second half not written", material.with_answers(half))
    typo = {questions[0]: stubs[questions[0]].replace(":", "", 1)}
    yield Sample("ivan", "a syntax error in the first answer", material.with_answers(typo))


def _untidy(material: Material) -> Iterator[Sample]:
    """Right answers in notebooks that others stumble over: all earn full marks."""
    yield Sample("joan", "right; a failing cell at the end", material.with_cell("1 / 0"))
    yield Sample("karen", "right; prints without end", material.with_cell("for _ in range(100_000): print('x' * 100)"))
    yield Sample("leonhard", "right; exit() in the last cell", material.with_cell("exit()"))
    notebook = material.workbook.filled_in()
    notebook.cells = [copied for cell in notebook.cells for copied in (cell, copy.deepcopy(cell))]
    yield Sample("maryam", "right; every cell twice, with the same ids", json.dumps(notebook).encode())
    notebook = material.workbook.filled_in()
    notebook.cells = [cell for cell in notebook.cells if not cell.metadata.get("nbgrader", {}).get("locked")]
    yield Sample("niels", "right; the locked cells deleted", notebook_bytes(notebook))
    notebook = material.workbook.filled_in()
    first = cell_of(notebook, f"{material.suite.questions()[0]}-answer")
    notebook.cells = [*(cell for cell in notebook.cells if cell is not first), first]
    yield Sample("olga", "right; the first answer moved to the end", notebook_bytes(notebook))
    yield Sample("pierre", "right; saved in the old format 3", _format_3(material.workbook.filled_in()))


def _broken(material: Material) -> Iterator[Sample]:
    whole = material.with_answers({})
    yield Sample("quentin", "half of the file is gone", whole[: len(whole) // 2])
    yield Sample("rosa", "handed in under another name", whole, filename=f"{material.assignment.topic} (1).ipynb")


# Each takes the place of an answer; QUESTION is its name.
_HOSTILE_ANSWERS = {
    "stephen": ("ends the process", "def QUESTION(*args, **kwargs):\n    os._exit(0)"),
    "tim": ("skips the test", "import pytest\n\ndef QUESTION(*args, **kwargs):\n    pytest.skip('passed')"),
    "ursula": (
        "never returns from its third call",
        """calls = 0

def QUESTION(*args, **kwargs):
    global calls
    calls += 1
    while calls > 2:
        pass""",
    ),
    "vera": ("asks for 16 GiB", "def QUESTION(*args, **kwargs):\n    return bytearray(1 << 34)"),
    "wanda": (
        "writes its own grade wherever it can",
        """def QUESTION(*args, **kwargs):
    for number in range(256):
        try:
            os.write(number, b'{"verdict": "passed", "score": 20}')
        except OSError:
            pass
    return args[0]""",
    ),
}


def _hostile(material: Material) -> Iterator[Sample]:
    question = material.suite.questions()[-1]
    for student, (note, source) in _HOSTILE_ANSWERS.items():
        answers = {question: "import os\n\n" + source.replace("QUESTION", question)}
        yield Sample(student, f"hostile: {question} {note}", material.with_answers(answers))
    name = "scaled_dot_product_attention"
    if name in material.suite.questions():
        source = f"def {name}(q, k, v, mask=None):\n    output = torch.nn.functional.{name}(q, k, v, mask)\n"
        source += "    return output, (q @ k.mT / q.shape[-1] ** 0.5).exp()"
        yield Sample("xavier", f"forbidden: torch's own {name}", material.with_answers({name: source}))


def _format_3(notebook: NotebookNode) -> bytes:
    """The notebook as IPython 2 would have saved it; what format 4 added is lost."""
    cells = [
        {"cell_type": "code", "input": cell.source, "language": "python", "metadata": {}, "outputs": []}
        if cell.cell_type == "code"
        else {"cell_type": "markdown", "source": cell.source, "metadata": {}}
        for cell in notebook.cells
    ]
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}
    return json.dumps(old).encode()


def _words(name: str) -> str:
    return name.replace("_", " ")
