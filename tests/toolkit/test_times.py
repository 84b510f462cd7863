from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from autograder.errors import UsageError
from autograder.times import read_time

TIME = datetime.fromisoformat("2026-12-01T22:59+00:00")


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01T23:59+01:00",
        "2026-12-01 22:59Z",
        "2026-12-01 22:59 UTC",
        " 2026-12-01 22:59:00 UTC ",
        "20261201T2259Z",
    ],
)
def test_one_time_in_many_ways(text: str) -> None:
    assert read_time(text, "--until") == TIME
    assert read_time(text, "--until").utcoffset() in (timedelta(), timedelta(hours=1))


@pytest.mark.parametrize("text", ["", "soon", "2026-12-01", "2026-12-01 UTC", "1 December 2026", "2026-13-01T10:00Z"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match=f"^--until '{text}' is no time; write it as 2026-12-01T23:59"):
        read_time(text, "--until")


def test_a_time_that_could_mean_two() -> None:
    with pytest.raises(UsageError) as refused:
        read_time("2026-12-01T22:59", "times.csv, ada:")
    assert str(refused.value) == (
        "times.csv, ada: 2026-12-01T22:59: in which time zone? "
        "Write it as 2026-12-01T22:59+01:00, or 2026-12-01T22:59Z for UTC"
    )


@pytest.mark.parametrize("text", ["\x1b[2J", "2026-12-01\x1b10:00"])
def test_control_characters_are_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_time(text, "--until")
    assert "\x1b" not in str(refused.value)
