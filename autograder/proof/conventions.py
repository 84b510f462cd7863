"""The conventions that hold for every function, and for each question the answers that break just one of them."""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from autograder.course import Assignment
from autograder.proof import breakers
from autograder.proof.contract import Contract
from autograder.proof.usage import CONSTRUCTOR, Use, Uses
from autograder.specimens import Specimen, answers_alone, needed

CONVENTIONS: Final = {
    "dtype": "the result has the inputs' floating dtype, that of the first one where they differ",
    "halves": "float16 and bfloat16 work as well",
    "device": "the result lies on the inputs' device: the tests that run on a GPU too",
    "in-place": "no input is modified",
    "aliasing": "writing into the result changes no input",
    "differentiable": "gradients flow to every input, wherever the mathematics has them",
    "stability": "inputs up to 1e4 in magnitude give finite results",
    "size-1": "sizes may be 1, and the dimension stays",
    "non-contiguous": "inputs may lie in memory in any way",
    "non-square": "sizes may differ",
    "defaults": "arguments left out take the contract's defaults",
    "keywords": "every argument may be named",
    "positions": "every argument has its place",
    "number-type": "results that are no floating tensors have their own type",
    "errors": "bad arguments raise a ValueError that names the argument",
    "generator": "randomness comes from the generator alone, which moves on",
    "vectorised": "the number of operations does not grow with the batch",
    "forbidden": "no forbidden function is used, by whatever road",
}
EVIDENCE_ONLY = "device"  # no answer on a CPU can break it

_BROKEN_CELL = """
import types

breakers = types.ModuleType("breakers")
exec({source!r}, vars(breakers))
{question} = eval({expression!r}, {{**vars(breakers), "right": {question}}})
"""


@dataclass(frozen=True)
class Breaker:
    """An answer to a question that breaks one line of the contract, and in which way."""

    question: str
    line: str
    way: str
    notebook: bytes

    def specimen(self) -> Specimen:
        """What is graded."""
        return Specimen("breaker", f"{self.line}: {self.way}", self.question, self.notebook, (self.question,))


@dataclass(frozen=True)
class _Place:
    """A function, method or constructor that is to be broken."""

    question: str
    method: str
    use: Use

    def says(self, way: str) -> str:
        return f"{self.method}: {way}" if self.method else way

    def expression(self, broken: str) -> str:
        """Python for the broken question, from Python for the broken function ``right``."""
        return f"in_method(right, {self.method!r}, lambda right: {broken})" if self.method else broken


Ways = Iterator[tuple[str, str]]  # in words, and as an expression on ``right``


def breakers_of(assignment: Assignment, questions: list[str], contract: Contract, uses: Uses) -> Iterator[Breaker]:
    """All breakers of an assignment, in the order of its questions and of the conventions."""
    reference = assignment.reference.read_text(encoding="utf-8")
    source = Path(breakers.__file__).read_text(encoding="utf-8")
    for question in questions:
        exempt = contract.exemptions(question)
        places = [_Place(question, method, use) for method, use in uses.get(question, {}).items()]
        for line in CONVENTIONS:
            if line in exempt or line == EVIDENCE_ONLY:
                continue
            for place in places:
                for way, broken in _ways(line, place, contract, questions):
                    expression = place.expression(broken)
                    cell = _BROKEN_CELL.format(source=source, question=question, expression=expression)
                    yield Breaker(question, line, place.says(way), answers_alone(reference, cell))
            if line == "errors":
                for way, mutated in without_raises(reference, question):
                    yield Breaker(question, line, way, answers_alone(mutated))


def _ways(line: str, place: _Place, contract: Contract, questions: list[str]) -> Ways:
    if place.method == CONSTRUCTOR and line not in {"defaults", "keywords", "positions", "errors"}:
        return iter(())
    if line == "halves" and not contract.halves:
        return iter(())
    if line == "forbidden":
        return _routes(contract, place, questions)
    return _WAYS[line](place.use)


def _routes(contract: Contract, place: _Place, questions: list[str]) -> Ways:
    for name, source in contract.routes_for(place.question, questions).items():
        yield name, f"takes_the_route(right, running({source!r}))"


def broken_routes(contract: Contract) -> Iterator[str]:
    """Routes that raise when they are taken: nothing would be seen of what they forbid."""
    for place, source in contract.all_routes():
        try:
            breakers.running(source)()
        except Exception as error:  # noqa: BLE001 - whatever it is, its author reads it
            yield f"{place} raises {type(error).__name__}: {error}"


# ------------------------------------------------------------------------------ ways to break each one


def _dtype(use: Use) -> Ways:
    if "floating" in use.gives:
        yield "always float64", "returns(right, always(torch.float64))"
        if use.floating:
            yield "always float32", "returns(right, always(torch.float32))"
        if len(use.floating) > 1:
            yield "that of the last argument", "takes_the_last_dtype(right)"


