"""Whether the handout, the reference and the hidden tests of an assignment speak of the same questions."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.course import FrontMatter
from autograder.errors import AuthoringError
from autograder.lines import at
from autograder.release.answers import Reference
from autograder.release.handout import Handout
from autograder.suite import Suite


def require_consistent(handout: Handout, reference: Reference, suite: Suite, front: FrontMatter) -> None:
    """Raise one ``AuthoringError`` that lists every disagreement, each with its file and the way out.

    ``handout`` holds the cells of all notebooks.
    """
    problems = [
        *_duplicates(handout),
        *_questions(handout, reference, suite),
        *_checks(handout),
        *_manual(handout, front),
    ]
    if problems:
        raise AuthoringError("\n".join(problems))


def _duplicates(handout: Handout) -> Iterator[str]:
    for kind in ("question", "check"):
        names = handout.names(kind)
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            yield f"{handout.place(kind, name)}: {name!r} has {names.count(name)} {kind} cells; keep one"
    manual = handout.names("manual")
    for name in dict.fromkeys(manual):
        if manual.count(name) > 1 or name in handout.names("question"):
            place = handout.place("manual", name)
            yield f"{place}: the manual question {name!r} needs a name of its own; another cell has it"


def _questions(handout: Handout, reference: Reference, suite: Suite) -> Iterator[str]:
    asked, graded = handout.names("question"), suite.questions()
    for name in asked:
        place = handout.place("question", name)
        if reference.definition(name) is None:
            yield f"{place}: asks for {name!r}, which {reference.path} does not define"
        if name not in graded:
            yield f"{place}: asks for {name!r}, which no test in {suite.path} counts for; add @question tests"
    for name in graded:
        if name not in asked:
            place = at(suite.path, next(test.line for test in suite.tests if test.question.name == name))
            files = " or ".join(dict.fromkeys(str(cell.path) for cell in handout.cells)) or handout.path
            yield f"{place}: gives points for {name!r}; {files} has no cell ':question: {name}' for it"


def _checks(handout: Handout) -> Iterator[str]:
    asked, checked = handout.names("question"), handout.names("check")
    notebooks = {(cell.kind, cell.name): cell.path for cell in handout.cells}
    for name in asked:
        check = notebooks.get(("check", name))
        if check is not None and check != notebooks["question", name]:
            place = handout.place("check", name)
            yield f"{place}: the check of {name!r} belongs below its question, in {notebooks['question', name].name}"
        if name not in checked:
            place = handout.place("question", name)
            yield f"{place}: question {name!r} has no visible check; add a code cell ':check: {name}' below it"
    for name in checked:
        if name not in asked:
            yield f"{handout.place('check', name)}: has a check of {name!r}, which the handout does not ask for"


def _manual(handout: Handout, front: FrontMatter) -> Iterator[str]:
    cells = handout.names("manual")
    for name, question in front.manual.items():
        if name not in cells:
            yield f"""{handout.path}: the header names the manual question {name!r}; add '+++ {{"manual": "{name}"}}'"""
        if not question.points > 0:
            yield f"{handout.path}: the manual question {name!r} has {question.points:g} points; give it more than 0"
    for name in cells:
        if name not in front.manual:
            yield f"{handout.place('manual', name)}: the manual question {name!r} has no points; add them to the header"
