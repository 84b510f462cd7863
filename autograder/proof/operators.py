"""Mutation operators for tensor code, in the form of mutmut's: from a syntax node to the nodes to try in its place.

Mutmut's own operators (numbers, arithmetic, comparisons, dropped and ``None`` arguments, ternaries) are taken as they
are; those below are what numerical code gets wrong besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import libcst as cst
from mutmut.mutation import mutators

Operator = tuple[type[cst.CSTNode], Callable[[Any], Iterable[cst.CSTNode]]]

# Methods that return their tensor with the same values: dropping one changes memory, dtype or gradients alone.
DROPPED: Final = (
    *("abs", "bool", "clamp", "clone", "contiguous", "detach", "double", "float", "long", "sort", "to"),
    *("flatten", "reshape", "squeeze", "transpose", "unsqueeze", "view"),
)
_PAIRS: Final = (
    *(("mean", "sum"), ("amax", "amin"), ("max", "min"), ("argmax", "argmin"), ("any", "all"), ("exp", "expm1")),
    *(("log", "log1p"), ("sin", "cos"), ("sqrt", "rsqrt"), ("tril", "triu"), ("zeros", "ones"), ("floor", "ceil")),
    *(("zeros_like", "ones_like"), ("randn", "rand"), ("normal_", "uniform_"), ("append", "insert"), ("relu", "abs")),
    *(("logical_and", "logical_or"), ("fan_in", "fan_out"), ("popleft", "pop"), ("softmax", "log_softmax")),
)
SWAPPED: Final = dict([*_PAIRS, *((second, first) for first, second in _PAIRS)]) | {
    "logsumexp": "sum",
    "maximum": "minimum",
    "minimum": "maximum",
    "square": "abs",
    "tanh": "sigmoid",
    "sigmoid": "tanh",
    "var": "std",
}
ATTRIBUTES: Final = ("T", "mT")
_COMPARED: Final[dict[type[cst.CSTNode], tuple[type[cst.BaseCompOp], ...]]] = {
    cst.LessThan: (cst.GreaterThan,),
    cst.LessThanEqual: (cst.Equal,),
    cst.GreaterThan: (cst.LessThan,),
    cst.GreaterThanEqual: (cst.Equal,),
}


def other_numbers(node: cst.BaseNumber) -> Iterator[cst.BaseExpression]:
    """One less, and for a float twice and none (mutmut adds one)."""
    if isinstance(node, cst.Integer):
        value = node.evaluated_value - 1
        yield cst.Integer(str(value)) if value >= 0 else cst.UnaryOperation(cst.Minus(), cst.Integer(str(-value)))
    elif isinstance(node, cst.Float):
        yield cst.Float(repr(node.evaluated_value * 2))
        yield cst.Float("0.0")


def no_text(node: cst.SimpleString) -> Iterator[cst.SimpleString]:
    """An empty text (mutmut's, with letters around it, still name an argument)."""
    if len(node.evaluated_value):
        yield cst.SimpleString('""')


def one_side(node: cst.BinaryOperation) -> Iterator[cst.BaseExpression]:
    """A term, factor or condition left out."""
    for side in (node.left, node.right):
        yield side.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]) if not side.lpar else side


def either_condition(node: cst.BooleanOperation) -> Iterator[cst.BaseExpression]:
    """A condition left out of ``and`` or ``or``."""
    yield from (node.left, node.right)


def other_comparison(node: cst.ComparisonTarget) -> Iterator[cst.ComparisonTarget]:
    """The other way round, or only at the bound."""
    for other in _COMPARED.get(type(node.operator), ()):
        yield node.with_changes(operator=other())


def other_method(node: cst.Call) -> Iterator[cst.BaseExpression]:
    """Mean for sum, and the like; conversions and reshapes left out."""
    if not isinstance(node.func, cst.Attribute):
        return
    name = node.func.attr.value
    if name in SWAPPED:
        yield node.with_changes(func=node.func.with_changes(attr=cst.Name(SWAPPED[name])))
    if name in DROPPED and not _is_torch(node.func.value):
        yield node.func.value


def _is_torch(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name) and node.value in {"torch", "F", "math", "nn"}


def untransposed(node: cst.Attribute) -> Iterator[cst.BaseExpression]:
    """``x.T`` as ``x``."""
    if node.attr.value in ATTRIBUTES:
        yield node.value


def swapped_arguments(node: cst.Call) -> Iterator[cst.Call]:
    """The first two positional arguments the other way round."""
    given = [argument for argument in node.args if argument.keyword is None and not argument.star]
    if len(given) >= 2 and list(node.args[:2]) == given[:2] and not given[0].deep_equals(given[1]):
        first, second = given[0].value, given[1].value
        yield node.with_changes(
            args=[given[0].with_changes(value=second), given[1].with_changes(value=first), *node.args[2:]]
        )


def swapped_parts(node: cst.Tuple) -> Iterator[cst.Tuple]:
    """The first two parts of a tuple the other way round."""
    if len(node.elements) >= 2 and not node.elements[0].value.deep_equals(node.elements[1].value):
        first, second, *rest = node.elements
        changed = [first.with_changes(value=second.value), second.with_changes(value=first.value), *rest]
        yield node.with_changes(elements=changed)


def decided(node: cst.If) -> Iterator[cst.If]:
    """A branch that is always, or never, taken."""
    yield node.with_changes(test=cst.Name("True"))
    yield node.with_changes(test=cst.Name("False"))


def without_context(node: cst.With) -> Iterator[cst.If]:
    """A body outside its context, such as ``torch.no_grad()``."""
    yield cst.If(test=cst.Name("True"), body=node.body, leading_lines=node.leading_lines)


def left_out(node: cst.SimpleStatementLine) -> Iterator[cst.SimpleStatementLine]:
    """A statement that is called for its effect, left out."""
    if len(node.body) == 1 and isinstance(node.body[0], cst.Expr) and isinstance(node.body[0].value, cst.Call):
        yield node.with_changes(body=[cst.Pass()])


def _negated(node: cst.UnaryOperation) -> Iterator[cst.BaseExpression]:
    if isinstance(node.operator, cst.Minus):
        yield node.expression


_OWN: Final[tuple[Operator, ...]] = (
    (cst.BaseNumber, other_numbers),
    (cst.SimpleString, no_text),
    (cst.BinaryOperation, one_side),
    (cst.BooleanOperation, either_condition),
    (cst.ComparisonTarget, other_comparison),
    (cst.Call, other_method),
    (cst.Call, swapped_arguments),
    (cst.Attribute, untransposed),
    (cst.Tuple, swapped_parts),
    (cst.If, decided),
    (cst.With, without_context),
    (cst.SimpleStatementLine, left_out),
    (cst.UnaryOperation, _negated),
)
# A name that is bound to None fails wherever it is used and tells nothing; for texts see no_text.
_NOT_TAKEN: Final = (mutators.operator_assignment, mutators.operator_string)
OPERATORS: Final[tuple[Operator, ...]] = (
    *(pair for pair in mutators.mutation_operators if pair[1] not in _NOT_TAKEN),
    *_OWN,
)
