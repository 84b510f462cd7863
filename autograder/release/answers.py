"""Answer cells, cut from the reference's source text: signature and docstring for students, the rest as solution.

What is solution stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION``, which nbgrader replaces by
the stub. A region may reach further than a body: the private helpers that an answer needs follow it, so that
they vanish with it.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from autograder.errors import AuthoringError
from autograder.lines import at
from autograder.release.names import bound_names, used_names

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
IMPORTS = (ast.Import, ast.ImportFrom)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def is_private(name: str) -> bool:
    """``_helper``, but not ``__init__``."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


@dataclass(frozen=True)
class Reference:
    """The source of a reference module."""

    path: Path
    source: str

    @classmethod
    def read(cls, path: Path) -> Reference:
        """The reference at ``path``."""
        return cls(path, path.read_text(encoding="utf-8"))

    @cached_property
    def lines(self) -> list[str]:
        """The source by lines; number 1 is at index 0."""
        return self.source.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; raises ``AuthoringError`` where there is none."""
        try:
            return ast.parse(self.source)
        except SyntaxError as error:
            raise AuthoringError(f"{at(self.path, error.lineno or 0)}: is not Python: {error.msg}") from error

    @cached_property
    def statements(self) -> dict[str, ast.stmt]:
        """The statement at module level that binds each name."""
        return {
            name: statement
            for statement in self.tree.body
            if not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")
            for name in bound_names(statement)
        }

    def definition(self, name: str) -> Definition | None:
        """The function or class ``name``, or ``None``."""
        found = self.statements.get(name)
        return found if isinstance(found, Definition) else None

    def text(self, node: ast.stmt) -> list[str]:
        """The lines of a statement with its decorators."""
        return self.lines[_first_line(node) - 1 : node.end_lineno]

    def header(self, node: Definition) -> list[str]:
        """Decorators, signature and docstring."""
        return self.lines[_first_line(node) - 1 : self._header_end(node)]

    def body(self, node: Function) -> list[str]:
        """What follows the header."""
        return _without_outer_blanks(self.lines[self._header_end(node) : node.end_lineno])

    def _header_end(self, node: Definition) -> int:
        """The number of the header's last line."""
        first = node.body[0]
        if self.lines[first.lineno - 1][: first.col_offset].strip():
            raise AuthoringError(f"{self.path}: line {first.lineno}: write the body of {node.name} under its signature")
        if ast.get_docstring(node, clean=False) is not None:
            return first.end_lineno or first.lineno
        end = _first_line(first) - 1
        while not (line := self.lines[end - 1].strip()) or line.startswith("#"):
            end -= 1
        return end


def answer_cell(reference: Reference, name: str, *, questions: Iterable[str], given: frozenset[str]) -> str:
    """The source of the answer cell of question ``name``.

    Args:
        reference: the module that defines it.
        name: a function or class of it.
        questions: all questions of the assignment; the answer calls them by name and does not repeat them.
        given: the names that the handout brings above this cell.

    Raises:
        AuthoringError: the reference lacks ``name`` or its docstring, or the signature uses a name not in ``given``.
    """
    node = reference.definition(name)
    if node is None:
        raise AuthoringError(f"{reference.path}: does not define {name!r}, which the handout asks for")
    if not ast.get_docstring(node):
        raise AuthoringError(f"{at(reference.path, node.lineno)}: {name} has no docstring; students meet it as their task")
    _require_known(reference, node, given)
    helpers = _helpers(reference, node, frozenset(questions), given)
    lines = _class(reference, node, helpers) if isinstance(node, ast.ClassDef) else _function(reference, node, helpers)
    return "\n".join(lines)


def _function(reference: Reference, node: Function, helpers: list[str]) -> list[str]:
    inside = " " * node.body[0].col_offset
    end = END if helpers else inside + END
    return [*reference.header(node), inside + BEGIN, *reference.body(node), *helpers, end]


def _class(reference: Reference, node: ast.ClassDef, helpers: list[str]) -> list[str]:
    """Header and public methods; whatever else the class holds goes into the region of the method before it."""
    items = node.body[1:]
    methods = [item for item in items if isinstance(item, Function) and not is_private(item.name)]
    if not methods:
        raise AuthoringError(f"{reference.path}: class {node.name} has no public method for students to write")
    hidden: dict[Function, list[str]] = {method: [] for method in methods}
    owner = methods[0]
    for item in items:
        if item in methods:
            owner = methods[methods.index(item)]
        else:
            hidden[owner] += ["", *reference.text(item)]
    hidden[methods[-1]] += helpers
    cell = reference.header(node)
    for method in methods:
        cell += ["", *_function(reference, method, hidden[method])]
    return cell


def _helpers(reference: Reference, node: Definition, questions: frozenset[str], given: frozenset[str]) -> list[str]:
    """The module-level statements that ``node`` needs, in the reference's order, each after two blank lines.

    The handout's imports stand for the reference's; a variable of its figures that is named like a helper does not.
    """
    needed: set[ast.stmt] = set()
    waiting: list[ast.stmt] = [node]
    while waiting:
        for name in used_names([waiting.pop()]) - questions:
            statement = reference.statements.get(name)
            if name in given and isinstance(statement, IMPORTS):
                continue
            if statement is not None and statement is not node and statement not in needed:
                needed.add(statement)
                waiting.append(statement)
    ordered = sorted(needed, key=lambda statement: statement.lineno)
    imports = [line for s in ordered if isinstance(s, IMPORTS) for line in reference.text(s)]
    rest = [["", "", *reference.text(s)] for s in ordered if not isinstance(s, IMPORTS)]
    return (["", "", *imports] if imports else []) + [line for part in rest for line in part]


def _require_known(reference: Reference, node: Definition, given: frozenset[str]) -> None:
    """Python evaluates a signature where it stands, so its names must be there already."""
    missing = used_names(_evaluated_at_once(node)) - given - set(dir(builtins))
    if missing:
        names = ", ".join(sorted(missing))
        raise AuthoringError(
            f"{at(reference.path, node.lineno)}: the signature of {node.name} uses {names}, which the handout does not bring; "
            "import it in a code cell above the question"
        )


def _evaluated_at_once(node: Definition) -> Iterator[ast.AST]:
    yield from node.decorator_list
    if isinstance(node, ast.ClassDef):
        yield from (*node.bases, *node.keywords)
        for item in node.body:
            if isinstance(item, Function) and not is_private(item.name):
                yield from _evaluated_at_once(item)
        return
    yield node.args
    if node.returns is not None:
        yield node.returns


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _without_outer_blanks(lines: list[str]) -> list[str]:
    filled = [index for index, line in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else []
