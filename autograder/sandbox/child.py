"""The student process: reads requests from its one socket, runs cells, answers calls, until it is killed.

Everything here may be patched by the student's code as soon as the first cell has run. Nothing
depends on it not being: replies are values, and the grading process decides.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import Any

from autograder.sandbox import notebook
from autograder.sandbox.accelerator import Accelerator
from autograder.sandbox.evaluate import Evaluator, describe_error
from autograder.sandbox.shell import CellTimeout, NotebookShell, Sink, alarm
from autograder.sandbox.wire import HEADER, MAGIC, REQUEST_BOUNDS, Bounds, WireError, decode, encode

_read, _write = os.read, os.write
_CHUNK = 1 << 20
SCAN_SECONDS = 3.0  # IPython needs minutes for a large cell full of magics


class Student:
    """State of a student process: its cells, and the evaluator once they have run."""

    def __init__(self, shell: NotebookShell, bounds: Bounds) -> None:
        self.shell = shell
        self.cells: dict[int, notebook.Cell] = {}
        self.evaluator = Evaluator(shell.user_ns, bounds)
        self._warming: threading.Thread | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one request."""
        match request["op"]:
            case "load":
                return self._load(request)
            case "cell":
                cell = self.cells[request["index"]]
                return self.shell.run(cell.index, cell.source, request["seconds"])
            case "warm":
                if self._warming is not None:
                    self._warming.join(request["seconds"])
                return {"status": "ok", "value": None}
        return self.evaluator.answer(request)

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        if "gpu_bytes" in request:
            self._warming = Accelerator("cuda").warm_up(request["gpu_bytes"])
        try:
            cells = notebook.read_cells(request["notebook"])
        except notebook.UnreadableError as error:
            return {"status": "invalid", "message": str(error)}
        self.cells = {cell.index: cell for cell in cells}
        used = self._names_used([cell.source for cell in cells if not cell.problem])
        listed = [(cell.index, cell.skip, cell.problem, cell.source) for cell in cells]
        return {"status": "ok", "cells": listed, "names": sorted(used & set(request["names"]))}

    def _names_used(self, sources: list[str]) -> set[str]:
        """The names in some cells, as far as they are found in time: a hint for people is not worth more."""
        found: set[str] = set()
        with contextlib.suppress(CellTimeout), alarm(SCAN_SECONDS):
            for source in sources:
                found |= notebook.names_used([self._as_python(source)])
        return found

    def _as_python(self, source: str) -> str:
        try:
            return str(self.shell.transform_cell(source))
        except Exception:  # noqa: BLE001 - IPython's transformer gives up on some texts; the cell itself will say so
            return ""


def serve(descriptor: int, shell: NotebookShell, reply_bytes: int) -> None:
    """Answer requests on ``descriptor`` until it closes."""
    sys.stdout = sys.stderr = Sink()
    bounds = Bounds(total_bytes=reply_bytes)
    student = Student(shell, bounds)
    while True:
        number, body = _receive(descriptor)
        try:
            reply = student.answer(decode(body, REQUEST_BOUNDS))
        except BaseException as error:  # noqa: BLE001 - an answer is owed whatever happened
            reply = describe_error(error)
        _send(descriptor, number, _encoded(reply, bounds))


def _encoded(reply: dict[str, Any], bounds: Bounds) -> bytes:
    try:
        return encode(reply, bounds)
    except WireError as error:
        return encode({"status": "unusable", "message": f"the answer cannot be read: {error}"})
    except BaseException as error:  # noqa: BLE001 - running out of memory while answering, for one
        return encode(describe_error(error))


def _receive(descriptor: int) -> tuple[int, bytes]:
    magic, number, length = HEADER.unpack(_exactly(descriptor, HEADER.size))
    if magic != MAGIC:
        raise SystemExit(1)
    return number, _exactly(descriptor, length)


def _exactly(descriptor: int, size: int) -> bytes:
    parts = []
    while size:
        part = _read(descriptor, min(size, _CHUNK))
        if not part:
            os._exit(0)  # the grading process is done with us
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _send(descriptor: int, number: int, body: bytes) -> None:
    data = memoryview(HEADER.pack(MAGIC, number, len(body)) + body)
    while data:
        data = data[_write(descriptor, data) :]
