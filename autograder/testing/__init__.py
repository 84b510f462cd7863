"""What authors import in hidden tests, misconceptions and right variants.

from autograder.testing import assert_matches, double, forbid, question
from autograder.testing import strategies as ts
"""

from autograder.testing.checks import (
    assert_all_raise,
    assert_gradients,
    assert_inputs_untouched,
    assert_no_alias,
    assert_raises,
    assert_vectorised,
    double,
)
from autograder.testing.compare import assert_matches, norm
from autograder.testing.marks import AUTOGRAD, forbid, misconception, question, variant
from autograder.testing.statistics import assert_equal_shares, assert_follows, assert_share, assert_unrelated
from autograder.testing.student import Answer, Function, RemoteObject, Student

__all__ = [
    "AUTOGRAD",
    "Answer",
    "Function",
    "RemoteObject",
    "Student",
    "assert_all_raise",
    "assert_equal_shares",
    "assert_follows",
    "assert_gradients",
    "assert_inputs_untouched",
    "assert_matches",
    "assert_no_alias",
    "assert_raises",
    "assert_share",
    "assert_unrelated",
    "assert_vectorised",
    "double",
    "forbid",
    "misconception",
    "norm",
    "question",
    "variant",
]
