"""Text of unknown origin made safe for people to read: control characters visible, nothing interpreted."""

from __future__ import annotations

import unicodedata

_ALLOWED_CONTROLS = frozenset("\n\t")


def clean(text: str, limit: int = 2000) -> str:
    """``text`` without terminal escapes, bidirectional controls or other invisible characters, cut at ``limit``."""
    cut = text if len(text) <= limit else text[:limit] + f" ... ({len(text) - limit} more characters)"
    return "".join(_visible(char) for char in cut)


def inert_json(data: bytes) -> bytes:
    """The same JSON, in bytes that command no CI system that prints them: see ``streams``."""
    return _broken(data, b"\\u00%02x")


def inert_xml(data: bytes) -> bytes:
    """The same XML, in bytes that command no CI system that prints them."""
    return _broken(data, b"&#x%02x;")


def _broken(data: bytes, escape: bytes) -> bytes:
    # In JSON and XML alike, these stand in texts only, so that their last character may be written as an escape.
    for begin in (b"##", b"section_start:", b"section_end:"):
        data = data.replace(begin, begin[:-1] + escape % begin[-1])
    return data


def _visible(char: str) -> str:
    if char in _ALLOWED_CONTROLS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn"):
        return char
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"
