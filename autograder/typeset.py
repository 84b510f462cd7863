"""Texts set for a page: names as code, sentences, long calls over several lines."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

WIDTH = 76  # characters of a line of code, where it can be broken
_PARTS = re.compile(r"a tensor of shape .*?\.\.\.|, |.", re.DOTALL)
_ENDS = (".", "!", "?", ":", "…")
_WORDS = {"a", "an", "counts", "it", "no", "not", "probably", "stopped", "the", "wrong"}  # ours begin with these


def prose(text: str) -> Markup:
    """Author's text, with names between backticks set as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def sentence(text: str) -> str:
    """A short message as a sentence; one that begins with a name, such as ``softmax``, stays as it is."""
    if text.split(" ", 1)[0] not in _WORDS or "\n" in text:
        return text
    return text[0].upper() + text[1:] + ("" if text.endswith(_ENDS) else ".")


def code(text: str) -> str:
    """Python, with an argument a line where the call is long, and a row a line where the argument is."""
    return "\n".join(_call(line) if len(line) > WIDTH else line for line in text.split("\n"))


def _call(line: str) -> str:
    head, bracket, rest = line.partition("(")
    inside, closing, after = rest.rpartition(")")
    if not bracket or not closing or not inside:
        return line
    return "\n".join([head + bracket, *(f"    {_rows(argument)}," for argument in _arguments(inside)), closing + after])


def _arguments(inside: str) -> list[str]:
    arguments, depth = [""], 0
    for part in _PARTS.findall(inside):
        depth += (part in "([{") - (part in ")]}")
        if part == ", " and depth <= 0:
            arguments.append("")
        else:
            arguments[-1] += part
    return arguments


def _rows(argument: str) -> str:
    """A long tensor with each row on a line of its own, below the one before."""
    if len(argument) + 4 <= WIDTH or not argument.endswith(")"):
        return argument
    lines, opened = [""], list[int]()
    for part in _PARTS.findall(argument):
        if part == ", " and lines[-1].endswith("]") and opened:
            lines[-1] += ","
            lines.append(" " * (opened[-1] + 1))
            continue
        if part == "[":
            opened.append(len(lines[-1]))
        elif part == "]" and opened:
            opened.pop()
        lines[-1] += part
    return "\n    ".join(lines)
