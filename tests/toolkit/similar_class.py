"""Notebooks that are copied, disguised, or alike because they are right."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from autograder.course import Course
from autograder.sandbox.notebook import read_cells

ROOT = Path(__file__).parents[2]


def released(topic: str) -> list[str]:
    """The code cells that every student gets."""
    return [cell.source for cell in read_cells((ROOT / "release" / topic / f"{topic}.ipynb").read_bytes())]


def solution(topic: str) -> list[str]:
    """The model solution, a function or class a cell."""
    return list(_definitions(ROOT / "reference" / f"{topic}.py"))


def right_answers(topic: str) -> list[list[str]]:
    """Notebooks of different right answers: the model solution, and each question's first, second ... variants."""
    by_question: dict[str, list[str]] = {}
    variants = Course(ROOT).assignment(topic).variants
    for definition in ast.parse(variants.read_text(encoding="utf-8")).body:
        if not isinstance(definition, ast.FunctionDef | ast.ClassDef):
            continue
        for mark in definition.decorator_list:
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "variant":
                asked = ast.unparse((mark.args or [keyword.value for keyword in mark.keywords])[0])
                definition.decorator_list = []
                by_question.setdefault(asked, []).append(ast.unparse(definition))
    most = max(map(len, by_question.values()))
    return [solution(topic)] + [[own[at] for own in by_question.values() if at < len(own)] for at in range(most)]


def disguised(cells: list[str]) -> list[str]:
    """The same code in another order, with other names, without docstrings, laid out anew, with comments."""
    tree = ast.parse("\n\n".join(cells))
    names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.arg = f"my_{node.arg}"
        elif isinstance(node, ast.Name) and node.id in names:
            node.id = f"my_{node.id}"
    texts = [f"# my own idea\n{ast.unparse(definition)}" for definition in tree.body]
    return texts[::-1]


def _definitions(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    for definition in ast.parse(text).body:
        if isinstance(definition, ast.FunctionDef | ast.ClassDef):
            yield ast.get_source_segment(text, definition) or ""
