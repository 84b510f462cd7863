"""Odd and broken notebook files: read where any code can be found, refused in one sentence otherwise."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import InvalidSubmission
from autograder.model import Limits, Submission
from autograder.provenance import Options
from autograder.runner import Grader
from autograder.sandbox import notebook as reader
from autograder.sandbox.notebook import UnreadableError, names_used, read_cells
from autograder.submissions import find_submissions, read_bytes, read_notebook
from tests.toolkit.handed_in import RIGHT
from tests.toolkit.hosts import ORDINARY_UID, notebook
from tests.toolkit.tiny import TOPIC, tiny_course


def code(source: Any = RIGHT, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "outputs": [], "source": source, **more}


def book(*cells: Any, **more: Any) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}).encode()


GOOD = book(code())

# Files that hold a whole solution, however oddly: full marks.
ODD: dict[str, bytes] = {
    "minor of text": book(code(), nbformat_minor="x"),
    "source as lines": book(code(RIGHT.splitlines(keepends=True))),
    "source null beside": book(code(None), code()),
    "source of numbers beside": book(code([1, 2]), code(5), code()),
    "cells that are no cells": book(7, None, [], "x", code()),
    "metadata of lists": book(code(metadata=[]), metadata=[]),
    "tags of numbers": book(code(metadata={"tags": 5})),
    "no metadata": json.dumps({"nbformat": 4, "cells": [code()]}).encode(),
    "a cell of NUL": book(code("a = '\0'"), code()),
    "a cell of half a surrogate": book(code("a = '\ud800'"), code()),
    "a cell of nested brackets": book(code("(" * 5000 + ")" * 5000), code()),
    "a cell of a hundred thousand minuses": book(code("-" * 100_000 + "1"), code()),
    "a cell that is too long": book(code("x" * (reader.MAX_SOURCE + 1)), code()),
    "a locked cell that was changed": book(code(metadata={"nbgrader": {"grade": True, "points": 100}})),
}

# Files in which nothing can be found -> the sentence. Many more, in full: tests/submissions/broken.
BROKEN: dict[str, tuple[bytes, str]] = {
    "true": (b"true", "its JSON is true or false, not a notebook; save it again in Jupyter"),
    "a float": (b"5.0", "its JSON is a number, not a notebook"),
    "format true": (book(code(), nbformat=True), "it has notebook format True; formats 3 and 4"),
    "format 3 with odd worksheets": (b'{"nbformat": 3, "worksheets": [5]}', "it has no list of cells"),
    "format 3 with worksheets as text": (b'{"nbformat": 3, "worksheets": "zzz"}', "it has no list of cells"),
    "UTF-16 of one byte too few": (GOOD.decode().encode("utf-16")[:-1], "it is not text, or not in UTF-8"),
    "2001 cells": (book(*[code("1")] * 2001), "it has 2001 cells; at most 2000 can be graded, so delete some"),
}


@pytest.fixture(scope="module")
def grade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes], Any]]:
    folder = tmp_path_factory.mktemp("notebooks")
    limits = Limits(call_seconds=20.0, cell_seconds=30.0)
    with Grader(tiny_course(folder), TOPIC, Options(explain=False, limits=limits)) as grader:

        def graded(data: bytes) -> Any:
            path = folder / f"{TOPIC}.ipynb"
            path.write_bytes(data)
            return grader.grade(Submission(student="ada", assignment=TOPIC, path=path))

        yield graded


@pytest.mark.parametrize("name", ODD)
def test_an_odd_notebook_is_graded_for_what_it_holds(grade: Callable[[bytes], Any], name: str) -> None:
    report = grade(ODD[name])
    assert (report.score, report.message) == (5.0, "")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_is_refused_in_one_sentence(grade: Callable[[bytes], Any], name: str) -> None:
    data, sentence = BROKEN[name]
    report = grade(data)
    assert (report.verdict, report.score) == ("invalid_submission", 0.0)
    assert report.message.startswith(f"the notebook cannot be read: {sentence}")
    assert "\n" not in report.message
    assert len(report.message) < 300


@given(data=st.binary(max_size=200) | st.builds(lambda cut: GOOD[:cut], st.integers(0, len(GOOD))))
def test_any_bytes_give_cells_or_the_one_error(data: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        assert isinstance(read_cells(data), list)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cells", "cell_type", "source", "input", "metadata", "tags", "worksheets"]),
            inner,
            max_size=4,
        )
    ),
)


@given(
    cells=st.lists(
        JSON
        | st.builds(
            lambda more: {"cell_type": "code", "source": "1"} | more,
            st.just({}) | st.dictionaries(st.sampled_from(["source", "metadata", "input"]), JSON, max_size=3),
        )
    ),
    version=st.sampled_from([3, 4]),
)
def test_any_json_in_the_place_of_cells_is_read(cells: list[Any], version: int) -> None:
    data = json.dumps({"nbformat": version, "cells": cells, "worksheets": [{"cells": cells}]}).encode()
    for cell in read_cells(data):
        assert isinstance(cell.source, str)


def test_a_tag_keeps_a_cell_from_running(grade: Callable[[bytes], Any]) -> None:
    report = grade(book(code(), code("def halve(x): return 0", metadata={"tags": ["skip-grading"]})))
    assert report.score == 5.0
    assert report.cells[1].status == "skipped"


def test_cells_that_cannot_run_say_why(grade: Callable[[bytes], Any]) -> None:
    report = grade(book(code(5), code("x" * (reader.MAX_SOURCE + 1)), code("a = '\0'")))
    assert [cell.status for cell in report.cells] == ["skipped", "skipped", "error"]
    assert report.cells[0].message == "its source is not text"
    assert report.cells[1].message == f"its source is longer than {reader.MAX_SOURCE} characters"


def test_a_link_a_folder_and_nothing_at_all_are_no_notebooks(tmp_path: Path) -> None:
    target = tmp_path / "secret"
    target.write_text("secret", encoding="ascii")
    (tmp_path / "link.ipynb").symlink_to(target)
    (tmp_path / "folder.ipynb").mkdir()
    with pytest.raises(InvalidSubmission, match=r"link\.ipynb is a link, not a notebook; hand in the file itself"):
        read_notebook(tmp_path / "link.ipynb", Limits())
    with pytest.raises(InvalidSubmission, match=r"folder\.ipynb is a folder or a device, not a notebook"):
        read_notebook(tmp_path / "folder.ipynb", Limits())
    with pytest.raises(InvalidSubmission, match=r"no notebook was handed in: missing\.ipynb is not there$"):
        read_notebook(tmp_path / "elsewhere" / "missing.ipynb", Limits())


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Root may read everything: as another user for a while."""
    if os.getuid() != 0:
        yield
        return
    os.seteuid(ORDINARY_UID)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("closed", ["file", "folder"])
