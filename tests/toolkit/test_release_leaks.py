from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autograder.release import Leak, find_leaks
from tests.toolkit.tiny import TINY, TOPIC

REFERENCE = '''\
"""Module text that says nothing of the kind."""

import torch
from torch import Tensor


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Positive numbers that sum to 1 along a dimension."""
    # subtract the largest score first
    n, c = x.shape
    shifted = x - x.amax(dim=dim, keepdim=True)
    powers = _powers(shifted, base="e")  # natural, as on the slides
    return powers / powers.sum(dim=dim, keepdim=True)


def halve(x: Tensor) -> Tensor:
    """Half."""
    return x / 2


class Layer:
    """A layer."""

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def forward(self, inputs: Tensor, *, reverse: bool = False) -> Tensor:
        """Forward."""
        return torch.flip(inputs.cumsum(dim=0), dims=(0,))


def _powers(scores: Tensor, base: str) -> Tensor:
    """Private text about exponentials of scores."""
    return torch.exp(scores) if base == "e" else 2**scores
'''
TESTS = '''\
"""Graded tests."""

from autograder.testing import question


@question("softmax", points=2)
def test_softmax_is_shift_invariant(student, x):
    """Adding a constant to all scores changes nothing"""
    assert_matches(student.softmax(x + 100.0), student.softmax(x), dtype=x.dtype)
'''
MISCONCEPTIONS = """\
from autograder.testing import misconception
from autograder import testing


@misconception(of="softmax", hint="Your weights sum to 1 along the wrong dimension: look at dim.")
def softmax_over_the_first_dim(x, dim=-1):
    return torch.softmax(x.transpose(0, 1), dim=0)


@testing.misconception(of="softmax", hint="")
@testing.misconception(of="softmax", hint="Two sentences " "in a row.")
class Other:
    pass
"""
OTHERS = {"tests/hidden/test_topic.py": TESTS, "reference/misconceptions/topic.py": MISCONCEPTIONS}


def leaks(text: str, name: str = "files/notes.txt") -> list[Leak]:
    return find_leaks({name: text.encode()}, reference=REFERENCE, others=OTHERS)


def notebook(**cell: Any) -> str:
    cells = [{"cell_type": "code", "source": ["import torch\n", "x = 1"], "outputs": [], "metadata": {}}, cell]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


SOLUTION_LINE = "shifted = x - x.amax(dim=dim, keepdim=True)"


@pytest.mark.parametrize(
    "text",
    [
        SOLUTION_LINE,
        f"            {SOLUTION_LINE}  # shift",
        "shifted=x-x.amax(dim = dim,keepdim = True)",
        "shifted = x - x.amax(\n    dim=dim, keepdim=True)",
        f"The trick: write `{SOLUTION_LINE}` first.",
        "powers = _powers(shifted, base='e')",
        "# subtract the largest score first",
        "def _powers(scores: Tensor, base: str) -> Tensor:",
        'return torch.exp(scores) if base == "e" else 2**scores',
        "return torch.flip(inputs.cumsum(dim=0), dims=(0,))",
        "then simply return x / 2",
        "self.reset()",
        "def test_softmax_is_shift_invariant(student, x):",
        "assert_matches(student.softmax(x + 100.0), student.softmax(x), dtype=x.dtype)",
        '@question("softmax", points=2)',
        "see softmax_over_the_first_dim",
        "Your weights sum to 1 along\nthe wrong dimension: look at dim.",
        "Two sentences in a row.",
        "torch.softmax(x.transpose(0, 1), dim=0) and then return torch.softmax(x.transpose(0, 1), dim=0)",
    ],
)
def test_a_secret_is_found_however_it_is_laid_out(text: str) -> None:
    assert leaks(f"Some words.\n{text}\nMore words.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "import torch\nfrom torch import Tensor",
        "def softmax(x: Tensor, dim: int = -1) -> Tensor:",
        "def forward(self, inputs: Tensor, *, reverse: bool = False) -> Tensor:",
        "Positive numbers that sum to 1 along a dimension.",
        "Adding a constant to all scores changes nothing",
        "super().__init__()",
        "n, c = x.shape",
        "return x",
        "class Layer:",
        "def halve(x: Tensor) -> Tensor:",
        "return powers",
        "otherwise_return x / 2",
        "return x / 25",
        "Others",
    ],
)
def test_what_is_public_or_common_property_is_no_leak(text: str) -> None:
    assert leaks(f"Some words.\n{text}\nMore words.") == []


