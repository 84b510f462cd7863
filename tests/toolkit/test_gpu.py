from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import gpu
from autograder.gpu import Gpu, device_files, problem_without_asking

CARD = Gpu(name="a card", memory_bytes=80 << 30, cuda="12.8")


def machine(folder: Path, cards: dict[str, str], files: list[str]) -> tuple[Path, Path]:
    """A ``/dev`` with ``files``, and a driver that tells of ``cards``, a minor number for each UUID."""
    dev, proc = folder / "dev", folder / "proc"
    for name in files:
        path = dev / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for place, (uuid, minor) in enumerate(cards.items()):
        path = proc / f"0000:{place:02}:00.0" / "information"
        path.parent.mkdir(parents=True)
        path.write_text(f"Model: \t\t a card\nGPU UUID: \t {uuid}\nDevice Minor: \t {minor}\n")
    return dev, proc


CONTROL = ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset"]


@pytest.mark.parametrize(
    ("wanted", "cards", "visible"),
    [
        (None, ["nvidia1"], "0"),
        ("0", ["nvidia1"], "0"),
        ("1", ["nvidia0"], "0"),
        ("1,0", ["nvidia0"], "0"),
        ("GPU-bb", ["nvidia0"], "0"),
        ("GPU-a", ["nvidia1"], "0"),
        ("7", ["nvidia0", "nvidia1"], "7"),
        ("GPU-cc", ["nvidia0", "nvidia1"], "GPU-cc"),
        ("MIG-aa", ["nvidia0", "nvidia1"], "MIG-aa"),
    ],
)
def test_only_the_files_of_the_chosen_card_are_shown(
    tmp_path: Path, wanted: str | None, cards: list[str], visible: str
) -> None:
    dev, proc = machine(tmp_path, {"GPU-aa": "1", "GPU-bb": "0"}, [*CONTROL, "nvidia0", "nvidia1", "nvidia-caps/cap1"])
    files, names = device_files(wanted, dev, proc)
    shown = [str(Path(file).relative_to(dev)) for file in files]
    assert [name for name in shown if not name.startswith("nvidia-caps/")] == ["nvidiactl", "nvidia-uvm", *cards]
    assert names == visible
    assert ("nvidia-caps/cap1" in shown) == (len(cards) > 1)


def test_card_whose_file_is_the_only_one_needs_no_driver_that_tells(tmp_path: Path) -> None:
    dev, proc = machine(tmp_path, {}, ["nvidiactl", "nvidia3"])
    assert device_files(None, dev, proc) == ((str(dev / "nvidiactl"), str(dev / "nvidia3")), "0")


def test_no_driver_and_a_hidden_card_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert "no NVIDIA driver" in problem_without_asking(tmp_path)
    (tmp_path / "nvidiactl").touch()
    assert not problem_without_asking(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES" in problem_without_asking(tmp_path)


@pytest.mark.parametrize(
    ("probe", "found"),
    [
        ("print('{}')", False),
        ("raise SystemExit(3)", False),
        ("print('no json')", False),
        ('print(\'a warning\\n{"name": "a", "memory_bytes": 5, "cuda": "12"}\')', True),
    ],
)
def test_driver_that_answers_strangely_is_no_gpu(monkeypatch: pytest.MonkeyPatch, probe: str, found: bool) -> None:
    monkeypatch.setattr(gpu, "_PROBE", probe)
    card = gpu._ask()
    assert (card is not None) == found


def test_driver_that_hangs_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_PROBE", "import sys; sys.stdin.read() or __import__('signal').pause()")
    monkeypatch.setattr(gpu, "_SECONDS", 0.5)
    assert gpu._ask() is None


def test_torch_is_asked_as_it_is() -> None:
    """The probe itself runs here too, where torch finds no card."""
    done = subprocess.run([sys.executable, "-I", "-c", gpu._PROBE], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or os.path.exists("/dev/nvidiactl"), done.stderr  # noqa: PTH110 - a device, no file
    assert done.stdout.startswith("{")


@pytest.mark.parametrize(("each", "count"), [(4 << 30, 14), (70 << 30, 1), (200 << 30, 1), (0, 72)])
def test_so_many_students_share_a_card(each: int, count: int) -> None:
    assert CARD.students(each) == count
