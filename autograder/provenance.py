"""What a grade depends on, named by digests. Imports no torch: an unchanged class is recognised at once."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import msgspec

import autograder
from autograder.course import Assignment, file_digest, tests_digest
from autograder.gpu import Gpu
from autograder.model import GradeReport, Limits, Verdict, Versions, records_of
from autograder.seed import Seed


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a grading run can be told, beyond the course's own files."""

    isolation: Literal["sandbox", "process"] = "sandbox"
    device: Literal["cpu", "cuda"] = "cpu"
    gpu: Gpu | None = None  # the card that was found here; elsewhere another one is
    limits: Limits | None = None  # instead of the assignment's own
    explain: bool = True  # look for counterexamples that may be shown
    diagnose: bool = True  # look for the misconception behind a failure
    first_loss_only: bool = False  # nothing more of a question is run once a test of it is lost


@dataclass(frozen=True)
class Basis:
    """Everything a grade depends on, beside the submission itself."""

    tests_sha256: str
    reference_sha256: str
    seed_id: str
    device: str
    isolation: str
    options: str
    versions: Versions


def basis_of(assignment: Assignment, seed: Seed, options: Options) -> Basis:
    """The basis of grades of ``assignment``, from its files."""
    # Where calls run decides which tests can count, not what a test finds.
    told = msgspec.to_builtins(options) | {"device": None, "gpu": None}
    front = msgspec.to_builtins(assignment.front)
    front["notebooks"] = _places(assignment)
    if not front["notebooks"]:
        del front["notebooks"]  # grades from before there could be several still stand
    digest = hashlib.sha256(msgspec.json.encode((told, front))).hexdigest()
    return Basis(
        tests_sha256=tests_digest(assignment),
        reference_sha256=reference_digest(assignment),
        seed_id=seed.id,
        device=options.device,
        isolation=options.isolation,
        options=digest[:16],
        versions=versions(),
    )


class _Question(msgspec.Struct):
    name: str
    notebook: str = ""


class _Manifest(msgspec.Struct):
    questions: list[_Question]


def _places(assignment: Assignment) -> list[tuple[str, str]]:
    """Where each question was asked, of an assignment of several notebooks: there alone its tests look."""
    path = assignment.release_folder / "manifest.json"
    if not assignment.several or not path.is_file():
        return [(name, "") for name in assignment.several]
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except msgspec.DecodeError:
        return []  # told of where the manifest is needed
    return [(question.name, question.notebook) for question in found.questions]


def basis_told(report: GradeReport) -> Basis:
    """The basis that ``report`` itself names."""
    return Basis(**{field.name: getattr(report.provenance, field.name) for field in fields(Basis)})


def reference_digest(assignment: Assignment) -> str:
    """Names what answers are compared with: the reference, the misconceptions, the data."""
    return file_digest(assignment.reference, assignment.misconceptions, *data_files(assignment))


def data_files(assignment: Assignment) -> list[Path]:
    """The data that notebooks read, in a fixed order."""
    return sorted(path for path in assignment.files.rglob("*") if path.is_file())


def versions() -> Versions:
    """Versions that a grade depends on."""
    return Versions(
        python=platform.python_version(),
        torch=importlib.metadata.version("torch"),
        autograder=autograder.__version__,
        hypothesis=importlib.metadata.version("hypothesis"),
    )


def what_changed(report: GradeReport, basis: Basis, submission: bytes) -> list[str]:
    """Names of what differs from when ``report`` was made; none where its grade still stands."""
    past = report.provenance
    changed = [name for name, value in vars(basis).items() if not _stands(name, getattr(past, name), value, report)]
    if past.submission_sha256 != hashlib.sha256(submission).hexdigest():
        changed.insert(0, "submission")
    return [name.removesuffix("_sha256") for name in changed]


def _stands(name: str, past: object, now: object, report: GradeReport) -> bool:
    """Whether a part of the basis is what it was, as far as a grade goes."""
    if name == "device":  # a test that counted there counts: only what waits for this device is open
        return past == now or not any(test.verdict is Verdict.DEFERRED for test in records_of(report))
    if isinstance(past, Versions) and isinstance(now, Versions):
        return releases(past) == releases(now)
    return past == now


def releases(versions: Versions) -> Versions:
    """What of versions can change a grade: torch ``2.13.0`` for ``2.13.0+cpu``, Python ``3.12`` for ``3.12.4``."""
    python = ".".join(versions.python.split(".")[:2])
    return msgspec.structs.replace(versions, torch=versions.torch.partition("+")[0], python=python)
