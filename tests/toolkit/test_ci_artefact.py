from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from autograder.ci.artefact import ArtefactError, fetch, main
from tests.toolkit.gitlab_api import gitlab_api

Variables = dict[str, str]


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[Variables]:
    """Those of a pipeline of three jobs, two of which left a file."""
    for job, text in {"again": "another job's", "graded": "12345"}.items():
        (tmp_path / job / "graded").mkdir(parents=True)
        (tmp_path / job / "graded" / "graded.json").write_text(text, encoding="ascii")
    with gitlab_api(tmp_path, ["collect", "again", "graded"], "the-token") as found:
        yield {**found, "AUTOGRADER_PUSH_TOKEN": "the-token"}


def test_one_file_is_fetched_by_its_jobs_name(tmp_path: Path, variables: Variables) -> None:
    fetch("graded", "graded/graded.json", tmp_path / "got", variables, most=5)
    assert (tmp_path / "got").read_bytes() == b"12345"


@pytest.mark.parametrize(
    ("job", "path", "change", "why"),
    [
        ("nobody", "graded/graded.json", {}, "has no job 'nobody'"),
        ("graded", "other.json", {}, "404.*the job must have left the file"),
        ("graded", "graded/graded.json", {"AUTOGRADER_PUSH_TOKEN": "x"}, "401.*AUTOGRADER_PUSH_TOKEN needs read_api"),
        ("graded", "graded/graded.json", {"AUTOGRADER_PUSH_TOKEN": ""}, "AUTOGRADER_PUSH_TOKEN is not set"),
        ("graded", "graded/graded.json", {"CI_API_V4_URL": "http://127.0.0.1:1"}, "refused"),
        ("again", "graded/graded.json", {}, "more than the 5 bytes"),
    ],
)
def test_what_cannot_be_had_is_said(
    tmp_path: Path, variables: Variables, job: str, path: str, change: Variables, why: str
) -> None:
    with pytest.raises(ArtefactError, match=why):
        fetch(job, path, tmp_path / "got", variables | change, most=5)
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("listed", [b"[", b"{}", b"[1]", b'[{"name": "graded"}]'])
def test_a_list_that_is_none_and_a_redirect_are_refused(tmp_path: Path, variables: Variables, listed: bytes) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if listed == b"{}" else 200)
            self.send_header("Location", variables["CI_API_V4_URL"] + self.path.removeprefix("/api/v4"))
            self.end_headers()
            self.wfile.write(listed)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.handle_request, daemon=True).start()
        other = {"CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}/api/v4"}
        with pytest.raises(ArtefactError, match=r"cannot be read|302"):
            fetch("graded", "graded/graded.json", tmp_path / "got", variables | other)


def test_the_program_ends_with_one_and_a_reason(
    variables: Variables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert main(["graded", "graded/graded.json", str(tmp_path / "got")]) == 0
    assert main(["graded", "x", str(tmp_path / "got")]) == 1
    told = capsys.readouterr().err
    assert re.match(r"http://127.*/artifacts/x: HTTP Error 404", told)
    assert "the-token" not in told
