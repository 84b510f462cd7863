"""Notebooks whose fate is known: the model solution, odd but right answers, named wrong ones, cheap ones, none.

The model solution and the untouched notebook are the whole handout; the others hold the answers alone, one of
them taken from somewhere else. They are graded to judge the hidden tests, and they make the class of the demonstration.
"""

from __future__ import annotations

import ast
import copy
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nbformat import NotebookNode, v4

from autograder.course import Assignment, Course
from autograder.errors import AuthoringError
from autograder.hints import known_misconceptions, right_variants
from autograder.release.names import bound_names, used_names
from autograder.release.source import build_sources, notebook_bytes
from autograder.suite import Suite
from autograder.testing.marks import Misconception, Variant

Kind = Literal["reference", "untouched", "misconception", "variant", "cheap", "breaker", "mutant"]
MARKS = ("misconception", "variant")
FUTURE = "from __future__ import annotations\n\n"

# What costs no thought. ``right`` is the model solution: zeros and ones have the right shape and structure,
# and whatever must be refused is refused, so that only the numbers can give them away.
CHEAP_ANSWERS = {
    "zeros": "filled(right(*args, **kwargs), 0)",
    "ones": "filled(right(*args, **kwargs), 1)",
    "its input": "first(*args, *kwargs.values())",
}

_CHEAP_CELL = """
import inspect
import torch
from reference.{topic} import {question}

def filled(value, number):
    if isinstance(value, torch.Tensor):
        return torch.full_like(value, number)
    if isinstance(value, (list, tuple)):
        return type(value)([filled(item, number) for item in value])
    if isinstance(value, dict):
        return {{key: filled(item, number) for key, item in value.items()}}
    return type(value)(number) if isinstance(value, (bool, int, float)) else value

def first(*values):
    return next((value for value in values if isinstance(value, torch.Tensor)), values[0] if values else None)

def cheap(right):
    def answer(*args, **kwargs):
        return {expression}
    return answer

def cheapened(right):
    if not isinstance(right, type):
        return cheap(right)
    methods = {{k: cheap(v) for k, v in vars(right).items() if inspect.isfunction(v) and not k.startswith("_")}}
    return type(right.__name__, (right,), methods)

{question} = cheapened({question})
"""

# Answers of misconceptions and variants may build on the model solution, imported as in their own file.
_REFERENCE_CELL = """\
import sys
import types

for name in ("reference", "reference.{topic}"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["reference"].{topic} = sys.modules["reference.{topic}"]
exec({source!r}, vars(sys.modules["reference.{topic}"]))

"""


@dataclass(frozen=True)
class Specimen:
    """One notebook.

    ``question`` is the one it answers in its own way, empty for ``reference`` and ``untouched``; ``graded``
    are those whose results are not known beforehand, all where it is empty. ``breaks``: the line of the
    contract that a misconception breaks. ``others``: by name, what is handed in instead of ``notebook`` as the
    assignment's further notebooks, where it has several.
    """

    kind: Kind
    name: str
    question: str
    notebook: bytes
    graded: tuple[str, ...] = ()
    breaks: str = ""
    others: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Workbook:
    """The source notebook of an assignment, which specimens are made from; ``others`` are its further ones, by name."""

    assignment: Assignment
    source: NotebookNode
    others: Mapping[str, NotebookNode]

    @classmethod
    def of(cls, assignment: Assignment, suite: Suite) -> Workbook:
        """The workbook of ``assignment``; raises ``AuthoringError`` where its files disagree."""
        others = build_sources(assignment, suite)
        return cls(assignment, others.pop(assignment.topic), others)

    def filled_in(self, answers: Mapping[str, str] | None = None) -> NotebookNode:
        """The main notebook with the model solution's answers, those in ``answers`` (source by question) instead."""
        notebook = copy.deepcopy(self.source)
        for question, source in (answers or {}).items():
            cell_of(notebook, f"{question}-answer").source = source
        return notebook

    def bare(self, answer: str) -> bytes:
        """The notebook of the answers alone: those of the model solution, then ``answer``. Nothing is plotted."""
        return answers_alone(self.assignment.reference.read_text(encoding="utf-8"), answer)

    def marked(self, path: Path, mark: Misconception | Variant) -> str:
        """The source of the answer that ``mark`` names in the file at ``path``, ready for its question's cell."""
        try:
            answer = answer_source(path.read_text(encoding="utf-8"), mark.name, mark.of)
        except AuthoringError as error:
            raise AuthoringError(f"{path}: {error}") from error
        if not imports_reference(answer):
            return answer
        head = FUTURE if answer.startswith(FUTURE) else ""
        return head + self.model_solution() + answer.removeprefix(head)

    def cheap(self, question: str, expression: str) -> str:
        """The source of an answer to ``question`` that is the value of ``expression`` (see ``CHEAP_ANSWERS``)."""
        topic = self.assignment.topic
        return self.model_solution() + _CHEAP_CELL.format(topic=topic, question=question, expression=expression)

    def model_solution(self) -> str:
        """Source that makes the module ``reference.<topic>`` where there are no files."""
        source = self.assignment.reference.read_text(encoding="utf-8")
        return _REFERENCE_CELL.format(topic=self.assignment.topic, source=source)


