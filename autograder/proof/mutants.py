"""Mutates the model solutions and grades every mutant: what survives is a hole in a suite, or equivalent for a reason.

``reference/mutants/TOPIC.toml`` records the equivalent ones. A mutant is named by its function and the lines that
changed, so that the record outlives edits elsewhere; ``*`` in a record stands for any text.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import itertools
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst
import msgspec

from autograder.course import Assignment, Course
from autograder.errors import AuthoringError
from autograder.model import Limits, Verdict
from autograder.proof.operators import OPERATORS
from autograder.proof.trials import Graded, grade_specimens, lost
from autograder.provenance import Options
from autograder.specimens import Specimen, answers_alone, needed
from autograder.suite import Suite, collect

# A mutant that loops for ever ends soon, and one lost test is enough.
OPTIONS = Options(explain=False, diagnose=False, first_loss_only=True, limits=Limits(call_seconds=2.0, restarts=2))

Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Mutant:
    """A model solution with one change. ``questions`` are those that the change reaches."""

    name: str
    source: str
    questions: tuple[str, ...]

    def specimen(self) -> Specimen:
        """What is graded."""
        return Specimen("mutant", self.name, self.questions[0], answers_alone(self.source), self.questions)


@dataclass(frozen=True)
class Outcome:
    """What became of the mutants of an assignment.

    ``survivors`` are neither killed nor recorded; ``equivalent`` pairs survivors with the reason on record;
    ``stale`` are records that fit no survivor.
    """

    topic: str
    tried: int
    killed: int
    survivors: tuple[str, ...]
    equivalent: tuple[tuple[str, str], ...]
    stale: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every survivor is explained, and every record is needed."""
        return not self.survivors and not self.stale


def mutation_test(
    course: Course,
    topics: Sequence[str],
    *,
    sample: int = 0,
    jobs: int = 0,
    progress: Advance = lambda done, total: None,
) -> list[Outcome]:
    """Grade the mutants of ``topics``, or ``sample`` of each, drawn by a digest of their names.

    Raises ``AuthoringError`` where an assignment's files disagree, ``IsolationError`` where the sandbox cannot
    keep its promises on this machine.
    """
    cases = []
    for topic in topics:
        assignment = course.assignment(topic)
        suite = collect(course, assignment)
        found = list(mutants(assignment, suite))
        chosen = sorted(found, key=_digest)[:sample] if sample else found
        cases.append((assignment, suite, chosen))
    total = sum(len(chosen) for _, _, chosen in cases)
    counter = itertools.count()

    def advance() -> None:
        progress(next(counter), total)

    advance()
    outcomes = []
    for assignment, suite, chosen in cases:
        specimens = [mutant.specimen() for mutant in chosen]
        graded = grade_specimens(course, assignment, suite, specimens, OPTIONS, jobs=jobs, advance=advance)
        outcomes.append(_outcome(assignment, graded, whole=not sample))
    return outcomes


def _digest(mutant: Mutant) -> str:
    return hashlib.sha256(mutant.name.encode()).hexdigest()


def _outcome(assignment: Assignment, graded: Sequence[Graded], *, whole: bool) -> Outcome:
    records = read_equivalents(assignment)
    survivors, equivalent, used = [], [], set()
    for item in graded:
        if _killed(item):
            continue
        reason = next(((p, why) for p, why in records.items() if _fits(p, item.specimen.name)), None)
        if reason is None:
            survivors.append(item.specimen.name)
        else:
            used.add(reason[0])
            equivalent.append((item.specimen.name, reason[1]))
    stale = [pattern for pattern in records if pattern not in used] if whole else []
    killed = len(graded) - len(survivors) - len(equivalent)
    return Outcome(assignment.topic, len(graded), killed, tuple(survivors), tuple(equivalent), tuple(stale))


def _killed(item: Graded) -> bool:
    if item.report.verdict is Verdict.GRADER_ERROR:
        raise AuthoringError(f"{item.specimen.name}: could not be graded: {item.report.message}")
    return any(lost(question) for question in item.report.questions if question.name in item.specimen.graded)


# ------------------------------------------------------------------------------------- equivalent ones


class _Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mutants: list[str]
    reason: str


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    equivalent: list[_Equivalent] = []


