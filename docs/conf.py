"""How the documentation becomes web pages: `make docs`. The pages stay plain Markdown, to be read without it too."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

project = "autograder"
copyright = "the autograder contributors"  # noqa: A001 - the name is Sphinx's
language = "en"
extensions = ["myst_parser", "command_reference"]

# Headings get the anchors that other readers of Markdown give them.
myst_heading_anchors = 4

html_theme = "furo"
html_title = "autograder"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["pages.css"]
