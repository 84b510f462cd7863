"""``release/<topic>/manifest.json``: which questions were handed out, and what they are worth.

Hidden tests may change after the release; the names of questions and their totals may not, because
submissions and the gradebook hold them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from autograder.course import Assignment, FrontMatter
from autograder.errors import AuthoringError
from autograder.model import Record
from autograder.suite import Suite

MANIFEST_NAME = "manifest.json"
MANIFEST_SCHEMA = 1


class ManifestQuestion(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One question and its total, bonus points aside. ``notebook`` holds it, where there are several."""

    name: str
    kind: Literal["auto", "manual"]
    points: float
    notebook: str = ""


class Manifest(Record, frozen=True, kw_only=True):
    """What was handed out. ``questions`` are in the handouts' order; ``notebook_sha256`` covers all notebooks."""

    schema: int = MANIFEST_SCHEMA
    topic: str
    title: str
    questions: tuple[ManifestQuestion, ...]
    total: float
    notebook_sha256: str

    def to_json(self) -> bytes:
        """Readable, stable JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def build_manifest(
    assignment: Assignment, suite: Suite, asked: Mapping[str, Iterable[str]], notebooks: Mapping[str, bytes]
) -> Manifest:
    """The manifest of the student notebooks ``notebooks``; ``asked`` names the questions of each in order."""
    points = _points(suite, assignment.front)
    questions = tuple(
        ManifestQuestion(
            name=name,
            kind="manual" if name in assignment.front.manual else "auto",
            points=points[name],
            notebook=notebook if assignment.several else "",
        )
        for notebook, names in asked.items()
        for name in names
    )
    return Manifest(
        topic=assignment.topic,
        title=assignment.front.title,
        questions=questions,
        total=sum(question.points for question in questions),
        notebook_sha256=hashlib.sha256(b"".join(notebooks[name] for name in assignment.notebooks)).hexdigest(),
    )


def read_manifest(path: Path) -> Manifest:
    """The manifest at ``path``; raises ``AuthoringError`` where there is none or it is damaged."""
    way_out = f"run 'autograder release {path.parent.name}'"
    if not path.is_file():
        raise AuthoringError(f"{path}: is missing, so the assignment was not released; {way_out}")
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise AuthoringError(f"{path}: is not a manifest ({error}); {way_out}") from error
    if manifest.schema != MANIFEST_SCHEMA:
        raise AuthoringError(f"{path}: has schema {manifest.schema}, this version reads {MANIFEST_SCHEMA}; {way_out}")
    return manifest


def check_manifest(manifest: Manifest, suite: Suite, front: FrontMatter) -> None:
    """Raise ``AuthoringError`` where a question's name or total is no longer what was handed out."""
    changes = list(_changes({question.name: question.points for question in manifest.questions}, _points(suite, front)))
    if changes:
        raise AuthoringError(
            f"assignment {manifest.topic!r} was released with other questions or totals: {'; '.join(changes)}. "
            f"Run 'autograder release {manifest.topic}' if it was not handed out yet; restore them in {suite.path} "
            "(or the handout's header, for manual questions) if it was"
        )


def _points(suite: Suite, front: FrontMatter) -> dict[str, float]:
    auto = {name: suite.points(name) for name in suite.questions()}
    return auto | {name: question.points for name, question in front.manual.items()}


def _changes(released: dict[str, float], now: dict[str, float]) -> Iterator[str]:
    for name, points in released.items():
        if name not in now:
            yield f"{name!r} is gone ({points:g} points when released)"
        elif abs(now[name] - points) > 1e-9:
            yield f"{name!r} has {now[name]:g} points now, {points:g} when released"
    for name in now.keys() - released.keys():
        yield f"{name!r} is new ({now[name]:g} points)"
