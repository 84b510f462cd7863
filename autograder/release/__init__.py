"""From handout, reference and hidden tests to what students get, by way of nbgrader.

Names are imported where they are first used: whoever only reads a manifest, as every grading does, or
nbgrader's settings, must not wait seconds for Jupytext and nbgrader's converters.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.release.leaks import Leak, find_leaks
    from autograder.release.manifest import Manifest, ManifestQuestion, check_manifest, read_manifest
    from autograder.release.publish import ReleaseResult, check, release, released_leaks
    from autograder.release.settings import nbgrader_settings
    from autograder.release.source import build_sources

__all__ = [
    "Leak",
    "Manifest",
    "ManifestQuestion",
    "ReleaseResult",
    "build_sources",
    "check",
    "check_manifest",
    "find_leaks",
    "nbgrader_settings",
    "read_manifest",
    "release",
    "released_leaks",
]

_HOMES = {
    "leaks": ("Leak", "find_leaks"),
    "manifest": ("Manifest", "ManifestQuestion", "check_manifest", "read_manifest"),
    "publish": ("ReleaseResult", "check", "release", "released_leaks"),
    "settings": ("nbgrader_settings",),
    "source": ("build_sources",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
