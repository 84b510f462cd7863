"""How the documentation becomes web pages: `make docs`. The pages are read on their own as well, so they stay plain Markdown."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

project = "autograder"
copyright = "the autograder contributors"  # noqa: A001 - the name is Sphinx's
language = "en"
exclude_patterns: list[str] = []
extensions = ["myst_parser", "command_reference"]

# Headings get the anchors that other readers of Markdown give them.
myst_heading_anchors = 4

html_theme = "furo"
html_title = "autograder"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["pages.css"]
# No mark of our own, and nothing that asks another site.
html_theme_options = {"navigation_with_keys": True}
