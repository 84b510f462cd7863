"""What a hidden test depends on in its own file: an edit elsewhere leaves its grades as they are.

A test stands on its own source and on the definitions it names, and on what these name. Statements at the top of the
file that define nothing, or whose effect cannot be read off their names, count for every test. Comments and the
layout of the source count for none.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping

# Who uses one of these may reach any name without naming it.
_UNREADABLE = frozenset({"globals", "locals", "vars", "eval", "exec", "__import__", "importlib", "inspect", "sys"})
_ALWAYS = frozenset({"FORBIDDEN"})  # rules over every call of a test, named or not


def digests(source: str, tests: Iterable[str]) -> Mapping[str, str]:
    """Per test, a digest of all that it depends on in ``source``, the file that defines it."""
    tree = ast.parse(source)
    own = {name for statement in tree.body if not _imports(statement) for name in _defined(statement)}
    parts = [_Part(statement, own) for statement in tree.body if not _is_text(statement)]
    unreadable = bool(_UNREADABLE & set(_names(tree)))
    return {
        test: _digest([tree] if unreadable or test not in own else [p.statement for p in _reached(test, parts)])
        for test in tests
    }


class _Part:
    """A statement at the top of a file: the names that it defines, and those that it uses."""

    def __init__(self, statement: ast.stmt, own: set[str]) -> None:
        self.statement = statement
        self.defines = set(_defined(statement))
        self.uses = set(_names(statement))
        self.always = not self.defines or bool(self.defines & _ALWAYS) or _acts(statement, own)


def _reached(test: str, parts: list[_Part]) -> list[_Part]:
    """The parts that ``test`` depends on, in the order of the file."""
    wanted, found = {test}, set[int]()
    while True:
        new = {
            number
            for number, part in enumerate(parts)
            if number not in found and (part.always or part.defines & wanted)
        }
        if not new:
            return [parts[number] for number in sorted(found)]
        found |= new
        for number in new:
            wanted |= parts[number].uses


def _acts(statement: ast.stmt, own: set[str]) -> bool:
    """Whether a definition may do more than define: a decorator of the file's own, or a name taken from everywhere."""
    if isinstance(statement, ast.ImportFrom):
        return any(alias.name == "*" for alias in statement.names)
    if isinstance(statement, ast.FunctionDef) and statement.name.startswith("test_"):
        return False
    return any(name in own for each in getattr(statement, "decorator_list", []) for name in _names(each))


def _defined(statement: ast.stmt) -> list[str]:
    """Names that a statement at the top of a file binds, or changes what is bound to them."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
        case ast.Assign(targets=targets):
            return [name for target in targets for name in _names(target)]
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return list(_names(target))
    return []


def _names(tree: ast.AST) -> list[str]:
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _imports(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _digest(trees: Iterable[ast.AST]) -> str:
    return hashlib.sha256("\n".join(ast.dump(tree) for tree in trees).encode()).hexdigest()