def test_a_file_that_may_not_be_read_is_the_students_to_hand_in_again(closed: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TOPIC / f"{TOPIC}.ipynb"
        path.parent.mkdir()
        path.write_bytes(GOOD)
        Path(folder).chmod(0o755)
        shut = path if closed == "file" else path.parent
        shut.chmod(0)
        with ordinary_user():
            with pytest.raises(
                InvalidSubmission, match=r"halving\.ipynb may not be read; hand it in again with permission"
            ):
                read_notebook(path, Limits())
            assert read_bytes(path, 1 << 20) == b""
        shut.chmod(0o700)


def test_a_students_closed_folder_is_a_submission_that_may_not_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        for student in ("ada", "zoe"):
            (root / student / TOPIC).mkdir(parents=True)
        (root / "ada").chmod(0)
        with ordinary_user():
            found, strange = find_submissions(root, TOPIC)
            with pytest.raises(InvalidSubmission, match="may not be read"):
                read_notebook(found[0].path, Limits())
        (root / "ada").chmod(0o700)
    assert ([submission.student for submission in found], strange) == (["ada", "zoe"], [])


def test_a_notebook_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.ipynb"
    path.write_bytes(notebook("x" * (3 << 20)))
    with pytest.raises(InvalidSubmission, match="the notebook has 3 MiB, more than 2: clear its outputs and save"):
        read_notebook(path, Limits(notebook_bytes=2 << 20))


def test_names_used_are_found_in_code_imports_and_strings() -> None:
    sources = [
        "import torch.nn as n\nfrom a import b\nx.conv2d(y)",
        "getattr(torch, 'einsum')",
        "def (",
        "#" + "hidden",
    ]
    assert {"torch", "nn", "b", "conv2d", "x", "y", "einsum", "getattr"} <= names_used(sources)
    assert "hidden" not in names_used(sources)
    assert names_used(["'" + "long " * 20 + "'"]) == set()
