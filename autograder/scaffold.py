"""What ``autograder new`` writes: a small assignment that holds, and around it a course where there is none yet."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from pathlib import Path

from autograder.course import CONFIG_NAME, TOPIC_NAME, Course
from autograder.errors import UsageError
from autograder.files import write_whole, writing

COURSE_FILES = (CONFIG_NAME, ".gitignore")
_HARMLESS = ("README", "LICENSE")  # beside hidden files, what a fresh repository may hold


def new_assignment(course: Course, topic: str, title: str = "") -> list[Path]:
    """Write the files of assignment ``topic``, and list them.

    Raises ``UsageError``, before anything is written, where the name or the title cannot be used or a file is there.
    """
    require_topic(topic)
    title = title or topic.replace("_", " ").capitalize()
    if not title.strip() or not title.isprintable():
        raise UsageError(f"title {title!r}: write one line of printable characters")
    return _write(course.root, dict(_assignment_files(topic, title)))


def new_course(folder: Path) -> Course:
    """Make ``folder`` a course without assignments; lines are added to a ``.gitignore`` that is there.

    Raises ``UsageError`` where the folder holds anything that is no hidden file, README or LICENSE.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(path.name for path in folder.iterdir() if not path.name.startswith((".", *_HARMLESS)))
    if others:
        raise UsageError(
            f"no course at {folder}, and it is not empty: it holds {others[0]!r}; "
            "run in a course folder, or in an empty one to start a course"
        )
    ignore = folder / ".gitignore"
    earlier = ignore.read_bytes().rstrip() + b"\n\n" if ignore.is_file() else b""
    write_whole(ignore, earlier + _template("gitignore.in").encode())
    write_whole(folder / CONFIG_NAME, _template(f"{CONFIG_NAME}.in").encode())
    return Course(folder)


def require_topic(topic: str) -> None:
    """Raise ``UsageError`` unless ``topic`` can name an assignment, its modules and its notebook."""
    if not TOPIC_NAME.match(topic):
        raise UsageError(
            f"assignment name {topic!r}: use lower-case letters, digits and underscores, a letter first, "
            "at most 64 in all, such as 'batchnorm' or 'dice_loss'"
        )
    if keyword.iskeyword(topic):
        raise UsageError(f"assignment name {topic!r} is a word of Python's and no name for a module; add to it")


def _assignment_files(topic: str, title: str) -> Iterator[tuple[str, str]]:
    # JSON's strings are YAML's, quotes and colons included.
    words = {"TITLE_AS_YAML": json.dumps(title, ensure_ascii=False), "TOPIC": topic, "TITLE": title}
    for folder in ("reference", "assignments", "tests"):
        for source in _below(_templates() / folder, folder):
            yield source.removesuffix(".in").replace("TOPIC", topic), _filled(_template(source), words)


def _filled(text: str, words: dict[str, str]) -> str:
    """``text`` with every word replaced, in one pass: a title may hold the word TOPIC."""
    return re.sub("|".join(words), lambda found: words[found[0]], text)


def _below(folder: Traversable, place: str) -> Iterator[str]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        path = f"{place}/{item.name}"
        if item.is_dir():
            yield from _below(item, path)
        else:
            yield path


def _write(root: Path, contents: dict[str, str]) -> list[Path]:
    paths = [root / name for name in contents]
    there = [str(path) for path in paths if path.exists()]
    if there:
        raise UsageError("new writes over no file; choose another name, or remove:\n" + "\n".join(there))
    for path, text in zip(paths, contents.values(), strict=True):
        write_whole(path, text.encode())
    return paths


def _template(name: str) -> str:
    return (_templates() / name).read_text(encoding="utf-8")


def _templates() -> Traversable:
    return package_files("autograder") / "templates" / "new"
