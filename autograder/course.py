"""A course folder: where its files lie, what its assignments declare, how its modules are loaded.

A course is any folder with ``nbgrader_config.py``; assignments are found by location, there is no
registry. An assignment ``TOPIC`` is ``assignments/TOPIC/TOPIC.md``, ``reference/TOPIC.py``,
``tests/hidden/test_TOPIC.py``, and optionally ``reference/misconceptions/TOPIC.py`` and
``reference/variants/TOPIC.py``. One of several notebooks has a handout for each, ``assignments/TOPIC/NAME.md``.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.machinery
import importlib.util
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Literal

import msgspec
import yaml

from autograder.errors import AuthoringError, UsageError
from autograder.lines import at, line_of_key, place_of_error
from autograder.model import Limits

CONFIG_NAME = "nbgrader_config.py"
TOPIC_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


class ManualQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question that a person scores."""

    points: float


class FrontMatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is particular to an assignment: the ``autograder`` key of its handout's front matter.

    ``notebooks`` names them all, in order, where there are several; the assignment's own name is one of them.
    """

    title: str
    limits: Limits = Limits()
    feedback: Literal["full", "category"] = "full"
    device: Literal["any", "cuda"] = "any"
    manual: dict[str, ManualQuestion] = {}
    notebooks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """One assignment of a course: its files and its front matter."""

    topic: str
    root: Path
    front: FrontMatter

    @property
    def handout(self) -> Path:
        """The Markdown notebook that the author writes; of several, the one with the front matter."""
        return self.handout_of(self.topic)

    def handout_of(self, notebook: str) -> Path:
        """The handout of one of its notebooks."""
        return self.root / "assignments" / self.topic / f"{notebook}.md"

    @property
    def notebooks(self) -> tuple[str, ...]:
        """The names of its notebooks, in order; most assignments have one, with their own name."""
        return self.front.notebooks or (self.topic,)

    @property
    def several(self) -> tuple[str, ...]:
        """The names of its notebooks where there are several; empty where there is one."""
        return self.notebooks if len(self.notebooks) > 1 else ()

    @property
    def files(self) -> Path:
        """Data that students and the sandbox see read-only."""
        return self.root / "assignments" / self.topic / "files"

    def source_of(self, notebook: str) -> Path:
        """One of its notebooks with solutions, as nbgrader reads it; generated."""
        return self.root / "assignments" / self.topic / f"{notebook}.ipynb"

    @property
    def release_folder(self) -> Path:
        """What students get; generated and committed."""
        return self.root / "release" / self.topic

    def released(self, notebook: str) -> Path:
        """One of its notebooks as students get it."""
        return self.release_folder / f"{notebook}.ipynb"

    @property
    def reference(self) -> Path:
        """The module of the model solution."""
        return self.root / "reference" / f"{self.topic}.py"

    @property
    def misconceptions(self) -> Path:
        """The module of named wrong answers; need not exist."""
        return self.root / "reference" / "misconceptions" / f"{self.topic}.py"

    @property
    def variants(self) -> Path:
        """The module of unusual right answers; need not exist."""
        return self.root / "reference" / "variants" / f"{self.topic}.py"

    @property
    def contract(self) -> Path:
        """The lines that the assignment's functions must keep; need not exist."""
        return self.root / "reference" / "contracts" / f"{self.topic}.toml"

    @property
    def equivalents(self) -> Path:
        """Mutants of the reference that no test can tell from it, with reasons; need not exist."""
        return self.root / "reference" / "mutants" / f"{self.topic}.toml"

    @property
    def hidden_tests(self) -> Path:
        """The file of graded tests."""
        return self.root / "tests" / "hidden" / f"test_{self.topic}.py"


