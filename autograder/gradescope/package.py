"""This package as a container installs it: its files, what it needs, and the exact versions in use here."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import autograder
from autograder.errors import UsageError


def files() -> dict[str, bytes]:
    """Files of the package by their place in it."""
    root = Path(autograder.__file__).parent
    paths = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def requirements() -> list[str]:
    """What the package asks for itself, without extras; raises ``UsageError`` where it is not installed."""
    return sorted(str(requirement) for requirement in _needs("autograder") if "extra" not in str(requirement.marker))


def pins() -> list[str]:
    """``NAME==VERSION`` of all that is installed for the package, direct and indirect.

    Without local tags such as ``+cpu``, so that the build of any index fits.
    """
    versions = dict[str, str]()
    waiting = [requirement.name for requirement in _needs("autograder") if _applies(requirement)]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in versions:
            continue
        versions[name] = importlib.metadata.version(name).partition("+")[0]
        waiting += [requirement.name for requirement in _needs(name) if _applies(requirement)]
    return [f"{name}=={version}" for name, version in sorted(versions.items())]


def _needs(name: str) -> list[Requirement]:
    try:
        return [Requirement(line) for line in importlib.metadata.requires(name) or []]
    except importlib.metadata.PackageNotFoundError as error:
        problem = f"{name} is not installed here, so that what it needs is not known"
        raise UsageError(f"{problem}; install it with pip and run again") from error


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})
