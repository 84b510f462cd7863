"""The tiny course whose assignment has two notebooks: ``halving`` asks for ``halve``, ``second`` for the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.release import release
from tests.toolkit.handed_in import HALVE, HALVER
from tests.toolkit.tiny import TOPIC, tiny_course

SECOND = "second"
HEADER = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---
# More halving

```{code-cell} ipython3
import torch
from torch import Tensor, nn
```

"""


def divided_course(folder: Path) -> Course:
    """The course, not released."""
    course = tiny_course(folder)
    handout = course.root / "assignments" / TOPIC / f"{TOPIC}.md"
    first, mark, rest = handout.read_text(encoding="utf-8").partition("## Several times\n")
    assert mark
    handout.write_text(first.replace("  title: Halving\n", f"  title: Halving\n  notebooks: [{TOPIC}, {SECOND}]\n"))
    handout.with_name(f"{SECOND}.md").write_text(HEADER + mark + rest, encoding="utf-8")
    return course


def released_course(folder: Path) -> Course:
    """The course, released."""
    course = divided_course(folder)
    release(course, TOPIC)
    return course


def answered(course: Course, name: str, **answers: str) -> bytes:
    """A notebook of the release with ``answers``, source by grade id, right ones unless told otherwise."""
    notebook = json.loads((course.root / "release" / TOPIC / f"{name}.ipynb").read_bytes())
    given = {"halve-answer": HALVE, "Halver-answer": HALVER, "explain_halving": "The exponent changes."} | answers
    for cell in notebook["cells"]:
        marks: dict[str, Any] = cell["metadata"].get("nbgrader", {})
        cell["source"] = given.get(marks.get("grade_id", ""), cell["source"])
    return json.dumps(notebook).encode()


def hand_in(course: Course, student: str, **notebooks: bytes | None) -> Path:
    """Hand in both notebooks, right ones unless ``notebooks`` says otherwise; ``None`` leaves one out."""
    folder = course.submitted / student / TOPIC
    folder.mkdir(parents=True, exist_ok=True)
    for name in (TOPIC, SECOND):
        data = notebooks.get(name, answered(course, name))
        if data is not None:
            (folder / f"{name}.ipynb").write_bytes(data)
    return folder
