"""A Sphinx extension: the directive ``{commands}`` describes every command, in the words of its own ``--help``.

None of the extensions for click's programs fits: typer brings a click of its own since 0.29, which they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from typer.core import TyperArgument, TyperCommand, TyperGroup

from autograder.cli import app

FIRST = ("new", "release", "verify", "grade", "feedback", "report", "export")  # in the order an assignment needs them


def commands() -> dict[str, TyperCommand]:
    """The commands by name: those of the usual way first, then the others by name."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)  # noqa: S101 - an app with several commands is one
    names = [*FIRST, *sorted(set(group.commands) - set(FIRST))]
    return {name: command for name in names if isinstance(command := group.commands[name], TyperCommand)}


def reference() -> str:
    """All commands as Markdown."""
    return "\n".join(line for name, command in commands().items() for line in _described(name, command))


def _described(name: str, command: TyperCommand) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    arguments = [parameter for parameter in command.params if isinstance(parameter, TyperArgument)]
    usage = " ".join([f"autograder {name}", *map(_in_usage, arguments)])
    yield from (f"## `{name}`", "", command.help or "", "", "```text", usage, "```", "")
    yield from ("| argument or option | meaning |", "| --- | --- |")
    for parameter in command.params:
        record = None if getattr(parameter, "hidden", False) else parameter.get_help_record(context)
        if record is not None:
            written, meaning = record
            shown = _in_usage(parameter) if isinstance(parameter, TyperArgument) else written
            yield f"| {_cell(f'`{shown}`')} | {_cell(meaning.replace('[required]', ''))} |"
    yield ""


def _in_usage(argument: TyperArgument) -> str:
    word = argument.metavar or (argument.name or "").upper()
    several = f"{word} ..." if argument.nargs == -1 else word
    return several if argument.required else f"[{several}]"


def _cell(text: str) -> str:
    """One cell of a table; outside of code, Markdown would take an angle bracket for HTML."""
    text = text if text.startswith("`") else text.replace("<", "\\<")
    return text.replace("|", "\\|").strip()


class Commands(SphinxDirective):
    """``{commands}``."""

    def run(self) -> list[nodes.Node]:
        """The pages' nodes; a changed command line is read anew."""
        self.env.note_reread()
        return self.parse_text_to_nodes(reference(), allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
