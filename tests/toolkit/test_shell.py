"""Cells run as in Jupyter, in a real student process: magics, await, exit(), errors, time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.sandbox.child import Student as Child
from autograder.sandbox.wire import Bounds
from tests.toolkit.hosts import Host


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    import os

    found = Host("root" if os.getuid() == 0 else "user")
    yield found
    found.close()


# A cell -> how it ended, and a word of what it said.
CELLS = {
    "x = 1": ("ok", ""),
    "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()": ("ok", ""),
    "%%time\ny = 2": ("ok", ""),
    "%timeit -n1 -r1 1 + 1": ("ok", ""),
    "!echo hello": ("ok", ""),
    "import asyncio\nawait asyncio.sleep(0)": ("ok", ""),
    "exit()": ("ok", ""),
    "quit": ("ok", ""),
    "?len": ("ok", ""),
    "from IPython.display import display, Markdown\ndisplay(Markdown('x'))": ("ok", ""),
    "import sys\nsys.stdout.flush()": ("ok", ""),
    "": ("ok", ""),
    "raise ValueError('no')": ("error", "ValueError: no (cell 0, line 1)"),
    "a = 1\nb = a / 0": ("error", "ZeroDivisionError: division by zero (cell 0, line 2)"),
    "def f(": ("error", "SyntaxError"),
    "import torch\ntorch.randperm(3, dtype=torch.bool)": ("error", "from a library: NotImplementedError: "),
    "  x = 1\n y": ("error", "IndentationError"),
    "%nonsense": ("error", "UsageError"),
    "input('name? ')": ("error", "EOFError"),
    "import sys; sys.exit(3)": ("error", "SystemExit: 3"),
    "raise KeyboardInterrupt": ("error", "KeyboardInterrupt"),
    "get_ipython().kernel": ("error", "AttributeError"),
}


@pytest.mark.parametrize("source", CELLS)
def test_a_cell_runs_as_in_jupyter_and_the_next_one_too(host: Host, source: str) -> None:
    status, words = CELLS[source]
    outcome = host.run(source, "def probe(): return 1", calls=("probe",))
    assert outcome["cells"][0][0] == status, outcome
    assert outcome["cells"][0][1].startswith(words), outcome
    assert outcome["calls"] == [{"value": 1}]


def test_cells_share_names_and_the_last_definition_counts(host: Host) -> None:
    outcome = host.run("def probe(): return 1", "old = probe", "def probe(): return old() + 1", calls=("probe",))
    assert outcome["calls"] == [{"value": 2}]


def test_a_module_that_a_cell_writes_can_be_imported(host: Host) -> None:
    outcome = host.run(
        "%%writefile mine.py\nvalue = 3", "from mine import value\ndef probe(): return value", calls=("probe",)
    )
    assert outcome["calls"] == [{"value": 3}]


def test_pip_is_told_that_there_is_no_network(host: Host) -> None:
    outcome = host.run(
        "tried = !pip download nothing-of-this-name\ndef probe(): return '\\n'.join(tried)", calls=("probe",)
    )
    assert "Retrying" not in outcome["calls"][0]["value"]


def test_the_place_of_a_later_error_is_the_cell_that_defines_the_function(host: Host) -> None:
    outcome = host.run("x = 1", "def probe():\n    return x / 0", calls=("probe",))
    message = outcome["calls"][0]["message"]
    assert message.endswith("ZeroDivisionError: division by zero (cell 1, line 2)")


def test_a_cell_that_ipython_cannot_transform_does_not_spoil_the_notebook() -> None:
    class Shell:
        user_ns: dict[str, object] = {}  # noqa: RUF012

        def transform_cell(self, source: str) -> str:  # noqa: ARG002 - as the real one
            raise RuntimeError("Input transformation still changing after 500 iterations")

    assert Child(Shell(), Bounds())._as_python("!x") == ""  # type: ignore[arg-type]
