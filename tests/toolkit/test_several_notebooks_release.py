"""An assignment of several notebooks, as its author makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.errors import AuthoringError
from autograder.release import build_sources, check, read_manifest, release
from tests.toolkit.command_line import runner
from tests.toolkit.tiny import TOPIC, edit, opened
from tests.toolkit.two_notebooks import SECOND, divided_course, released_course


def test_a_release_holds_each_notebook_with_its_own_questions(tmp_path: Path) -> None:
    course = divided_course(tmp_path)
    result = release(course, TOPIC)
    assert [path.name for path in result.sources] == ["halving.ipynb", "second.ipynb"]
    assert sorted(result.files) == ["files/numbers.txt", "halving.ipynb", "manifest.json", "second.ipynb"]
    manifest = read_manifest(result.folder / "manifest.json")
    assert [(q.name, q.notebook) for q in manifest.questions] == [
        ("halve", TOPIC),
        ("Halver", SECOND),
        ("explain_halving", SECOND),
    ]
    assert check(course, TOPIC) == ""
    edit(course.root / "assignments" / TOPIC / "second.md", "# More halving", "# Still more halving")
    assert "release/halving/second.ipynb" in check(course, TOPIC)


def test_an_answer_brings_along_what_is_a_question_elsewhere(tmp_path: Path) -> None:
    """The model solution of ``Halver`` calls ``halve``, which its notebook does not ask for."""
    sources = build_sources(*opened(divided_course(tmp_path)))
    names: dict[str, object] = {}
    for cell in sources[SECOND].cells:
        if cell.cell_type == "code":
            exec(cell.source, names)  # noqa: S102 - our own model solution
    assert "halve" in names


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "halving.md",
            "[halving, second]",
            "[first, second]",
            "the assignment's own, 'halving', is not among first, s",
        ),
        ("halving.md", "[halving, second]", "[halving, Second]", "'Second' is no name; use lower-case letters"),
        ("halving.md", "[halving, second]", "[halving, second, second]", "'second' is named twice"),
        ("halving.md", "[halving, second]", "[halving, third]", "'third' has no handout; write .*third.md"),
        ("halving.md", "[halving, second]", "[halving]", "second.md: would be handed out by nbgrader"),
        (
            "second.md",
            "kernelspec",
            "autograder: {title: T}\nkernelspec",
            "second.md: the header has an 'autograder' k",
        ),
        ("second.md", "---\njupytext", "jupytext", "second.md: has no YAML header"),
        ("second.md", ":question: Halver", ":question: halve", "'halve' has 2 question cells; keep one"),
        ("halving.md", ":check: halve", ":check: Halver", "second.md.*'Halver' has 2 check cells"),
    ],
)
def test_what_authors_get_wrong_is_said_with_the_file(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    course = divided_course(tmp_path)
    edit(course.root / "assignments" / TOPIC / file, old, new)
    with pytest.raises(AuthoringError, match=said):
        release(course, TOPIC)


def test_a_check_in_another_notebook_than_its_question_is_said(tmp_path: Path) -> None:
    course = divided_course(tmp_path)
    folder = course.root / "assignments" / TOPIC
    text = (folder / "halving.md").read_text(encoding="utf-8")
    at = text.index("```{code-cell} ipython3\n:check: halve")
    (folder / "halving.md").write_text(text[:at], encoding="utf-8")
    with (folder / "second.md").open("a", encoding="utf-8") as file:
        file.write("\n" + text[at:])
    with pytest.raises(AuthoringError, match=r"second\.md, line \d+: the check of 'halve' .* in halving\.md"):
        release(course, TOPIC)


def test_every_claim_on_the_tests_can_be_verified(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    assert "12 of 12 claims hold" in runner(course.root)("verify", TOPIC).stdout
