"""Whether anything that students must not see stands in what they get.

Secret are the lines of solution bodies and private helpers, of hidden tests, of misconceptions and of
variants, and the names and hints of misconceptions. Public are imports, docstrings, and what the
reference's stubs show. A secret line is searched as a sequence of tokens, whatever space lies between
them and whatever stands around them, so that neither indentation nor inline code hides it.
"""

from __future__ import annotations

import ast
import io
import json
import keyword
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard

from autograder.release.answers import is_private

# From this length on (spaces not counted) a line tells something by itself; with arithmetic from the second on.
# Shorter ones, such as ``n, c = x.shape``, are common property, unless a body has no others.
TELLING, TELLING_ARITHMETIC = 24, 10
# ``return x``, ``else:``, ``"""`` and the like say nothing.
TRIVIAL_TOKENS, TRIVIAL_COMMENT = 3, 12
TRIVIAL_NAMES = {"super", "__init__", "self", "True", "False", "None", "torch", "no_grad"}
_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Leak:
    """A secret that students can read at ``place`` in ``file``; ``origin`` is the secret's own file and line."""

    file: str
    place: str
    secret: str
    origin: str

    def __str__(self) -> str:
        return f"{self.file}, {self.place}: {self.secret!r} from {self.origin}"


@dataclass(frozen=True)
class Secret:
    """A line, name or hint, with where it comes from."""

    text: str
    origin: str

    @cached_property
    def tokens(self) -> list[str]:
        """What is searched for, in this order."""
        return _TOKEN.findall(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        """The names and numbers among them."""
        return frozenset(_WORD.findall(self.text))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The tokens in a row, with any space between them and any kind of quotes."""
        parts = ["[\"']" if piece in "\"'" else re.escape(piece) for piece in self.tokens]
        is_word = [_WORD.fullmatch(token) is not None for token in self.tokens]
        joined = parts[0]
        for index in range(1, len(parts)):
            joined += (r"\s+" if is_word[index - 1] and is_word[index] else r"\s*") + parts[index]
        before, after = (r"(?<!\w)" if is_word[0] else ""), (r"(?!\w)" if is_word[-1] else "")
        return re.compile(before + joined + after)

    def is_in(self, text: Text) -> bool:
        """Whether it stands in ``text``; its words are looked up first, which spares most patterns."""
        return self.words <= text.words and self.pattern.search(text.text) is not None


@dataclass(frozen=True)
class Text:
    """A text with its place in a file."""

    place: str
    text: str

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name and number in it."""
        return frozenset(_WORD.findall(self.text))


def find_leaks(released: Mapping[str, bytes], *, reference: str, others: Mapping[str, str]) -> list[Leak]:
    """Every secret that stands in ``released``.

    Args:
        released: the files that students get, by path; notebooks and other JSON are searched decoded, every string.
        reference: the source of the reference module.
        others: the sources of hidden tests, misconceptions and variants, by path.
    """
    public = Text("stubs", "\n".join(_headers(reference)))
    secrets: dict[str, Secret] = {}
    for path, source in {"the reference": reference, **others}.items():
        for secret in _secrets(path, source, public):
            secrets.setdefault(secret.text, secret)
    return [
        Leak(file, text.place, secret.text, secret.origin)
        for file, data in released.items()
        for text in _texts(file, data)
        for secret in secrets.values()
        if secret.is_in(text)
    ]


def _secrets(path: str, source: str, public: Text) -> Iterator[Secret]:
    tree, lines = ast.parse(source), _without_trailing_comments(source)
    open_lines = _open_lines(tree)
    for body in _bodies(tree):
        kept = [
            Secret(lines[number - 1].strip(), f"{path}, line {number}")
            for number in body
            if number not in open_lines and not _is_trivial(lines[number - 1])
        ]
        secret = [line for line in kept if not line.is_in(public)]
        yield from [line for line in secret if _is_telling(line.text)] or secret
    for node in tree.body:
        yield from _misconception(path, node)


def _without_trailing_comments(source: str) -> list[str]:
    """The lines of ``source``; a comment is dropped where code stands before it."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row, column = token.start
        if token.type == tokenize.COMMENT and lines[row - 1][:column].strip():
            lines[row - 1] = lines[row - 1][:column]
    return lines


def _bodies(tree: ast.Module) -> Iterator[range]:
    """The line ranges judged together: each function, each method, each other statement."""
    for node in tree.body:
        for part in node.body if isinstance(node, ast.ClassDef) else [node]:
            decorators: list[ast.expr] = getattr(part, "decorator_list", [])
            first = min([part.lineno, *(decorator.lineno for decorator in decorators)])
            yield range(first, (part.end_lineno or part.lineno) + 1)


def _open_lines(tree: ast.Module) -> set[int]:
    """The lines of imports and docstrings."""
    return {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_docstring(node)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def _is_docstring(node: ast.AST) -> TypeGuard[ast.Expr]:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _headers(source: str) -> Iterator[str]:
    """What stubs show: signatures and docstrings of public functions, classes and their public methods."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        for part in (node, *(node.body if isinstance(node, ast.ClassDef) else [])):
            if isinstance(part, ast.FunctionDef | ast.ClassDef) and not is_private(part.name):
                first = min([part.lineno, *(decorator.lineno for decorator in part.decorator_list)])
                start = part.body[0]
                yield from lines[first - 1 : start.end_lineno if _is_docstring(start) else start.lineno - 1]


def _misconception(path: str, node: ast.stmt) -> Iterator[Secret]:
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        return
    for decorator in node.decorator_list:
        if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func).split(".")[-1] != "misconception":
            continue
        origin = f"{path}, line {node.lineno}"
        yield Secret(node.name, origin)
        for option in decorator.keywords:
            if option.arg == "hint" and isinstance(option.value, ast.Constant) and option.value.value:
                yield Secret(str(option.value.value), origin)


def _is_trivial(line: str) -> bool:
    tokens = _TOKEN.findall(line)
    if line.strip().startswith("#"):
        return len("".join(line.split())) < TRIVIAL_COMMENT
    names = {word for word in _WORD.findall(line) if not keyword.iskeyword(word)}
    return len(tokens) < TRIVIAL_TOKENS or names <= TRIVIAL_NAMES


def _is_telling(line: str) -> bool:
    length = len("".join(line.split()))
    return length >= TELLING or (length >= TELLING_ARITHMETIC and any(sign in line for sign in "+-*/@%"))


def _texts(file: str, data: bytes) -> list[Text]:
    """The readable texts of a file: all strings of a JSON document, keys too, or the file as text."""
    text = data.decode("utf-8", errors="replace")
    if file.endswith((".ipynb", ".json")):
        try:
            return list(_strings(json.loads(text), "$"))
        except ValueError:
            pass
    return [Text("its text", text)]


def _strings(value: Any, place: str) -> Iterator[Text]:
    if isinstance(value, str):
        yield Text(place, value)
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield Text(place, "\n".join(["".join(value), *value]))  # lines of one text, or texts of their own
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, f"{place}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield Text(place, str(key))
            yield from _strings(item, f"{place}.{key}")
