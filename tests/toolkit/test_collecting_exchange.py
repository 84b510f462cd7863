from __future__ import annotations

import os
import pwd
import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from autograder.collecting.exchange import exchange, inbound
from autograder.collecting.taking import Taken, take
from autograder.errors import UsageError
from tests.toolkit.command_line import cold_runner
from tests.toolkit.tiny import TOPIC, tiny_course

NOTEBOOK = f"{TOPIC}.ipynb"
ME = pwd.getpwuid(os.getuid()).pw_name
EARLY, LATE = (
    "2096-11-30 10:00:00.000000 UTC",
    "2096-12-02 10:00:00.000000 UTC",
)  # to come: see the test on folders dated back


def submit(root: Path, student: str, when: str, data: bytes = b"{}", name: str = NOTEBOOK, topic: str = TOPIC) -> Path:
    """A folder as nbgrader's ``submit`` leaves it."""
    folder = root / "deep-learning" / "inbound" / f"{student}+{topic}+{when}+aB_-12345678"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    (folder / "timestamp.txt").write_text(when, encoding="ascii")
    (folder / "submission_secret.txt").write_text("x", encoding="ascii")
    return folder


def collected(
    root: Path, until: datetime | None = None, *, check_owner: bool = False, known: set[str] | None = None
) -> Taken:
    found = exchange(root, TOPIC, until, known=known, check_owner=check_owner)
    return take(found, root / "submitted", TOPIC, 1000, {})


def handed_in(root: Path, student: str, name: str = NOTEBOOK) -> bytes:
    return (root / "submitted" / student / TOPIC / name).read_bytes()


def test_the_newest_of_each_student_is_taken_with_its_time(tmp_path: Path) -> None:
    submit(tmp_path, "a+da", LATE, b"new")
    submit(tmp_path, "a+da", EARLY, b"old")
    submit(tmp_path, "bob", EARLY, b"bob's")
    submit(tmp_path, "bob", LATE, b"another assignment's", topic="other")
    assert collected(tmp_path).new == ["a+da", "bob"]
    assert handed_in(tmp_path, "a+da") == b"new"
    assert handed_in(tmp_path, "a+da", "timestamp.txt") == b"2096-12-02 10:00:00 UTC\n"
    assert collected(tmp_path).unchanged == ["a+da", "bob"]
    submit(tmp_path, "bob", LATE, b"bob's")  # the same once more: handed in later, as nbgrader counts
    assert collected(tmp_path).unchanged == ["a+da", "bob"]
    assert handed_in(tmp_path, "bob", "timestamp.txt") == b"2096-12-02 10:00:00 UTC\n"


def test_nothing_newer_than_until_is_taken(tmp_path: Path) -> None:
    submit(tmp_path, "ada", EARLY, b"old")
    submit(tmp_path, "ada", LATE, b"new")
    submit(tmp_path, "bob", LATE)
    taken = collected(tmp_path, datetime(2096, 12, 1, tzinfo=UTC))
    assert (taken.new, handed_in(tmp_path, "ada")) == (["ada"], b"old")
    assert taken.problems == {"bob": "has nothing handed in up to the time of --until"}


def test_a_folder_of_another_owner_is_not_taken_in_a_students_name(tmp_path: Path) -> None:
    submit(tmp_path, ME, EARLY, b"mine")
    forged = submit(tmp_path, "ada", EARLY, b"not ada's")
    taken = collected(tmp_path, check_owner=True)
    assert taken.new == [ME]
    assert list(taken.problems) == [forged.name]
    assert f"claims to be submitted by ada but is owned by {ME}" in taken.problems[forged.name]
    assert collected(tmp_path).new == ["ada"]


