"""The zip file for Gradescope: its two scripts, this package, and a course with one assignment and its secret seed.

The same course and environment give the same bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib.resources import files as resources
from pathlib import Path, PurePosixPath

import msgspec

from autograder.archives import Member, zip_of
from autograder.cluster.parcel import Parcel, pack, unpack
from autograder.course import CONFIG_NAME, Course
from autograder.exports.gradescope import failed_json
from autograder.gradescope import package
from autograder.gradescope.run import Ticket
from autograder.provenance import Options
from autograder.release.manifest import check_manifest, read_manifest
from autograder.suite import collect

_PROGRAM, _SECRET = 0o755, 0o600
_CONFIG = b"# The course's own stays at home: it may hold a database's password, and grading needs none.\n"


def bundle(course: Course, topic: str) -> bytes:
    """The archive to upload for ``topic``. Secret: it holds the tests, the answers and the seed.

    Raises ``AuthoringError`` where the assignment was not released or no longer is what was handed out.
    """
    assignment = course.assignment(topic)
    manifest = read_manifest(assignment.release_folder / "manifest.json")
    check_manifest(manifest, collect(course, assignment), assignment.front)
    scripts = {name: Member(_resource(name), _PROGRAM) for name in ("setup.sh", "run_autograder")}
    texts = {
        "bundle.json": msgspec.json.encode(Ticket(topic)) + b"\n",
        "failed.json": failed_json(),
        "requirements.txt": _lines(package.requirements()),
        "constraints.txt": _lines(package.pins()),
    }
    code = {f"package/autograder/{name}": Member(data) for name, data in package.files().items()}
    secrets = {f"course/{name}": Member(data, _SECRET) for name, data in course_files(course, topic).items()}
    return zip_of(scripts | {name: Member(data) for name, data in texts.items()} | code | secrets)


def course_files(course: Course, topic: str) -> Mapping[str, bytes]:
    """A course that holds ``topic`` alone, by path: no answer of another assignment leaves the house.

    It is laid out and opened once, which shows that nothing is missing and stores the graded examples for it.
    """
    parcel = pack(course, topic, Options())
    others = set(course.topics()) - {topic}
    kept = {name: data for name, data in parcel.files.items() if not _is_of(name, others)}
    seed = {".autograder/seed": parcel.secret.hex().encode() + b"\n"}
    with tempfile.TemporaryDirectory(prefix="autograder-bundle-") as folder:
        laid_out = unpack(msgspec.structs.replace(parcel, files=kept | seed), Path(folder))
        alone: Parcel = pack(laid_out, topic, Options())
    return {**alone.files, **seed, CONFIG_NAME: _CONFIG}


def _is_of(name: str, topics: set[str]) -> bool:
    path = PurePosixPath(name)
    return path.parts[0] == "reference" and path.stem in topics


def _resource(name: str) -> bytes:
    return resources("autograder.gradescope").joinpath(name).read_bytes()


def _lines(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
