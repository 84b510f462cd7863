from __future__ import annotations

import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import UsageError
from autograder.seed import SEED_BYTES, Seed

SECRETS = st.binary(min_size=SEED_BYTES, max_size=SEED_BYTES)


@given(SECRETS, st.lists(st.text(max_size=5), min_size=1, max_size=3))
def test_the_same_secret_and_purpose_give_the_same_number(secret: bytes, purpose: list[str]) -> None:
    number = Seed(secret).derive(*purpose)
    assert number == Seed(secret).derive(*purpose)
    assert 0 <= number < 2**63


def test_other_secrets_and_other_purposes_give_other_numbers() -> None:
    seeds = [Seed(secrets.token_bytes(SEED_BYTES)) for _ in range(20)]
    purposes = [(kind, test) for kind in ("graded", "feedback") for test in ("test_a", "test_b")]
    numbers = {seed.derive(*purpose) for seed in seeds for purpose in purposes}
    assert len(numbers) == len(seeds) * len(purposes)


@given(SECRETS)
def test_the_id_names_the_seed_and_is_no_part_of_it_or_of_a_number(secret: bytes) -> None:
    seed = Seed(secret)
    assert seed.id == Seed(secret).id
    assert seed.id not in secret.hex()
    assert seed.id not in f"{seed.derive('graded', 'topic', 'test'):x}"
    assert seed.id != Seed(bytes([secret[0] ^ 1]) + secret[1:]).id


def test_a_course_draws_its_seed_once_and_keeps_it_to_itself(tmp_path: Path) -> None:
    state = tmp_path / "course" / ".autograder"
    seed = Seed.of_course(state)
    assert len(seed.secret) == SEED_BYTES
    assert Seed.of_course(state) == seed
    assert stat.S_IMODE((state / "seed").stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == ["seed"]


def test_two_courses_have_two_seeds(tmp_path: Path) -> None:
    assert Seed.of_course(tmp_path / "one") != Seed.of_course(tmp_path / "two")


def test_runs_that_start_at_once_agree_on_one_seed(tmp_path: Path) -> None:
    program = (
        f"from pathlib import Path; from autograder.seed import Seed; print(Seed.of_course(Path({str(tmp_path)!r})).id)"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        for _ in range(4)
    ]
    ids = {run.communicate(timeout=60)[0] for run in runs}
    assert ids == {f"{Seed.of_course(tmp_path).id}\n".encode()}


@pytest.mark.parametrize("text", ["", "no seed\n", "ab" * 31, "ab" * 33, "\xff" * 64])
def test_a_damaged_seed_stops_grading_instead_of_changing_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "seed").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match="seed: holds no seed of 64 hexadecimal digits; remove it to draw a new one"):
        Seed.of_course(tmp_path)
    assert (tmp_path / "seed").read_bytes() == text.encode("latin-1")


def test_a_seed_that_cannot_be_written_or_read_is_said_plainly(tmp_path: Path) -> None:
    taken = tmp_path / ".autograder"
    taken.touch()
    with pytest.raises(UsageError, match=rf"cannot write {taken}/seed: File exists; put that right and run again"):
        Seed.of_course(taken)
    Seed.of_course(tmp_path)
    (tmp_path / "seeds").touch()
    before = (tmp_path / "seed").read_bytes()
    with pytest.raises(UsageError, match=rf"cannot write {tmp_path}/seeds: File exists; put that right"):
        Seed.renew(tmp_path)
    assert (tmp_path / "seed").read_bytes() == before
    (tmp_path / "seed").unlink()
    (tmp_path / "seed").mkdir()
    with pytest.raises(UsageError, match=r"seed: cannot be read: Is a directory; the course's seed must be there"):
        Seed.of_course(tmp_path)
