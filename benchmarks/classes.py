"""A small course and its class: three questions on attention, ten plain checks, every third submission wrong.

The same checks become a hidden suite here, graded cells of nbgrader's and test files of otter-grader's.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path

from autograder.course import CONFIG_NAME, Course
from autograder.release import release

TOPIC = "attention"


@dataclass(frozen=True)
class Check:
    """One check, worth a point: asserts that call the question's function by its name."""

    name: str
    question: str
    title: str
    source: str


CHECKS = (
    Check("shape", "softmax", "The shape stays", "x = torch.ones(4, 5)\nassert softmax(x).shape == x.shape"),
    Check(
        "last",
        "softmax",
        "The last dimension sums to 1",
        "x = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))\n"
        "assert torch.allclose(softmax(x), torch.softmax(x, -1), atol=1e-6)",
    ),
    Check(
        "first",
        "softmax",
        "Another dimension can be named",
        "x = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))\n"
        "assert torch.allclose(softmax(x, dim=0), torch.softmax(x, 0), atol=1e-6)",
    ),
    Check(
        "large",
        "softmax",
        "Large numbers stay finite",
        "x = 1e4 * torch.randn(4, 5, generator=torch.Generator().manual_seed(2))\n"
        "assert torch.isfinite(softmax(x)).all()",
    ),
    Check(
        "output_shape",
        "attend",
        "One output for each query",
        "q, k, v = torch.ones(2, 3, 4), torch.ones(2, 5, 4), torch.ones(2, 5, 6)\n"
        "output, weights = attend(q, k, v)\nassert output.shape == (2, 3, 6)\nassert weights.shape == (2, 3, 5)",
    ),
    Check(
        "weights",
        "attend",
        "Weights sum to 1",
        "q, k, v = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(3)).unbind()\n"
        "assert torch.allclose(attend(q, k, v)[1].sum(-1), torch.ones(2, 5), atol=1e-5)",
    ),
    Check(
        "output",
        "attend",
        "The output is that of PyTorch",
        "import torch.nn.functional as F\n"
        "q, k, v = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(4)).unbind()\n"
        "assert torch.allclose(attend(q, k, v)[0], F.scaled_dot_product_attention(q, k, v), atol=1e-5)",
    ),
    Check(
        "masked",
        "attend",
        "Masked keys are left out",
        "import torch.nn.functional as F\n"
        "q, k, v = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(5)).unbind()\n"
        "mask = torch.ones(5, 5).tril().bool()\n"
        "right = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)\n"
        "assert torch.allclose(attend(q, k, v, mask)[0], right, atol=1e-5)",
    ),
    Check("dtype", "causal_mask", "The mask is bool", "assert causal_mask(4).dtype == torch.bool"),
    Check(
        "triangle",
        "causal_mask",
        "Nobody attends to what comes later",
        "assert torch.equal(causal_mask(4), torch.ones(4, 4).tril().bool())",
    ),
)
QUESTIONS = tuple(dict.fromkeys(check.question for check in CHECKS))

SOLUTION = '''\
"""Attention."""

import torch


def softmax(x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Positive numbers that sum to 1 along ``dim``, finite for large scores as well."""
    powers = (x - x.amax(dim, keepdim=True)).exp()
    return powers / powers.sum(dim, keepdim=True)


def attend(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Output and weights of scaled dot-product attention; ``mask`` is True where a query may attend."""
    scores = q @ k.transpose(-2, -1) / k.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = softmax(scores)
    return weights @ v, weights


def causal_mask(n: int) -> torch.Tensor:
    """True where a position may attend: to itself and to what came before."""
    return torch.ones(n, n).tril().bool()
'''

# Right submissions differ in how they compute, and so in the last bits of what they answer.
STYLES = (
    ("", ""),
    ("powers / powers.sum(dim, keepdim=True)", "(x - x.logsumexp(dim, keepdim=True)).exp()"),
    ("q @ k.transpose(-2, -1) / k.shape[-1] ** 0.5", "(q / k.shape[-1] ** 0.5) @ k.transpose(-2, -1)"),
)
# In a wrong submission the first of a pair stands as the second.
MISTAKES = (
    (" - x.amax(dim, keepdim=True)", ""),
    (" / k.shape[-1] ** 0.5", ""),
    (".tril().bool()", ".triu().bool()"),
)

_HANDOUT = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
autograder:
  title: Attention
---
# Attention

```{code-cell} ipython3
import torch
```
"""
_CELLS = """
```{{code-cell}} ipython3
:question: {question}
```

```{{code-cell}} ipython3
:check: {question}
assert callable({question})
```
"""
_CONFIG = """\
from autograder.nbgrader_bridge import configure
from autograder.release import nbgrader_settings

c = get_config()
c.CourseDirectory.course_id = "benchmark"
c.merge(nbgrader_settings())
configure(c)
"""
_TESTS = '"""Ten plain checks."""\n\nimport torch\n\nfrom autograder.testing import question\n'
_TEST = '''

@question("{check.question}", points=1)
def test_{check.question}_{check.name}(student):
    """{check.title}"""
    {check.question} = student.{check.question}
{body}
'''


def is_wrong(number: int) -> bool:
    """Whether the submission of that number holds a mistake: every third one."""
    return number % 3 == 2


def answers(number: int) -> str:
    """What student ``number`` wrote: like no other's, and wrong where ``is_wrong`` says so."""
    changes = MISTAKES if is_wrong(number) else STYLES
    source = SOLUTION.replace(*changes[number // 3 % len(changes)])
    return f"{source}\n# handed in by student {number}\n"


def student(number: int) -> str:
    """The name of student ``number``."""
    return f"student{number:05}"


def our_course(folder: Path) -> Course:
    """The course as it is here, released."""
    cells = "".join(_CELLS.format(question=question) for question in QUESTIONS)
    tests = "".join(_TEST.format(check=check, body=textwrap.indent(check.source, "    ")) for check in CHECKS)
    return make_course(folder, TOPIC, SOLUTION, _HANDOUT + cells, _TESTS + tests)


def make_course(folder: Path, topic: str, reference: str, handout: str, tests: str) -> Course:
    """A course of one assignment, released."""
    for name, text in {
        CONFIG_NAME: _CONFIG,
        f"reference/{topic}.py": reference,
        f"assignments/{topic}/{topic}.md": handout,
        f"tests/hidden/test_{topic}.py": tests,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    course = Course(folder)
    release(course, topic)
    return course


def submission(folder: Path, number: int) -> Path:
    """Where the notebook of student ``number`` lies, as nbgrader has it."""
    return folder / "submitted" / student(number) / TOPIC / f"{TOPIC}.ipynb"


def hand_in(folder: Path, count: int) -> None:
    """A class of ``count`` hands in notebooks of the answers alone."""
    for number in range(count):
        write_notebook(submission(folder, number), [code_cell("answers", answers(number))])


def write_notebook(path: Path, cells: list[dict[str, object]]) -> None:
    """A notebook with these cells."""
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def code_cell(name: str, source: str, **metadata: object) -> dict[str, object]:
    """A code cell that was not run."""
    return {
        "cell_type": "code",
        "id": name,
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