def _halves(use: Use) -> Ways:
    if "floating" in use.gives and use.floating:
        yield "halves come back as float32", "widens_halves(right)"


def _in_place(use: Use) -> Ways:
    for name in use.tensors:
        yield f"writes into {name}", f"writes_into(right, {name!r})"


def _aliasing(use: Use) -> Ways:
    for name in use.tensors if "dims" in use.gives else ():
        yield f"shares memory with {name}", f"shares_memory(right, {name!r})"


def _differentiable(use: Use) -> Ways:
    if "floating" in use.gives and use.floating:
        yield "the result is detached", "returns(right, detached)"
        for name in use.floating:
            yield f"{name} is detached", f"detaches(right, {name!r})"


def _stability(use: Use) -> Ways:
    if use.gives & {"floating", "float"} and use.floating:
        yield "NaN for large numbers", "fails_on_large_numbers(right)"


def _size_one(use: Use) -> Ways:
    if "dims" in use.gives:
        yield "squeezed", "returns(right, squeezed)"


def _non_contiguous(use: Use) -> Ways:
    for name in use.tensors:
        yield f"views {name}", f"needs_contiguous(right, {name!r})"


def _non_square(use: Use) -> Ways:
    for name in use.matrices:
        yield f"right for square {name} only", f"only_square(right, {name!r})"


def _defaults(use: Use) -> Ways:
    for name, parameter in use.parameters.items():
        other = _another(parameter.default)
        if other is not None:
            yield f"{name}={other!r}", f"defaults_to(right, {name!r}, {other!r})"


def _another(default: Any) -> Any:
    """A value that could be taken for the default; ``None`` where there is none."""
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if isinstance(default, float):
        return default * (10 if abs(default) < 0.01 else 2) if default else 0.5
    return default[::-1] if isinstance(default, str) else None


def _keywords(use: Use) -> Ways:
    for name in use.parameters:
        yield f"no {name}=", f"not_by_keyword(right, {name!r})"


def _positions(use: Use) -> Ways:
    for name, parameter in use.parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            yield f"{name} by keyword only", f"only_by_keyword(right, {name!r})"


def _number_type(use: Use) -> Ways:
    if use.gives & {"whole", "int", "float", "bool"}:
        yield "another type", "returns(right, in_another_type)"


def _errors(use: Use) -> Ways:
    if use.refuses:
        yield "a RuntimeError", "raises_instead(right, RuntimeError, '')"
        yield "without a word", "raises_instead(right, ValueError, 'no')"


def _generator(use: Use) -> Ways:
    if "generator" in use.parameters:
        yield "ignored", "ignores_the_generator(right)"
        yield "global numbers beside it", "draws_beside_the_generator(right)"
        yield "does not move on", "keeps_the_generator(right)"
        yield "without one, a fixed seed", "reseeds_without_one(right)"
        yield "without one, a seed by chance", "draws_anew_without_one(right)"


def _vectorised(use: Use) -> Ways:
    for name in list(use.tensors)[:1]:
        yield f"a loop over {name}", f"loops(right, {name!r})"


_WAYS: Final[dict[str, Callable[[Use], Ways]]] = {
    "dtype": _dtype,
    "halves": _halves,
    "in-place": _in_place,
    "aliasing": _aliasing,
    "differentiable": _differentiable,
    "stability": _stability,
    "size-1": _size_one,
    "non-contiguous": _non_contiguous,
    "non-square": _non_square,
    "defaults": _defaults,
    "keywords": _keywords,
    "positions": _positions,
    "number-type": _number_type,
    "errors": _errors,
    "generator": _generator,
    "vectorised": _vectorised,
}


# ------------------------------------------------------------------------------------ refusals left out


def without_raises(reference: str, question: str) -> Iterator[tuple[str, str]]:
    """The reference without one of the refusals that ``question`` needs, for each: what it said, and the source."""
    module = ast.parse(reference)
    raises = [node for statement in needed(module, question) for node in ast.walk(statement) if _refuses(node)]
    for node in raises:
        yield f"does not refuse: {_words_of(node)}", ast.unparse(_Without(node).visit(copy.deepcopy(module)))


def _refuses(node: ast.AST) -> bool:
    return isinstance(node, ast.Raise) and node.exc is not None and "ValueError" in ast.unparse(node.exc)


def _words_of(node: ast.AST) -> str:
    texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return max(texts, key=len, default="").strip()[:60]


class _Without(ast.NodeTransformer):
    """Puts ``pass`` in the place of one statement."""

    def __init__(self, gone: ast.AST) -> None:
        self._place = (getattr(gone, "lineno", 0), getattr(gone, "col_offset", 0))

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        """The statement, or ``pass``."""
        here = (node.lineno, node.col_offset) == self._place
        return ast.copy_location(ast.Pass(), node) if here else node
