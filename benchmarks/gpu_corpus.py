"""A tiny course on a GPU, and notebooks that break things there: each with what must come of it.

Beside what a trick earns itself, the honest notebook that is graded after it must earn everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from autograder.course import Course
from benchmarks.classes import code_cell, make_course, write_notebook

TOPIC = "doubling"
POINTS = 4.0

_REFERENCE = '''\
"""Doubling."""

import torch


def double(x: torch.Tensor) -> torch.Tensor:
    """Twice ``x``, on its device."""
    return 2 * x


def draw(n: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """``n`` numbers from the standard normal distribution, on the generator's device."""
    device = generator.device if generator is not None else "cpu"
    return torch.randn(n, generator=generator, device=device)
'''
_HANDOUT = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
autograder:
  title: Doubling
  device: cuda
  limits: {call_seconds: 5.0, gpu_bytes: 2147483648}
---
# Doubling

```{code-cell} ipython3
import torch
```

```{code-cell} ipython3
:question: double
```

```{code-cell} ipython3
:check: double
assert callable(double)
```

```{code-cell} ipython3
:question: draw
```

```{code-cell} ipython3
:check: draw
assert callable(draw)
```
"""
_TESTS = '''\
"""Doubling, on the CPU, on a GPU, and one test that counts on a GPU only."""

import torch
from hypothesis import given, settings

from autograder.testing import assert_matches, question
from autograder.testing import strategies as ts


@question("double", points=1, gate=True)
def test_double(student):
    """Two times three is six"""
    assert_matches(student.double(torch.full((4,), 3.0)), torch.full((4,), 6.0))


@question("double", points=1)
@given(x=ts.tensors(dtype=ts.float_dtypes(halves=True)))
@settings(max_examples=20)
def test_any_tensor(student, reference, x):
    """Any tensor is doubled"""
    assert_matches(student.double(x), reference.double(x))


@question("double", points=1, devices=("cuda",))
def test_large(student):
    """A large tensor is doubled on the GPU"""
    x = torch.ones(512, 1024)
    assert_matches(student.double(x), 2 * x)


@question("draw", points=1, gate=True)
def test_draw(student):
    """The numbers lie on the generator's device"""
    drawn = student.draw.placed(64, generator=torch.Generator().manual_seed(5)).value
    assert drawn.shape == (64,)
    assert 0.5 < float(drawn.std()) < 1.6
'''
HONEST = _REFERENCE


@dataclass(frozen=True)
class Trick:
    """A notebook and what it must earn: the verdict of each test that says more than "passed"."""

    name: str
    answer: str
    verdicts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    flag: str = ""
    seconds: float = 90.0  # it must be over by then


_DRAW = HONEST[HONEST.index("def draw") :]


def _with(answer: str) -> str:
    return f"import torch\n\n\n{answer}\n\n\n{_DRAW}"


_EVERY = ("test_double", "test_any_tensor", "test_large")


def _all(*verdicts: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(_EVERY, verdicts)


TRICKS = (
    Trick("honest", HONEST),
    Trick(
        "wrong_device",
        _with("def double(x):\n    return torch.ones(x.shape, dtype=x.dtype) * 2 * x.cpu()"),
        _all("failed"),
    ),
    Trick("by_way_of_the_cpu", _with("def double(x):\n    return (2 * x.cpu()).to(x.device)"), flag="device"),
    Trick("two_devices", _with("def double(x):\n    return x + torch.ones(x.shape) * x.cpu()"), _all("error")),
    Trick(
        "memory_hog",
        _with("def double(x):\n    kept = torch.empty(8 << 30, dtype=torch.uint8, device=x.device)\n    return 2 * x"),
        _all("memory"),
    ),
    Trick(
        "device_assert",
        _with("def double(x):\n    far = torch.full((4,), 1 << 20, device=x.device)\n    return 2 * x.flatten()[far]"),
        _all("crashed", "error"),
    ),
    Trick(
        "poisoned_context",
        _with(
            "def double(x):\n"
            "    try:\n"
            "        x.flatten()[torch.full((4,), 1 << 20, device=x.device)].sum().item()\n"
            "    except RuntimeError:\n"
            "        pass\n"
            "    return torch.zeros(3)"
        ),
        _all("crashed", "failed"),
    ),
    Trick(
        "endless_kernels",
        _with(
            "def double(x):\n    while True:\n        torch.ones(4096, 4096, device=x.device) @ x.new_ones(4096, 4096)"
        ),
        _all("timeout"),
    ),
    Trick(
        "one_long_kernel",
        _with("def double(x):\n    torch.cuda._sleep(1 << 40)\n    return 2 * x"),
        _all("timeout"),
        seconds=150.0,
    ),
    Trick(
        "more_than_its_share",
        _with(
            "def double(x):\n"
            "    torch.cuda.set_per_process_memory_fraction(1.0)\n"
            "    x.new_empty(6 << 30, dtype=torch.uint8).fill_(1)\n"
            "    return 2 * x"
        ),
        _all("memory", "passed"),
    ),
)


def gpu_course(folder: Path) -> Course:
    """The course, released."""
    return make_course(folder, TOPIC, _REFERENCE, _HANDOUT, _TESTS)


def hand_in(course: Course, student: str, answer: str) -> None:
    """A notebook of the answers alone."""
    write_notebook(course.submitted / student / TOPIC / f"{TOPIC}.ipynb", [code_cell("answers", answer)])
