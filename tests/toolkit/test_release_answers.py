from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell
from nbgrader.preprocessors import ClearSolutions

from autograder.errors import AuthoringError
from autograder.release import nbgrader_settings
from autograder.release.answers import Reference, answer_cell

GIVEN = frozenset({"Tensor", "torch"})


def answer(source: str, name: str = "f", questions: tuple[str, ...] = ("f", "g"), given: frozenset[str] = GIVEN) -> str:
    return answer_cell(Reference(Path("topic.py"), source), name, questions=questions, given=given)


def stub(cell: str) -> str:
    """What nbgrader leaves of an answer cell."""
    metadata = {"nbgrader": {"solution": True, "grade": False, "locked": False, "schema_version": 3, "grade_id": "f"}}
    node = new_code_cell(cell, metadata=metadata)
    cleared, _ = ClearSolutions(config=nbgrader_settings()).preprocess_cell(node, {"language": "python"}, 0)
    return str(cleared.source)


def run(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(source, space)  # noqa: S102 - the cell under test
    return space


FUNCTION = '''\
from __future__ import annotations

import math
from collections.abc import Sequence

_SCALE = 2.0


def f(
    x: float,
    *,
    y: float = 1.0,
) -> float:
    r"""Title with a backslash: \\alpha.

    More.
    """

    # a thought
    return _g(x) + g(y)


def g(x: float) -> float:
    """Another question."""
    return x


def _g(x: float) -> float:
    text = """
  not indented
"""
    return _SCALE * math.sqrt(x) + len(text)


def _unused() -> Sequence[int]:
    return ()
'''


def test_an_answer_keeps_signature_and_docstring_and_brings_what_it_needs() -> None:
    assert (
        answer(FUNCTION)
        == '''\
def f(
    x: float,
    *,
    y: float = 1.0,
) -> float:
    r"""Title with a backslash: \\alpha.

    More.
    """
    ### BEGIN SOLUTION
    # a thought
    return _g(x) + g(y)


import math


_SCALE = 2.0


def _g(x: float) -> float:
    text = """
  not indented
"""
    return _SCALE * math.sqrt(x) + len(text)
### END SOLUTION'''
    )


def test_an_answer_runs_in_a_bare_notebook() -> None:
    space = run(answer(FUNCTION, "g") + "\n" + answer(FUNCTION))
    assert space["f"](4.0) == 4.0 + len("\n  not indented\n") + 1.0


def test_what_the_handout_imports_is_not_imported_again() -> None:
    assert "import math" not in answer(FUNCTION, given=GIVEN | {"math"})


def test_a_variable_of_the_handout_does_not_stand_for_a_helper() -> None:
    assert "def _g(" in answer(FUNCTION, given=GIVEN | {"_g", "_SCALE"})


def test_the_stub_is_signature_docstring_and_one_line() -> None:
    left = stub(answer(FUNCTION))
    assert left.endswith('    More.\n    """\n    raise NotImplementedError("write your solution here")')
    assert "_g" not in left
    with pytest.raises(NotImplementedError, match="write your solution here"):
        run(left)["f"](1.0)


CLASS = '''\
from functools import lru_cache

_START = 3


class f(dict):
    """A class.

    With text.
    """

    count: int = 0

    def __init__(self, n: int = 2):
        """Start."""
        super().__init__()
        self.n = self._shift(n)

    def _shift(self, n: int) -> int:
        """Secret."""
        return n + _START

    @property
    def twice(self) -> int:
        # no docstring here
        return 2 * self.n

    @staticmethod
    def nothing() -> None:
        """Does nothing."""
'''


def test_a_class_keeps_its_public_methods_only() -> None:
    assert (
        stub(answer(CLASS))
        == '''\
class f(dict):
    """A class.

    With text.
    """

    def __init__(self, n: int = 2):
        """Start."""
        raise NotImplementedError("write your solution here")

    @property
    def twice(self) -> int:
        raise NotImplementedError("write your solution here")

    @staticmethod
    def nothing() -> None:
        """Does nothing."""
        raise NotImplementedError("write your solution here")'''
    )


def test_a_class_works_as_in_the_reference() -> None:
    made = run(answer(CLASS))["f"](4)
    assert (made.twice, made.count, made.nothing()) == (14, 0, None)


def test_the_docstring_of_a_private_method_is_secret() -> None:
    assert "Secret" in answer(CLASS)
    assert "Secret" not in stub(answer(CLASS))


def test_a_helper_of_a_helper_comes_along_and_cycles_end() -> None:
    source = 'def f(n):\n    """T."""\n    return _a(n)\n\n'
    source += "def _a(n):\n    return n and _b(n - 1)\n\ndef _b(n):\n    return _a(n)\n"
    assert run(answer(source))["f"](5) == 0


def test_definitions_under_a_condition_come_with_it() -> None:
    source = 'import sys\nif sys:\n    _K = 1\nelse:\n    _K = 2\ndef f():\n    """T."""\n    return _K\n'
    assert run(answer(source))["f"]() == 1


def test_an_earlier_question_may_stand_in_a_signature() -> None:
    source = 'class g:\n    """T."""\n\ndef f(x: g) -> g:\n    """T."""\n    return x\n'
    assert answer(source, given=frozenset({"g"})).startswith("def f(x: g) -> g:")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def g(): pass\n", "topic.py: does not define 'f', which the handout asks for"),
        ("f = 3\n", "topic.py: does not define 'f'"),
        ("def f():\n    return 1\n", "f has no docstring; students meet it as their task"),
        ('class f:\n    """T."""\n    x = 1\n', "class f has no public method for students to write"),
        ('def f(): "T."; return 1\n', "line 1: write the body of f under its signature"),
        (
            'import typing\ndef f(x: typing.Any = typing.Any) -> "int":\n    """T."""\n',
            "the signature of f uses typing, which the handout does not bring; import it in a code cell above",
        ),
        ('class f(Base, metaclass=Meta):\n    """T."""\n    def m(self): ...\n', "uses Base, Meta, which"),
        ("def f(:\n", "topic.py, line 1: is not Python: "),
    ],
)
def test_a_reference_that_makes_no_stub_is_refused(source: str, message: str) -> None:
    with pytest.raises(AuthoringError) as caught:
        answer(source)
    assert message in str(caught.value)


def test_every_line_of_the_reference_is_kept_as_it_is() -> None:
    for line in answer(FUNCTION).splitlines():
        assert line in FUNCTION or line.strip().startswith("###")
    ast.parse(answer(CLASS))
