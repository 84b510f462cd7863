"""Packaging: what is pinned, what the wheel holds, what the settings promise."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LEFTOVERS = {".pyc", ".pyo"}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def direct(settings: dict[str, Any]) -> list[Requirement]:
    project = settings["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values(), settings["build-system"]["requires"]]
    return [Requirement(line) for group in groups for line in group]


def needed_by(requirement: Requirement) -> list[Requirement]:
    """What an installed package asks for on this machine, with the extras that ``requirement`` names."""
    lines = importlib.metadata.requires(requirement.name) or []
    found = [Requirement(line) for line in lines]
    return [r for r in found if not r.marker or any(r.marker.evaluate({"extra": e}) for e in ("", *requirement.extras))]


def test_every_package_that_an_install_brings_is_pinned(settings: dict[str, Any], pins: dict[str, str]) -> None:
    waiting, seen = direct(settings), set[str]()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(str(requirement))
        name = canonicalize_name(requirement.name)
        if name.startswith(("nvidia-", "cuda-")) or name == "triton":  # torch pins its own CUDA libraries
            continue
        assert name in pins, f"add {name} to constraints.txt"
        waiting += needed_by(requirement)


def test_pins_lie_in_the_ranges_that_the_project_states(settings: dict[str, Any], pins: dict[str, str]) -> None:
    for requirement in direct(settings):
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f"constraints.txt pins {pin}, pyproject.toml says {requirement}"


def test_pins_leave_the_build_of_torch_open(pins: dict[str, str]) -> None:
    """A local tag such as +cpu would rule out every other index."""
    assert all("+" not in version for version in pins.values())


def test_what_is_installed_is_what_is_pinned(settings: dict[str, Any], pins: dict[str, str]) -> None:
    for requirement in direct(settings):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        installed = importlib.metadata.version(requirement.name).partition("+")[0]
        assert installed == pins[canonicalize_name(requirement.name)], f"{requirement.name}: run 'make install'"


def test_dependencies_are_each_explained(settings: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert [r.name for r in direct(settings) if not re.search(rf"\b{re.escape(r.name)}\b", page)] == []


def test_wheel_holds_every_file_of_the_package_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        extra = {name.partition("/")[2] for name in archive.namelist()}
    files = {str(p.relative_to(ROOT)) for p in (ROOT / "autograder").rglob("*") if p.is_file()}
    assert held == {name for name in files if Path(name).suffix not in LEFTOVERS}
    assert {"autograder/py.typed", "autograder/templates/feedback.html"} <= held
    assert {"licenses/LICENSE", "entry_points.txt"} <= extra


def test_every_exception_to_the_linter_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ignores = re.findall(r'^    "[A-Z]+\d*",.*$', text, re.MULTILINE)
    assert len(ignores) > 20
    assert [line for line in ignores if not re.search(r",\s+# \S+", line)] == []


def test_every_install_command_uses_the_constraints() -> None:
    for path in (ROOT / "Makefile", ROOT / ".ci" / "run", *ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        commands = re.findall(r"pip install.*", path.read_text(encoding="utf-8"))
        assert [command for command in commands if "-c constraints.txt" not in command] == [], path


def test_ci_runs_what_the_readme_tells() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.search(r"make (-k )?test VENV", script.read_text(encoding="utf-8"))
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
