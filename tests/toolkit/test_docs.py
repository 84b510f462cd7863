"""The documentation holds: links and paths lead somewhere, commands exist and are explained, pages come of it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "tests" / "README.md"])
THE_TUTORIALS = "activations"  # its assignment; test_tutorial.py makes it and looks for every path that is named
HANDOUTS = sorted(ROOT.glob("assignments/*/*.md"))

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
OWN_PATH = re.compile(r"`((?:autograder|reference|tests|assignments|docs|release|\.ci)/[\w./-]*)`")


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def console_lines() -> list[list[str]]:
    """The words of every command line that the pages tell people to type."""
    blocks = [match for page in PAGES for match in FENCE.findall(page.read_text(encoding="utf-8"))]
    return [shlex.split(line) for kind, text in blocks if kind == "console" for line in text.splitlines() if line]


def inline_commands() -> list[list[str]]:
    """Words of command lines that stand in running text, such as ``autograder release TOPIC``."""
    found = [span for page in PAGES for span in re.findall(r"`(autograder [^`]+)`", prose(page))]
    return [shlex.split(span.replace("[", "").replace("]", "").replace(" ...", "")) for span in found]


def anchor(heading: str) -> str:
    """The fragment that Markdown renderers give a heading."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


@pytest.fixture(scope="module")
def commands() -> Mapping[str, TyperCommand]:
    from autograder.cli import app

    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return {name: command for name, command in group.commands.items() if isinstance(command, TyperCommand)}


@pytest.mark.parametrize("page", [*PAGES, *HANDOUTS], ids=page_id)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, fragment = target.partition("#")
        file = page.parent / place if place else page
        assert file.exists(), f"{page_id(page)} links to {target}, which is not there"
        if fragment:
            anchors = {anchor(heading) for heading in HEADING.findall(prose(file))}
            assert fragment in anchors, f"{page_id(page)} links to {target}; the headings are {sorted(anchors)}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_paths_of_the_project_exist(page: Path) -> None:
    for path in OWN_PATH.findall(page.read_text(encoding="utf-8")):
        placeholder = re.search(r"[A-Z]{4}", path.replace("README", ""))  # TOPIC and the like stand for a name
        if not placeholder and THE_TUTORIALS not in path:
            assert (ROOT / path).exists(), f"{page_id(page)} names {path}, which is not there"


def test_every_page_is_reached_from_the_readme() -> None:
    linked = {(ROOT / target.partition("#")[0]).resolve() for target in LINK.findall(prose(ROOT / "README.md"))}
    assert [page_id(page) for page in PAGES if page.resolve() not in linked and page.name != "README.md"] == []


def test_console_lines_name_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = {word for line in console_lines() if line[0] == "make" for word in line[1:] if "=" not in word}
    assert {"demo", "test"} <= told <= targets


def test_console_lines_name_files_that_exist() -> None:
    told = [word for line in console_lines() for word in line if word.endswith(".py") and "TOPIC" not in word]
    assert told
    assert [path for path in told if not (ROOT / path).exists() and THE_TUTORIALS not in path] == []


def test_every_command_has_help_and_a_place_in_the_documentation(commands: Mapping[str, TyperCommand]) -> None:
    told = {line[1] for line in [*inline_commands(), *console_lines()] if line[0] == "autograder"}
    for name, command in commands.items():
        assert command.help, f"autograder {name} has no help: give its function a docstring"
        assert name in told, f"autograder {name} stands in no page: add it to README.md"
        for parameter in command.params:
            said = getattr(parameter, "help", None)
            assert said, f"autograder {name}: {parameter.name} has no help"
            assert "[" not in (parameter.metavar or ""), f"autograder {name}: typer puts {parameter.name} in brackets"


def test_documentation_tells_no_command_or_option_that_is_not_there(commands: Mapping[str, TyperCommand]) -> None:
    for _, name, *words in (line for line in [*inline_commands(), *console_lines()] if line[0] == "autograder"):
        if name == "COMMAND":
            continue
        assert name in commands, f"the documentation tells of 'autograder {name}'"
        options = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= options


def test_pages_are_made_of_it_without_a_warning(tmp_path: Path, commands: Mapping[str, TyperCommand]) -> None:
    built = tmp_path / "docs"
    recipe = re.search(
        r"^docs:.*\n\t\$\(BIN\)/python (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert recipe
    words = [str(built) if word == "build/docs" else word for word in shlex.split(recipe[1])]
    assert {"-W", str(built)} <= set(words)
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in ROOT.glob("docs/*.md"):
        assert (built / f"{page.stem}.html").is_file()
    text = re.sub(r"<[^>]+>", "", (built / "commands.html").read_text(encoding="utf-8"))
    for name, command in commands.items():
        assert f"\n{name}" in text
        assert all(option in text for parameter in command.params for option in parameter.opts if option[:2] == "--")
    # A page that loads something from elsewhere tells others who reads it, and stays empty without a network.
    for page in built.glob("*.html"):
        loaded = re.findall(
            r"<(?:script|img|link)[^>]*(?:src|href)=\"(?!data:)([^\"]+)", page.read_text(encoding="utf-8")
        )
        assert [target for target in loaded if re.match(r"(?:https?:)?//", target)] == []
