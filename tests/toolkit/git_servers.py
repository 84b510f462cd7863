"""A git server for https on this machine, as hosts of private repositories are: it asks for a password."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

CGI_HEADERS = {"Content-Type": "CONTENT_TYPE", "Content-Encoding": "HTTP_CONTENT_ENCODING"}
CGI_HEADERS |= {"Content-Length": "CONTENT_LENGTH", "Git-Protocol": "HTTP_GIT_PROTOCOL"}


@dataclass
class GitServer:
    """Serves the repositories in ``root`` to ``user`` with ``password``; ``moved`` maps paths to other addresses."""

    root: Path
    user: str
    password: str
    address: str = ""
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def knows(self, told: str | None) -> bool:
        """Whether the header ``Authorization`` opens anything."""
        return told == "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@contextmanager
def git_server(root: Path, certificate: Path, user: str, password: str) -> Iterator[GitServer]:
    """A server with ``certificate``; see there."""
    found = GitServer(root, user, password)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            path = urlsplit(self.path).path
            repository = path.partition(".git")[0] + ".git"
            if repository in found.moved:
                self._answer(302, {"Location": found.moved[repository] + self.path.removeprefix(repository)})
            elif not found.knows(self.headers["Authorization"]):
                self._answer(401, {"WWW-Authenticate": 'Basic realm="git"'})
            else:
                self._serve(path)

        def do_POST(self) -> None:
            self.do_GET()

        def _serve(self, path: str) -> None:
            told = {name: self.headers.get(header, "") for header, name in CGI_HEADERS.items()}
            told |= {"PATH_INFO": path, "QUERY_STRING": urlsplit(self.path).query, "REQUEST_METHOD": self.command}
            told |= {"GIT_PROJECT_ROOT": str(found.root), "GIT_HTTP_EXPORT_ALL": "1"}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            command = ["git", "http-backend"]
            done = subprocess.run(command, input=body, capture_output=True, check=False, env=os.environ | told)
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
            self._answer(int(headers.pop("Status", "200").split()[0]), headers, content)

        def _answer(self, status: int, headers: dict[str, str], content: bytes = b"") -> None:
            self.send_response(status)
            for name, text in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        found.address = f"https://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()


def certificate(folder: Path) -> Path:
    """A file with a key and a certificate that names this machine; whoever trusts the file trusts it."""
    path, key = folder / "server.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*command, "-keyout", key, "-out", path], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path