def test_a_forged_folder_does_not_hide_the_students_own(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    own = submit(tmp_path, "daemon", EARLY, b"own")
    for path in (own, *own.iterdir()):
        os.chown(path, pwd.getpwnam("daemon").pw_uid, -1)
    submit(tmp_path, "daemon", LATE, b"forged")
    taken = collected(tmp_path, check_owner=True)
    assert handed_in(tmp_path, "daemon") == b"own"
    assert len(taken.problems) == 1
    os.chown(own / NOTEBOOK, 0, -1)
    assert "is another user's" in collected(tmp_path, check_owner=True).problems["daemon"]


def test_links_and_what_is_no_file_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    linked = submit(tmp_path, "ada", EARLY)
    (linked / NOTEBOOK).unlink()
    (linked / NOTEBOOK).symlink_to(secret)
    pipe = submit(tmp_path, "bob", EARLY)
    (pipe / NOTEBOOK).unlink()
    os.mkfifo(pipe / NOTEBOOK)
    large = submit(tmp_path, "cyd", EARLY, bytes(1001))
    elsewhere = linked.with_name(f"dan+{TOPIC}+{EARLY}+x")
    elsewhere.symlink_to(large)
    plug = submit(tmp_path, "eve", EARLY)
    (plug / NOTEBOOK).unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(plug)  # a socket's path must be short
        listening.bind(NOTEBOOK)
        os.chdir(here)
        taken = collected(tmp_path)
    assert taken.new == []
    assert taken.problems == {
        elsewhere.name: "is no folder, or a link to one",
        "ada": f"{NOTEBOOK} cannot be read, or is a link: Too many levels of symbolic links",
        "bob": f"{NOTEBOOK} is no ordinary file",
        "cyd": f"{NOTEBOOK} has 1001 bytes; a notebook of this assignment has at most 1000",
        "eve": f"{NOTEBOOK} cannot be read, or is a link: No such device or address",
    }


def test_odd_names_and_times_are_told_and_cost_nobody_else(tmp_path: Path) -> None:
    submit(tmp_path, "ada", "2096-12-01 10:00:00")
    submit(tmp_path, "bob", "yesterday")
    submit(tmp_path, "-x", EARLY)
    submit(tmp_path, "stranger", EARLY)
    note = submit(tmp_path, "cyd", EARLY, name="mine.ipynb")
    (note / "timestamp.txt").write_text("2026-11-01 10:00:00 UTC", encoding="ascii")
    taken = collected(tmp_path, known={"ada", "bob", "cyd"})
    assert taken.new == ["ada", "cyd"]
    assert taken.notes == {
        "cyd": "its folder's name says 2096-11-30 10:00:00 UTC, which counts, its timestamp.txt another; "
        f"took 'mine.ipynb', the only notebook, for {NOTEBOOK}"
    }
    reasons = " ".join(taken.problems.values())
    for part in ("a time that cannot be read", "of no student's id", "nobody of roster.csv"):
        assert part in reasons


def test_a_time_at_the_end_of_all_years_costs_nobody_else(tmp_path: Path) -> None:
    last, first = "9999-12-31 23:00:00 -1200", "0001-01-01 00:00:00+14:00"  # both have no time in UTC
    forged = submit(tmp_path, "eve", last)
    for student, when in {"ada": first, "bob": last}.items():
        (submit(tmp_path, student, EARLY) / "timestamp.txt").write_text(when, encoding="ascii")
    taken = collected(tmp_path)
    assert (taken.new, list(taken.problems)) == (["ada", "bob"], [forged.name])
    assert "a time that cannot be read" in taken.problems[forged.name]


def test_a_folder_dated_back_is_told(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    submit(tmp_path, "ada", f"{now - timedelta(minutes=9):%Y-%m-%d %H:%M:%S} UTC")
    submit(tmp_path, "eve", f"{now - timedelta(minutes=11):%Y-%m-%d %H:%M:%S} UTC")
    taken = collected(tmp_path)
    assert (taken.new, taken.problems, list(taken.notes)) == (["ada", "eve"], {}, ["eve"])
    assert f"which counts, but it was made or changed on {now:%Y-%m-%d}" in taken.notes["eve"]


def test_a_folder_is_read_as_its_owners_who_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the owner and the reading, another's folder comes in its place."""
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    folder = submit(tmp_path, ME, EARLY)
    other, known = pwd.getpwnam("daemon").pw_uid, pwd.getpwuid

    def looked_at(number: int) -> pwd.struct_passwd:
        for path in (folder, *folder.iterdir()):
            os.chown(path, other, -1)
        return known(number)

    monkeypatch.setattr(pwd, "getpwuid", looked_at)
    assert "is another user's" in collected(tmp_path, check_owner=True).problems[ME]


@pytest.mark.parametrize("zone", [" +0100", "+0100", " +01:00"])
@pytest.mark.parametrize("end", ["", "+ab", "+0100"])
def test_a_zone_is_part_of_the_time(tmp_path: Path, zone: str, end: str) -> None:
    folder = submit(tmp_path, "a+b", EARLY)
    folder.rename(folder.with_name(f"a+b+{TOPIC}+2026-12-01 23:59:00.1{zone}{end}"))
    taken = collected(tmp_path)
    assert (taken.new, taken.problems) == (["a+b"], {})
    assert handed_in(tmp_path, "a+b", "timestamp.txt") == b"2026-12-01 22:59:00 UTC\n"


@pytest.mark.parametrize("name", [f"ada+{TOPIC}+{EARLY}+x+y", f"+{TOPIC}+{EARLY}+x", f"ada+{TOPIC}+"])
def test_no_folder_of_the_assignment_is_passed_over_in_silence(tmp_path: Path, name: str) -> None:
    folder = submit(tmp_path, "ada", EARLY)
    folder.rename(folder.with_name(name))
    taken = collected(tmp_path)
    assert (taken.new, list(taken.problems)) == ([], [name])
    assert "is no name that nbgrader gives: STUDENT+TOPIC+TIME" in taken.problems[name]


def test_the_exchange_is_found_and_a_wrong_one_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no exchange of nbgrader; submissions lie in .*COURSE/inbound"):
        inbound(tmp_path)
    place = submit(tmp_path, "ada", EARLY).parent
    assert inbound(tmp_path) == inbound(tmp_path / "deep-learning") == place
    (tmp_path / "another" / "inbound").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"holds the courses another, deep-learning; name one: --exchange .*another"):
        inbound(tmp_path)


def test_the_command_collects_from_an_exchange(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    submit(tmp_path / "exchange", "ada", EARLY, b"ada's")
    run = cold_runner(course.root)
    arguments = ("collect", TOPIC, "--exchange", str(tmp_path / "exchange"))
    submit(tmp_path / "exchange", "eve\nada: all is well", EARLY)
    complained = run(*arguments, code=1).stderr
    assert "claims to be submitted by ada" in complained
    assert not any(told.startswith("ada: all is well") for told in complained.splitlines())
    shutil.rmtree(next((tmp_path / "exchange").rglob("eve*")))
    assert "1 new notebook" in run(*arguments, "--any-owner").stdout
    assert (course.submitted / "ada" / TOPIC / NOTEBOOK).read_bytes() == b"ada's"
