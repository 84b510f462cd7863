"""``results.json`` as https://gradescope-autograders.readthedocs.io/en/latest/specs/ describes it, as a JSON schema.

Their page has no schema; this one is written down from its text, and is stricter in one point: no unknown keys.
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema

VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
TEXT, NUMBER, FREE = {"type": "string"}, {"type": "number"}, {"type": "object"}

TEST = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": NUMBER,
        "max_score": NUMBER,
        "status": {"enum": ["passed", "failed"]},
        "name": TEXT,
        "name_format": FORMAT,
        "number": TEXT,
        "output": TEXT,
        "output_format": FORMAT,
        "tags": {"type": "array", "items": TEXT},
        "visibility": VISIBILITY,
        "extra_data": FREE,
    },
}
RESULTS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "score": NUMBER,
        "execution_time": NUMBER,
        "output": TEXT,
        "output_format": FORMAT,
        "test_output_format": FORMAT,
        "test_name_format": FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY,
        "extra_data": FREE,
        "tests": {"type": "array", "items": TEST},
        "leaderboard": {"type": "array"},
    },
}
# "optional, but required if not on each test case below", and the other way round
GRADED = RESULTS | {
    "anyOf": [
        {"required": ["score"]},
        {"required": ["tests"], "properties": {"tests": {"minItems": 1, "items": TEST | {"required": ["score"]}}}},
    ]
}


def read_results(data: bytes, schema: dict[str, Any] = GRADED) -> dict[str, Any]:
    """The results in ``data``, checked."""
    found: dict[str, Any] = json.loads(data)
    jsonschema.validate(found, schema, cls=jsonschema.Draft202012Validator)
    return found
