"""No text that a submission chose is a command to the system that reads the log."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from autograder.streams import Breaker, Guarded
from autograder.text import inert_json, inert_xml
from tests.toolkit.command_line import command, environment, hand_in, right
from tests.toolkit.tiny import TOPIC, edit, tiny_course

ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
COMMANDS = ("::stop-commands::x", "::add-mask::a", "##[error]a", "##vso[task.setvariable]a", "##teamcity[testFailed]")
SECTIONS = ("section_start:1:a", "section_end:1:a")
PIECES = st.sampled_from(
    [*COMMANDS, *SECTIONS, "::", ":", "#", "##", "[", "##[", " ", "\t", "\n", "\r", "a", "\xa0", "\u2028", "\u200b"]
)


def commands_in(text: str) -> list[str]:
    """Lines that a CI system might obey, however it splits lines and trims them."""
    found = []
    for line in re.split(r"[\n\r]", ESCAPES.sub("", text)):
        for part in (line, *line.splitlines()):
            trimmed = part.lstrip("\u200b\ufeff \t\xa0\u3000").lstrip()
            if trimmed.startswith("::") or re.search(
                r"##\[|##vso\[|##teamcity\[|section_(start|end):", part, re.IGNORECASE
            ):
                found.append(line)
    return found


@given(st.lists(PIECES | st.text(max_size=3), max_size=12))
@example(["##", "[error]"])
@example([":", ":add-mask::x"])
@example(["\x1b[31m", "::add-mask::x"])
@example([" " * 40, "::x"])
@example(["##VSO", "[x"])
def test_no_text_in_any_pieces_is_a_command(pieces: list[str]) -> None:
    breaker = Breaker()
    written = "".join(breaker.feed(piece) for piece in pieces)
    assert not commands_in(written)
    assert re.sub(r"\s", "", written) == re.sub(r"\s", "", "".join(pieces))  # only space is added


@given(
    st.text(st.characters(exclude_characters=":#["), max_size=40) | st.sampled_from(["a::b", "x: ::y", "# [1]", "[#1]"])
)
def test_other_text_stays_as_it_is(text: str) -> None:
    text = text.replace("section_", "")
    assert Breaker().feed(text) == text


@pytest.mark.parametrize("width", [8, 12, 20, 33, 80])
def test_a_table_and_a_wrapped_line_hold_no_command(width: int) -> None:
    for console in (
        Console(file=cast("IO[str]", Guarded(file := io.StringIO())), width=width, force_terminal=terminal)
        for terminal in (True, False)
    ):
        table = Table("student", "what", box=None, pad_edge=False)
        for text in (*COMMANDS, *SECTIONS):
            table.add_row(text, f"{'a' * width} {text} {text}", style="red")
            console.print(f"{'a' * (width - 1)} {text}", markup=False)
        console.print(table)
        assert not commands_in(file.getvalue())
        assert "stop-" in file.getvalue()


def test_a_stream_has_no_way_around_it() -> None:
    assert not hasattr(Guarded(io.StringIO()), "buffer")


@given(st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join))
def test_files_say_the_same_and_hold_no_command(text: str) -> None:
    data = inert_json(json.dumps([{"message": text}], ensure_ascii=False, indent=2).encode(errors="replace"))
    assert json.loads(data) == [{"message": text.encode(errors="replace").decode()}]
    root = ElementTree.Element("case", message="".join(char for char in text if char.isprintable() or char in "\n\t"))
    root.tail = "\n"
    written = inert_xml(ElementTree.tostring(root, encoding="utf-8"))
    assert ElementTree.fromstring(written).attrib == root.attrib  # noqa: S314 - our own text
    for lines in (data.decode(), written.decode()):
        assert not [line for line in lines.split("\n") if commands_in(line.replace("\u2028", "").replace("\u2029", ""))]


# ---------------------------------------------------------------------------------------- real commands

# What a notebook can make a report say: texts and classes of exceptions, names, values, cells that fail.
HOSTILE = (
    "raise ValueError('''x\n::set-output name=a::b\n   ::add-mask::c ##[group]d\n##vso[task.complete]e''')",
    "{}",
    "class E(Exception): pass\nE.__name__ = E.__qualname__ = '::error file=a::b'",
    "LONG = 'a' * 70 + ' ::stop-commands::x ##teamcity[x] section_start:1:a\\r\\x1b[0K\\n::debug::y'",
    "def halve(x):\n    raise E(LONG)",
    "class Halver(nn.Module):\n    def __init__(self, times=1): raise E('\\n::warning::' * 9)",
)  # fmt: skip
STUDENTS = ("::add-mask::x", "##[command]x", "##vso[task]x", "section_start:1:x", "[red]x", "＃#teamcity[x]")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = tiny_course(tmp_path_factory.mktemp("hostile")).root
    for student in STUDENTS:
        hand_in(course, student, *(cell.format(right(course)) if cell == "{}" else cell for cell in HOSTILE))
    (course / "submitted" / "\n::set-env name=a::b" / TOPIC).mkdir(parents=True)  # no student id
    (course / "submitted" / "odd" / TOPIC).mkdir(parents=True)
    (course / "submitted" / "odd" / TOPIC / f"{TOPIC}.ipynb").write_text('{"cells": "\\n::error::x"}', encoding="utf-8")
    return course


def said(course: Path, *arguments: str, **variables: str) -> Iterator[str]:
    """Standard output and error of a command, each as a log shows it."""
    ci = {"CI": "true", "GITHUB_ACTIONS": "true", "COLUMNS": "30"} | variables
    inherited = environment(**ci)
    if "FORCE_COLOR" in variables:
        del inherited["NO_COLOR"]
    done = subprocess.run(command(*arguments), cwd=course, env=inherited, capture_output=True, check=False)
    for stream in (done.stdout, done.stderr):
        yield stream.decode(variables.get("PYTHONIOENCODING", "utf-8"))


@pytest.mark.parametrize("variables", [{}, {"FORCE_COLOR": "1", "COLUMNS": "60"}, {"PYTHONIOENCODING": "ascii"}])
def test_no_line_of_a_grading_run_is_a_command(course: Path, variables: dict[str, str]) -> None:
    files = ("--json", "all.json", "--junit", "all.xml")
    told = list(said(course, "grade", TOPIC, "--db", "none", "--force", *files, **variables))
    assert not commands_in("\n".join(told))
    assert "Traceback" not in told[1]
    assert "vso" in told[0]
    assert "set-env" in told[1]
    messages = (course / "results" / TOPIC / f"{STUDENTS[1]}.json").read_text(encoding="utf-8")
    assert "stop-commands" in messages  # what is kept harmless was there to be said
    for name in ("all.json", "all.xml", f"results/{TOPIC}/{STUDENTS[1]}.json"):
        assert not commands_in((course / name).read_text(encoding="utf-8"))
    assert {entry["student"] for entry in json.loads((course / "all.json").read_bytes())} == {*STUDENTS, "odd"}


def test_no_line_of_a_replay_is_a_command(course: Path) -> None:
    list(said(course, "grade", TOPIC, "--db", "none"))
    result = course / "results" / TOPIC / f"{STUDENTS[0]}.json"
    told = json.loads(result.read_bytes())
    told["provenance"]["seed_id"] = "\n::add-mask::x"
    (course / "copy.json").write_text(json.dumps(told), encoding="utf-8")
    assert not commands_in("\n".join([*said(course, "replay", "copy.json"), *said(course, "replay", "::add-mask::x")]))


def test_a_message_of_wrong_use_and_a_traceback_hold_no_command(tmp_path: Path) -> None:
    course = tiny_course(tmp_path).root
    hand_in(course, "ada", right(course))
    told = [
        *said(course, "grade", TOPIC, "--student", "\n::add-mask::x"),
        *said(course, "\n::add-mask::x"),
        *said(course, "grade", "\n::x"),
    ]
    bug = "def app(**_): raise RuntimeError('x\\n::add-mask::x ##[x')"
    program = f"from autograder import cli\n{bug}\ncli.app = app\ncli.main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False
    )
    assert "Traceback" in done.stderr
    assert "add-mask" in done.stderr
    assert not commands_in("\n".join([*told, done.stderr]))


def test_what_a_hidden_test_prints_is_no_command(tmp_path: Path) -> None:
    course = tiny_course(tmp_path).root
    hand_in(course, "ada", right(course))
    edit(
        course / "tests/hidden/test_halving.py",
        "    assert_inputs_untouched",
        '    print("::debug::" + "x")\n    assert_inputs_untouched',
    )
    told = list(said(course, "grade", TOPIC, "--db", "none", "--jobs", "1"))
    assert ": :debug::x" in told[0]
    assert not commands_in("\n".join(told))


@pytest.mark.parametrize("option", ["--json", "--junit"])
def test_output_into_a_folder_or_a_device_is_refused_before_grading(tmp_path: Path, option: str) -> None:
    course = tiny_course(tmp_path).root
    hand_in(course, "ada", right(course))
    for path in ("submitted", os.devnull):
        _, errors = said(course, "grade", TOPIC, option, path, COLUMNS="200")
        assert f"{path} is no ordinary file" in errors
    assert not (course / "results").exists()