def cell_of(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    """The cell that nbgrader knows as ``grade_id``; ``KeyError`` where there is none."""
    cells: list[NotebookNode] = notebook.cells
    for cell in cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            return cell
    raise KeyError(grade_id)


def specimens(course: Course, assignment: Assignment, suite: Suite) -> Iterator[Specimen]:
    """All specimens of an assignment; the untouched one only where it is released.

    Raises ``AuthoringError`` where the assignment's files disagree.
    """
    workbook, reached = Workbook.of(assignment, suite), reach(assignment, suite)

    def one(kind: Kind, name: str, question: str, answer: str, breaks: str = "") -> Specimen:
        graded = {
            "cheap": (question,),
            "misconception": tuple(name for name in reached[question] if name not in dependents(suite, question)),
            "variant": reached[question],
        }[kind]
        return Specimen(kind, name, question, workbook.bare(answer), graded, breaks)

    right = {name: notebook_bytes(notebook) for name, notebook in workbook.others.items()}
    yield Specimen("reference", "reference", "", notebook_bytes(workbook.filled_in()), others=right)
    released = {name: assignment.released(name) for name in assignment.notebooks}
    if all(path.is_file() for path in released.values()):
        untouched = {name: path.read_bytes() for name, path in released.items()}
        yield Specimen("untouched", "untouched", "", untouched.pop(assignment.topic), others=untouched)
    for wrong in misconceptions(course, assignment):
        answer = workbook.marked(assignment.misconceptions, wrong)
        yield one("misconception", wrong.name, wrong.of, answer, wrong.breaks or "")
    for odd in variants(course, assignment):
        yield one("variant", odd.name, odd.of, workbook.marked(assignment.variants, odd))
    for question in suite.questions():
        for name, expression in CHEAP_ANSWERS.items():
            yield one("cheap", f"{name} for {question}", question, workbook.cheap(question, expression))


def answers_alone(*cells: str) -> bytes:
    """A notebook of code cells."""
    nodes = [v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(cells)]
    return notebook_bytes(v4.new_notebook(cells=nodes))


def misconceptions(course: Course, assignment: Assignment) -> list[Misconception]:
    """The marks of an assignment's misconceptions, in file order."""
    path = assignment.misconceptions
    module = course.load(path) if path.is_file() else None
    return [known.mark for known in known_misconceptions(module, vars(course.load(assignment.reference)))]


def variants(course: Course, assignment: Assignment) -> list[Variant]:
    """The marks of an assignment's right variants, in file order."""
    path = assignment.variants
    module = course.load(path) if path.is_file() else None
    return list(dict.fromkeys(mark for mark, _ in right_variants(module)))


def dependents(suite: Suite, question: str) -> set[str]:
    """The questions with a test that is allowed to fail because of a wrong answer to ``question``."""
    return {test.question.name for test in suite.tests if question in test.question.depends_on}


def reach(assignment: Assignment, suite: Suite) -> dict[str, tuple[str, ...]]:
    """For each question, itself first, the questions whose tests can notice how it is answered.

    A test notices where it mentions the question, or another one whose model solution mentions it: what is
    found in the source is at least what is called.
    """
    questions, tests = suite.questions(), ast.parse(suite.path.read_text(encoding="utf-8"))
    solution = ast.parse(assignment.reference.read_text(encoding="utf-8"))
    leads_to = {name: {name} | mentioned(needed(solution, name)) for name in questions}
    beside = [path for path in suite.path.parent.glob("*.py") if not path.name.startswith("test_")]
    shared = mentioned([node for path in beside for node in ast.parse(path.read_text(encoding="utf-8")).body])
    notices: dict[str, set[str]] = {name: set() for name in questions}
    for test in suite.tests:
        for name in (mentioned(needed(tests, test.name)) | shared | {test.question.name}).intersection(questions):
            notices[test.question.name] |= leads_to[name]
    return {
        name: (name, *(other for other in questions if other != name and name in notices[other])) for name in questions
    }


# -------------------------------------------------------------------------- answers cut from their files


def answer_source(source: str, name: str, question: str) -> str:
    """A cell that defines ``question`` as the marked answer ``name`` of a file, with what that needs.

    An answer that stands alone takes the question's name, as a student would write it. One that needs
    helpers keeps them in a scope of its own, away from helpers of the same name in other cells.
    """
    statements = needed(ast.parse(source), name)
    *others, definition = statements
    if not isinstance(definition, ast.FunctionDef | ast.ClassDef):
        raise AuthoringError(f"{name!r} is marked, but is no function or class at the top of the file")
    head = FUTURE if FUTURE.strip() in source else ""
    if not imports_reference(source_of(others)) and all(isinstance(s, ast.Import | ast.ImportFrom) for s in others):
        for node in ast.walk(definition):  # it may call itself
            if isinstance(node, ast.Name) and node.id == name:
                node.id = question
        definition.name = question
        return head + source_of(statements) + "\n"
    inside = textwrap.indent(f"{source_of(statements)}\nreturn {name}", "    ")
    return f"{head}def answer():\n{inside}\n\n{question} = answer()\n"


def needed(module: ast.Module, name: str) -> list[ast.stmt]:
    """The statements at module level that ``name`` needs, itself included, without marks, in order."""
    for statement in module.body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            statement.decorator_list = [d for d in statement.decorator_list if not _is_mark(d)]
    found: set[ast.stmt] = set()
    names = {name}
    while more := {s for s in module.body if s not in found and names.intersection(bound_names(s))}:
        found |= more
        names |= used_names(more)
    return [statement for statement in module.body if statement in found]


def mentioned(statements: list[ast.stmt]) -> set[str]:
    """Every name, attribute and string in some statements."""
    found: set[str] = set()
    for node in (node for statement in statements for node in ast.walk(statement)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                found.add(name)
    return found


def imports_reference(source: str) -> bool:
    """Whether ``source`` imports the course's ``reference``."""
    return any(
        (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "reference")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "reference" for alias in node.names))
        for node in ast.walk(ast.parse(source))
    )


def source_of(statements: list[ast.stmt]) -> str:
    """The text of some statements, formatted by ``ast``."""
    return ast.unparse(ast.fix_missing_locations(ast.Module(statements, [])))


def _is_mark(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and ast.unparse(decorator.func).split(".")[-1] in MARKS
