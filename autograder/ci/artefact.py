"""``python -m autograder.ci.artefact JOB PATH FILE``: one file that an earlier job of this GitLab pipeline left.

GitLab hands on artefacts by unpacking them over the next job's folder, and with them a job's dotenv variables, such as
a ``BASH_ENV``. From a job that ran student code neither may come near one that holds passwords. So its one file of
results is fetched by name, with a bound on its size. The token is that of ``AUTOGRADER_PUSH_TOKEN``, for GitLab's own
of the job may not list jobs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from autograder.text import clean

MOST_BYTES = 1 << 30
_NEEDED = ("AUTOGRADER_PUSH_TOKEN", "CI_API_V4_URL", "CI_PROJECT_ID", "CI_PIPELINE_ID")
_LIST_BYTES = 4 << 20
_SECONDS = 60.0  # without a byte


class ArtefactError(Exception):
    """The file cannot be had; the message says why."""


def fetch(job: str, path: str, place: Path, variables: Mapping[str, str], most: int = MOST_BYTES) -> None:
    """Write the file at ``path`` that ``job`` left to ``place``; ``variables`` are GitLab's. Raises ArtefactError."""
    lacking = [name for name in _NEEDED if not variables.get(name)]
    if lacking:
        raise ArtefactError(f"the variable {lacking[0]} is not set; is this a job of GitLab with the scope trusted/*?")
    project = f"{variables['CI_API_V4_URL']}/projects/{variables['CI_PROJECT_ID']}"
    token = variables["AUTOGRADER_PUSH_TOKEN"]
    listed = _get(f"{project}/pipelines/{variables['CI_PIPELINE_ID']}/jobs?per_page=100", token, _LIST_BYTES)
    number = _newest(listed, job)
    place.write_bytes(_get(f"{project}/jobs/{number}/artifacts/{quote(path)}", token, most))


def _newest(listed: bytes, job: str) -> int:
    """The number of the last try of ``job`` in GitLab's list."""
    try:
        jobs: list[dict[str, Any]] = json.loads(listed)
        numbers = [int(found["id"]) for found in jobs if found["name"] == job]
    except (ValueError, TypeError, KeyError) as error:
        raise ArtefactError(f"GitLab's list of jobs cannot be read: {error!r}") from error
    if not numbers:
        raise ArtefactError(f"this pipeline has no job {job!r}")
    return max(numbers)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the token is for one server."""

    def redirect_request(self, *_: object) -> None:
        return None


def _get(address: str, token: str, most: int) -> bytes:
    request = urllib.request.Request(address, headers={"PRIVATE-TOKEN": token})  # noqa: S310 - GitLab's own address
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=_SECONDS) as answer:
            data: bytes = answer.read(most + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:  # an HTTPError is an OSError
        hint = "; AUTOGRADER_PUSH_TOKEN needs read_api, and the job must have left the file"
        raise ArtefactError(f"{address}: {clean(str(error), 200)}{hint}") from error
    if len(data) > most:
        raise ArtefactError(f"{address}: has more than the {most} bytes that may be fetched")
    return data


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch it; 1 where it cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m autograder.ci.artefact", description="Fetch one job's file.")
    parser.add_argument("job")
    parser.add_argument("path", help="of the file among what the job left")
    parser.add_argument("file", type=Path, help="where to put it")
    told = parser.parse_args(arguments)
    try:
        fetch(told.job, told.path, told.file, os.environ)
    except ArtefactError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