def read_equivalents(assignment: Assignment) -> dict[str, str]:
    """The reasons on record, by the name or pattern of the mutants; none where there is no file."""
    path = assignment.equivalents
    if not path.is_file():
        return {}
    try:
        record = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Record)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise AuthoringError(f"{path}: {error}") from error
    return {pattern: item.reason for item in record.equivalent for pattern in item.mutants}


def _fits(pattern: str, name: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None


# -------------------------------------------------------------------------------------------- mutating


def mutants(assignment: Assignment, suite: Suite) -> Iterator[Mutant]:
    """Every mutant of the model solution that compiles, once."""
    source = assignment.reference.read_text(encoding="utf-8")
    module = cst.parse_module(source)
    reached = reached_questions(source, suite.questions())
    seen, names = {source}, set[str]()
    for scope, old, new in _changes(module):
        mutated = module.deep_replace(old, new)
        code = mutated.code if isinstance(mutated, cst.Module) else ""
        if code in seen or not reached.get(scope) or not _compiles(code):
            continue
        seen.add(code)
        name = _unused(f"{scope}: {_difference(source, code)}", names)
        yield Mutant(name, code, reached[scope])


def reached_questions(source: str, questions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each name at module level the questions that show it: itself, or, for a helper, those that need it."""
    reached: dict[str, tuple[str, ...]] = {}
    for question in questions:
        for statement in needed(ast.parse(source), question):
            for name in _names_of(statement):
                reached[name] = (*reached.get(name, ()), question)
    return {name: (name,) if name in questions else found for name, found in reached.items()}


def _names_of(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _compiles(code: str) -> bool:
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _difference(before: str, after: str) -> str:
    """The lines that changed, as ``old -> new``."""
    old, new = [], []
    for line in difflib.ndiff(before.splitlines(), after.splitlines()):
        if line.startswith("- "):
            old.append(line[2:].strip())
        elif line.startswith("+ "):
            new.append(line[2:].strip())
    return f"{' '.join(old)} -> {' '.join(new)}"


def _unused(name: str, names: set[str]) -> str:
    """``name``, with a number where it is taken: the same lines may stand twice in a function."""
    number = 1
    while (unused := name if number == 1 else f"{name} #{number}") in names:
        number += 1
    names.add(unused)
    return unused


def _changes(module: cst.Module) -> Iterator[tuple[str, cst.CSTNode, cst.CSTNode]]:
    for statement in module.body:
        scope = _scope(statement)
        if scope:
            found = _Sites()
            statement.visit(found)
            yield from ((scope, old, new) for old, new in found.sites)


def _scope(statement: cst.CSTNode) -> str:
    """The name that a statement at module level defines."""
    if isinstance(statement, cst.FunctionDef | cst.ClassDef):
        return statement.name.value
    if isinstance(statement, cst.SimpleStatementLine):
        for part in statement.body:
            target = part.targets[0].target if isinstance(part, cst.Assign) else getattr(part, "target", None)
            if isinstance(target, cst.Name):
                return target.value
    return ""


class _Sites(cst.CSTVisitor):
    """Collects what could stand in the place of each node. Texts of errors, types and documentation stay."""

    def __init__(self) -> None:
        super().__init__()
        self.sites: list[tuple[cst.CSTNode, cst.CSTNode]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Try the operators on ``node``; whether to look inside."""
        if isinstance(node, cst.Raise | cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom):
            return False
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString):
            return False
        for kind, operator in OPERATORS:
            if isinstance(node, kind):
                self.sites.extend((node, new) for new in operator(node))
        return True


def markdown(outcomes: Sequence[Outcome]) -> str:
    """A table of the outcomes, then the survivors and the equivalent mutants with their reasons."""
    lines = ["# Mutants of the model solutions", "", "| assignment | mutants | killed | equivalent | unexplained |"]
    lines.append("| --- | --- | --- | --- | --- |")
    lines += [f"| {o.topic} | {o.tried} | {o.killed} | {len(o.equivalent)} | {len(o.survivors)} |" for o in outcomes]
    for o in outcomes:
        lines += ["", f"## {o.topic}", ""]
        lines += [f"- survives: `{name}`" for name in o.survivors]
        lines += [f"- equivalent: `{name}`: {reason}" for name, reason in o.equivalent]
    return "\n".join([*lines, ""])