def test_a_leak_says_where_it_is_and_where_from() -> None:
    (leak,) = leaks(f"text\n{SOLUTION_LINE}")
    assert leak == Leak("files/notes.txt", "its text", SOLUTION_LINE, "the reference, line 11")
    assert str(leak) == f"files/notes.txt, its text: {SOLUTION_LINE!r} from the reference, line 11"


@pytest.mark.parametrize(
    ("cell", "place"),
    [
        ({"cell_type": "code", "source": ["a\n", SOLUTION_LINE]}, "$.cells[1].source"),
        ({"cell_type": "markdown", "source": f"text `{SOLUTION_LINE}`"}, "$.cells[1].source"),
        (
            {"source": "", "outputs": [{"data": {"text/plain": [SOLUTION_LINE]}}]},
            "$.cells[1].outputs[0].data.text/plain",
        ),
        ({"source": "", "metadata": {"was": {"before": SOLUTION_LINE}}}, "$.cells[1].metadata.was.before"),
        ({"source": "", "metadata": {SOLUTION_LINE: 1}}, "$.cells[1].metadata"),
        ({"source": "", "metadata": {"was": [[SOLUTION_LINE], 1]}}, "$.cells[1].metadata.was[0]"),
        ({"source": "", "metadata": {"was": ["a", SOLUTION_LINE, "b"]}}, "$.cells[1].metadata.was"),
    ],
)
def test_a_notebook_is_searched_decoded_and_everywhere(cell: dict[str, Any], place: str) -> None:
    (leak,) = leaks(notebook(**cell), "topic.ipynb")
    assert leak.place == place


def test_a_quoted_line_does_not_hide_behind_json_escapes() -> None:
    line = 'return torch.exp(scores) if base == "e" else 2**scores'
    assert leaks(notebook(source=line), "topic.ipynb")


def test_a_file_that_only_claims_to_be_a_notebook_is_searched_as_text() -> None:
    (leak,) = leaks(f"{{ {SOLUTION_LINE}", "topic.ipynb")
    assert leak.place == "its text"


def test_bytes_that_are_no_text_are_searched_too() -> None:
    data = b"\xff\xfe\x00" + SOLUTION_LINE.encode() + b"\x80"
    assert find_leaks({"files/data.bin": data}, reference=REFERENCE, others={})


def secret_lines() -> list[str]:
    """Every line of the tiny reference's bodies and helpers that says something, by hand."""
    return [
        "return x * _FACTOR",
        'raise ValueError(f"times is {times}; it must be at least 1")',
        'self.register_buffer("calls", torch.zeros((), dtype=torch.int64))',
        "self.calls += 1",
        "def _require_floating(x: Tensor) -> None:",
        "if not x.is_floating_point():",
        'raise ValueError(f"x has dtype {x.dtype}; only floating tensors can be halved")',
    ]


@pytest.mark.parametrize("line", secret_lines())
def test_each_telling_line_of_a_real_reference_is_guarded(line: str) -> None:
    reference = (TINY / "reference" / f"{TOPIC}.py").read_text(encoding="utf-8")
    found = find_leaks({"x.md": f"    {line}".encode()}, reference=reference, others={})
    assert [leak.secret for leak in found] == [line]


def test_the_path_of_another_source_is_the_origin(tmp_path: Path) -> None:
    (leak,) = leaks("softmax_over_the_first_dim")
    assert leak.origin == "reference/misconceptions/topic.py, line 6"