@dataclass(frozen=True)
class Course:
    """A course folder by its root."""

    root: Path
    _loaded: dict[Path, ModuleType] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """The course that ``start`` (by default the working directory) lies in."""
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / CONFIG_NAME).is_file():
                return cls(folder)
        raise UsageError(f"no course at {here}: neither it nor a folder above holds {CONFIG_NAME}")

    @property
    def state(self) -> Path:
        """Uncommitted state: the secret seed, stored examples, locks."""
        return self.root / ".autograder"

    @property
    def submitted(self) -> Path:
        """Notebooks as handed in: ``submitted/<student>/<topic>/<topic>.ipynb``."""
        return self.root / "submitted"

    @property
    def results(self) -> Path:
        """Grade reports: ``results/<topic>/<student>.json``."""
        return self.root / "results"

    def topics(self) -> list[str]:
        """Names of all assignments, sorted."""
        return sorted(path.stem for path in self.root.glob("assignments/*/*.md") if path.stem == path.parent.name)

    def assignment(self, topic: str) -> Assignment:
        """The assignment ``topic``; names near misses where there is none."""
        if topic not in self.topics():
            near = difflib.get_close_matches(topic, self.topics(), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(self.topics()) or 'none'}"
            raise UsageError(f"no assignment {topic!r} in {self.root / 'assignments'}; {hint}")
        if not TOPIC_NAME.match(topic):
            raise AuthoringError(f"assignment name {topic!r}: use lower-case letters, digits and underscores")
        handout = self.root / "assignments" / topic / f"{topic}.md"
        found = Assignment(topic, self.root, read_front_matter(handout))
        for path, role in ((found.reference, "reference"), (found.hidden_tests, "hidden tests")):
            if not path.is_file():
                raise AuthoringError(f"assignment {topic!r} has no {role}: {path} is missing")
        _require_notebooks(found)
        return found

    def load(self, path: Path) -> ModuleType:
        """The module at ``path`` under its name from the course root, such as ``reference.attention``."""
        if path not in self._loaded:
            self._loaded[path] = self._import(path)
        return self._loaded[path]

    def _import(self, path: Path) -> ModuleType:
        name = ".".join(path.relative_to(self.root).with_suffix("").parts)
        _forget_other_courses(self.root)
        if sys.path[:1] != [str(self.root)]:  # first, or another course's reference.TOPIC would be found
            sys.path[:] = [str(self.root), *(entry for entry in sys.path if entry != str(self.root))]
        spec = importlib.util.spec_from_file_location(name, path, loader=_SourceLoader(name, str(path)))
        if spec is None or spec.loader is None:
            raise AuthoringError(f"{path}: cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except AuthoringError as error:
            raise AuthoringError(f"{self._place_of(error, path)}: {error}") from error
        except Exception as error:
            said = error.msg if isinstance(error, SyntaxError) else error
            place = self._place_of(error, path)
            raise AuthoringError(f"{place}: importing it raised {type(error).__name__}: {said}") from error
        return module

    def _place_of(self, error: Exception, path: Path) -> str:
        return place_of_error(error, path, (self.root / "reference", self.root / "tests"))


class _SourceLoader(importlib.machinery.SourceFileLoader):
    """Compiles what the file says now: a cached .pyc can be stale within a second, or planted."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the signature is importlib's
        return self.source_to_code(self.get_data(self.path), self.path)


def _forget_other_courses(root: Path) -> None:
    """Drop course modules of another root, so that two courses never mix in one process."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)  # folders without one are namespaces, which follow sys.path
        for package in ("reference", "tests.hidden"):
            ours = str(root.joinpath(*package.split("."))) + os.sep
            if name.startswith(f"{package}.") and file and not file.startswith(ours):
                del sys.modules[name]


def _require_notebooks(assignment: Assignment) -> None:
    """Raise ``AuthoringError`` where the header names notebooks that cannot be."""
    names, here = assignment.front.notebooks, f"{assignment.handout}: header, 'notebooks'"
    if names and assignment.topic not in names:
        raise AuthoringError(f"{here}: the assignment's own, {assignment.topic!r}, is not among {', '.join(names)}")
    for name in names:
        if not TOPIC_NAME.match(name):
            raise AuthoringError(f"{here}: {name!r} is no name; use lower-case letters, digits and underscores")
        if names.count(name) > 1:
            raise AuthoringError(f"{here}: {name!r} is named twice; each notebook has a name of its own")
        if not assignment.handout_of(name).is_file():
            raise AuthoringError(f"{here}: {name!r} has no handout; write {assignment.handout_of(name)}")
        if name != assignment.topic and "autograder" in _header(assignment.handout_of(name))[1]:
            path = assignment.handout_of(name)
            raise AuthoringError(f"{path}: the header has an 'autograder' key; it belongs in {assignment.handout.name}")


def read_front_matter(handout: Path) -> FrontMatter:
    """The ``autograder`` part of a handout's YAML header."""
    text, header = _header(handout)
    if "autograder" not in header:
        raise AuthoringError(f"{handout}: the header has no 'autograder' key; at least 'title' belongs under it")
    try:
        return msgspec.convert(header["autograder"], FrontMatter, strict=False)
    except msgspec.ValidationError as error:
        place = at(handout, line_of_key(text, str(error)))
        raise AuthoringError(f"{place}: header, under 'autograder': {error}") from error


def _header(handout: Path) -> tuple[str, dict[str, Any]]:
    """The text of a handout's YAML header, and what it says."""
    match = _FRONT_MATTER.match(handout.read_text(encoding="utf-8"))
    if match is None:
        raise AuthoringError(f"{handout}: has no YAML header between two lines of ---")
    try:
        header: Any = yaml.safe_load(match.group(1))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)  # counted from 0, and the header begins in line 2
        said = getattr(error, "problem", None) or error
        place = at(handout, mark.line + 2 if mark else 0)
        raise AuthoringError(f"{place}: the header is not YAML: {said}") from error
    return match[0], header if isinstance(header, dict) else {}


def file_digest(*paths: Path) -> str:
    """SHA-256 over the names and bytes of files, in the order given; a missing file counts as such."""
    digest = hashlib.sha256()
    for path in paths:
        data = path.read_bytes() if path.is_file() else None
        size = "missing" if data is None else len(data)
        digest.update(f"{path.name}:{size}\n".encode() + (data or b""))
    return digest.hexdigest()


def tests_digest(assignment: Assignment) -> str:
    """Names the hidden tests of an assignment, with the modules beside them that they may import."""
    return file_digest(assignment.hidden_tests, *beside_tests(assignment))


def beside_tests(assignment: Assignment) -> list[Path]:
    """Modules that hidden tests may import from their own folder."""
    folder = assignment.hidden_tests.parent
    return sorted(p for p in folder.glob("*.py") if not p.name.startswith("test_") and p.name != "conftest.py")
