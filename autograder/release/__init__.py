"""From handout, reference and hidden tests to what students get, by way of nbgrader."""

from autograder.release.leaks import Leak, find_leaks
from autograder.release.manifest import Manifest, ManifestQuestion, check_manifest, read_manifest
from autograder.release.publish import ReleaseResult, check, release, released_leaks
from autograder.release.source import build_source, write_source
from autograder.release.students import nbgrader_settings

__all__ = [
    "Leak",
    "Manifest",
    "ManifestQuestion",
    "ReleaseResult",
    "build_source",
    "check",
    "check_manifest",
    "find_leaks",
    "nbgrader_settings",
    "read_manifest",
    "release",
    "released_leaks",
    "write_source",
]
