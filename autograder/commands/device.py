"""``--device``: where graded calls run, and what that asks of the machine."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from autograder.course import Assignment
from autograder.errors import UsageError
from autograder.gpu import Gpu, find, problem_without_asking


class Device(StrEnum):
    """Where graded calls run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


Where = Literal["cpu", "cuda"]


def here(device: Device, assignment: Assignment) -> tuple[Where, Gpu | None]:
    """The device, and the card for ``cuda``. ``auto``: the GPU where there is one and the assignment needs it.

    Raises ``UsageError`` for ``cuda`` without a GPU that torch can use.
    """
    if device is Device.CPU or (device is Device.AUTO and assignment.front.device != "cuda"):
        return "cpu", None
    card = find()
    if card is not None:
        return "cuda", card
    if device is Device.AUTO:
        return "cpu", None
    why = problem_without_asking() or "torch finds none that it can use: is this its build for CUDA?"
    raise UsageError(f"--device cuda: {why}; grade on the CPU: --device cpu. What needs a GPU then waits for one")


def on_a_cluster(device: Device, assignment: Assignment, gpus: float) -> Where:
    """The device of a cluster's grading processes, each of which gets ``gpus``."""
    if device is Device.CUDA and not gpus:
        raise UsageError("--device cuda with --executor ray: say what each process gets, such as --ray-gpus 0.25")
    needed = device is Device.CUDA or (device is Device.AUTO and assignment.front.device == "cuda")
    return "cuda" if needed and gpus else "cpu"
