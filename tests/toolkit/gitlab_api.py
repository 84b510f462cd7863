"""GitLab's interface as far as jobs ask it: the jobs of a pipeline, and single files that they left."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

PROJECT, PIPELINE = "/api/v4/projects/7", "11"
FIRST = 100  # a job's number; the next one has the next


@contextmanager
def gitlab_api(artefacts: Path, jobs: Sequence[str], token: str) -> Iterator[dict[str, str]]:
    """The variables by which a job finds it. ``artefacts`` has a folder for each of ``jobs``, which are in order."""

    def answer(path: str) -> bytes | None:
        parts = path.removeprefix(PROJECT + "/").split("/", 3)
        if parts == ["pipelines", PIPELINE, "jobs"]:
            listed = [{"id": FIRST + place, "name": name} for place, name in enumerate(jobs)]
            return json.dumps(listed[::-1]).encode()
        if len(parts) == 4 and (parts[0], parts[2]) == ("jobs", "artifacts"):
            file = artefacts / jobs[int(parts[1]) - FIRST] / unquote(parts[3])
            return file.read_bytes() if file.is_file() else None
        return None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers["PRIVATE-TOKEN"] == token
            found = answer(urlsplit(self.path).path) if allowed else None
            self.send_response(200 if found is not None else 404 if allowed else 401)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/api/v4"
        try:
            yield {"CI_API_V4_URL": address, "CI_PROJECT_ID": "7", "CI_PIPELINE_ID": PIPELINE}
        finally:
            server.shutdown()
