"""Where all pages come from: templates that escape whatever is put into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def templates(filters: Mapping[str, Any]) -> Environment:
    """The package's templates with ``filters``: everything is escaped, and a name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader("autograder"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment
