"""The grading image, as far as it can be tried without a container engine."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRETS = (".autograder/seed", "submitted/ada/halving/halving.ipynb", "gradebook.db", "results/t/ada.json", "exports/x")
OURS = (
    "reference/attention.py",
    "tests/hidden/test_attention.py",
    "nbgrader_config.py",
    ".git/config",
    ".venv/x",
    ".env",
)


def steps() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile with their arguments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line.strip()]


def copied() -> list[str]:
    """What the image takes from the folder it is built in."""
    return [source for name, rest in steps() if name == "COPY" for source in shlex.split(rest)[:-1]]


def rules() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def goes_along(path: str) -> bool:
    """Whether a file goes to the engine, by the rules of .dockerignore: the last one that fits it or a folder above."""
    places = [path, *(str(folder) for folder in Path(path).parents if folder != Path())]
    along = True
    for rule in rules():
        pattern = rule.removeprefix("!")
        if any(fnmatch(place, pattern) or fnmatch(place, pattern.replace("**/", "*")) for place in places):
            along = rule.startswith("!")
    return along


def test_the_dockerfile_has_no_faults_that_hadolint_knows() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


def test_the_image_has_a_pinned_base_and_ends_as_no_root() -> None:
    assert [rest for name, rest in steps() if name == "FROM"] == ["python:3.12-slim-bookworm"]
    assert [rest for name, rest in steps() if name == "USER"] == ["10001:10001"]
    assert [rest for name, rest in steps() if name == "ENTRYPOINT"] == ['["autograder"]']


def test_what_is_installed_is_pinned_and_torch_comes_first() -> None:
    installs = [part for name, rest in steps() if name == "RUN" for part in rest.split("&&") if "pip install" in part]
    assert all("-c constraints.txt" in install and "--no-cache-dir" in install for install in installs)
    assert "--extra-index-url" in installs[0]
    assert "'^torch=='" in installs[0]
    assert not [install for install in installs[1:] if "index-url" in install], "only torch comes from another index"


def test_nothing_goes_along_but_what_is_copied() -> None:
    assert rules()[0] == "*"
    assert {rule.removeprefix("!") for rule in rules() if rule.startswith("!")} == set(copied())
    assert not [path for path in (*SECRETS, *OURS) if goes_along(path)]
    assert not goes_along("autograder/sandbox/__pycache__/wire.cpython-311.pyc")
    assert goes_along("autograder/templates/feedback.html")


def test_what_is_copied_is_enough_to_build_the_package(tmp_path: Path) -> None:
    for name in copied():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next((tmp_path / "dist").glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    assert {"autograder/gradescope/setup.sh", "autograder/gradescope/run_autograder", "autograder/cli.py"} <= held


@pytest.mark.parametrize("name", ["setup.sh", "run_autograder"])
def test_scripts_are_shell(name: str) -> None:
    script = ROOT / "autograder" / "gradescope" / name
    shell = script.read_text(encoding="utf-8").splitlines()[0].split("/")[-1].split()[-1]
    assert subprocess.run([shell, "-n", script], check=False, timeout=20).returncode == 0
