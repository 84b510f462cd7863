"""Which names Python statements bind and use."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator


def bound_names(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement at module level defines; those of nested functions and classes stay inside."""
    match statement:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case _:
            yield from _bound_inside(statement)


def _bound_inside(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield from bound_names(child)
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        else:
            yield from _bound_inside(child)


def used_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Every name that is read somewhere in the nodes."""
    return {
        name.id
        for node in nodes
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)
    }
