"""The GPU of this machine as the grading side sees it: found by asking torch in a process of its own.

A process that has asked the driver for devices must not fork ones that use them, so no grading process asks.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

CONTROL = ("nvidiactl", "nvidia-uvm")  # beside the card's own file: what every process that computes opens
CONTEXT_BYTES = 1 << 30  # what a process takes of the card before its first tensor, kernels included
SHARE = 0.9  # of a card's memory that submissions get in all
_SECONDS = 120.0
_CARD = re.compile(r"nvidia\d+\Z")

_PROBE = """
import json, torch
found = {}
if torch.cuda.is_available():
    torch.ones(8, device="cuda").sum().item()
    card = torch.cuda.get_device_properties(0)
    found = {"name": card.name, "memory_bytes": card.total_memory, "cuda": torch.version.cuda or ""}
print(json.dumps(found))
"""


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """A card that torch computes on. ``devices``: the files that a process needs for it."""

    name: str
    memory_bytes: int
    cuda: str
    devices: tuple[str, ...] = ()
    visible: str = "0"  # CUDA_VISIBLE_DEVICES of a process that has these files alone

    def students(self, each: int) -> int:
        """How many student processes of ``each`` bytes of tensors share it; at least one."""
        return max(1, int(self.memory_bytes * SHARE) // (each + CONTEXT_BYTES))


@functools.cache
def find() -> Gpu | None:
    """The first card that torch can use here; ``None`` where there is none, at no cost without a driver."""
    return None if problem_without_asking() else _ask()


def problem_without_asking(dev: Path = Path("/dev")) -> str:
    """Why there can be no GPU; empty where torch has to be asked."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "CUDA_VISIBLE_DEVICES hides every GPU"
    return "" if (dev / CONTROL[0]).exists() else f"there is no NVIDIA driver: no {dev / CONTROL[0]}"


def _ask() -> Gpu | None:
    command = [sys.executable, "-I", "-c", _PROBE]
    environment = os.environ | {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=_SECONDS, check=False)
        found = msgspec.json.decode(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, msgspec.DecodeError):  # a driver that hangs or crashes is no GPU
        return None
    if not found:
        return None
    files, visible = device_files(os.environ.get("CUDA_VISIBLE_DEVICES"))
    return Gpu(**found, devices=files, visible=visible)


def device_files(
    wanted: str | None, dev: Path = Path("/dev"), proc: Path = Path("/proc/driver/nvidia/gpus")
) -> tuple[tuple[str, ...], str]:
    """The files of the first card that ``wanted``, a ``CUDA_VISIBLE_DEVICES``, names, and what names it beside them.

    All cards' files, and ``wanted`` as it is, where the driver does not say which is which.
    """
    control = [str(dev / name) for name in CONTROL if (dev / name).exists()]
    cards = sorted(str(path) for path in dev.glob("nvidia*") if _CARD.fullmatch(path.name))
    first = (wanted or "0").split(",")[0].strip()
    listed = list(_minors(proc))
    if first.isdecimal():
        minors = [minor for _, minor in listed][int(first) : int(first) + 1]
    else:
        minors = [minor for uuid, minor in listed if uuid.startswith(first)]
    one = str(dev / f"nvidia{minors[0]}") if len(minors) == 1 else cards[0] if len(cards) == 1 else ""
    if one in cards and not first.startswith("MIG"):
        return (*control, one), "0"
    caps = sorted(str(path) for path in dev.glob("nvidia-caps/*"))
    return (*control, *cards, *caps), first


def _minors(proc: Path) -> Iterator[tuple[str, str]]:
    """UUID and minor number of every card, in the order of the PCI bus."""
    for path in sorted(proc.glob("*/information")):
        fields = dict(re.findall(r"^(GPU UUID|Device Minor):\s*(\S+)", path.read_text(errors="replace"), re.MULTILINE))
        if "Device Minor" in fields:
            yield fields.get("GPU UUID", ""), fields["Device Minor"]
