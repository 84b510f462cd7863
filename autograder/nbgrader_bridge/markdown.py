"""Markdown of students as HTML without active content.

nbgrader's feedback and formgrader templates hand the text of Markdown cells and comments to a browser
as it is. A page that an instructor opens with a grader's rights must not run what a student wrote.
"""

from __future__ import annotations

import re
from typing import Any

import bleach  # type: ignore[import-untyped]
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

_TEXT = ["a", "abbr", "b", "br", "code", "del", "em", "i", "img", "s", "span", "strong", "sub", "sup"]
_BLOCKS = ["blockquote", "dd", "details", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p"]
_TABLES = ["pre", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul"]
_TAGS = frozenset([*_TEXT, *_BLOCKS, *_TABLES])
_ATTRIBUTES = {"a": ["title"], "img": ["alt", "title"], "*": ["class"]}
# MathJax commands that make links, load code or dress the page.
_ACTIVE_MATH = re.compile(r"\\(href|class|cssId|style|require|unicode|data|mmlToken)(?![A-Za-z])")
_EMBEDDED = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]+\Z")
_BESIDE = re.compile(r"[\w.-][\w./ %-]*\Z")  # a file of the assignment


@pass_context
def to_safe_html(context: Any, source: str) -> str:
    """``source`` as HTML: formatting, links and formulas stay; scripts, styles and remote pictures go.

    A Jinja filter, as nbconvert's ``markdown2html`` which it stands in for: pictures attached to the
    cell of ``context`` are shown.
    """
    attachments = context.get("cell", {}).get("attachments", {})
    renderer = IPythonRenderer(escape=False, attachments=attachments, embed_images=False, anchor_link_text="¶")
    html = MarkdownWithMath(renderer=renderer).render(_ACTIVE_MATH.sub(r"\\text{\1}", source))
    return str(_cleaner().clean(html))


def _cleaner() -> bleach.Cleaner:
    return bleach.Cleaner(
        tags=_TAGS, attributes=_allowed, protocols=frozenset({"http", "https", "mailto", "data"}), strip=False
    )


def _allowed(tag: str, name: str, value: str) -> bool:
    if tag == "img" and name == "src":
        return bool(_EMBEDDED.match(value) or _BESIDE.match(value))
    if tag == "a" and name == "href":
        return not value.strip().lower().startswith("data:")
    return name in _ATTRIBUTES.get(tag, ()) or name in _ATTRIBUTES["*"]
