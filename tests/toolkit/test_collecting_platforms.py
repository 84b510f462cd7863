from __future__ import annotations

import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from autograder.collecting import archive as archive_module
from autograder.collecting import platforms
from autograder.collecting.archive import entries
from autograder.collecting.people import People
from autograder.collecting.taking import Arrived, Taken, take
from autograder.errors import UsageError
from autograder.roster import read_roster
from tests.toolkit.command_line import cold_runner
from tests.toolkit.platform_files import CLASS, entry, moodle, patched, zipped
from tests.toolkit.tiny import TOPIC, tiny_course

MOST = 1 << 20
NOTEBOOK = f"{TOPIC}.ipynb"
ADA, BOB = moodle("Ada Lovelace_7"), moodle("Bob Noyce_8")


def collected(folder: Path, archive: Path, platform: str = "moodle", people: str = CLASS, most: int = MOST) -> Taken:
    (folder / "roster.csv").write_text(people, encoding="utf-8")
    done: list[Taken] = []

    def arrived(what: Arrived) -> None:
        done.append(take(what, folder / "submitted", TOPIC, most, {}))

    getattr(platforms, platform)(archive, People(read_roster(folder / "roster.csv")), arrived)
    return done[0]


def handed_in(folder: Path, student: str) -> bytes:
    return (folder / "submitted" / student / TOPIC / NOTEBOOK).read_bytes()


# ----------------------------------------------------------------------------------------- whose it is


def test_moodles_folders_and_flat_files_go_to_the_people_they_name(tmp_path: Path) -> None:
    files = {
        ADA: b"ada's",
        "LOVELACE ADA_9_assignsubmission_onlinetext_/onlinetext.html": b"x",
        f"bob  noyce_8_assignsubmission_file_{NOTEBOOK}": b"bob's",
        moodle("ODea Cyd_9", f"deep/er/{NOTEBOOK}"): b"cyd's",
        moodle("Zoe\u0308 Muller Smith_10", ".ipynb_checkpoints/halving.ipynb"): b"old",
        moodle("Zoe\u0308 Muller Smith_10"): b"zoe's",
        "Ada Lovelace_7_assignsubmission_file_/": b"",
    }
    taken = collected(tmp_path, zipped(tmp_path / "all.zip", files))
    assert taken.new == ["ada", "bob", "cyd", "zoe"]
    assert not taken.problems
    assert not taken.notes
    assert [handed_in(tmp_path, name) for name in taken.new] == [b"ada's", b"bob's", b"cyd's", b"zoe's"]
    assert not list((tmp_path / "submitted").rglob("timestamp.txt"))  # Moodle's zip file does not say when
    again = collected(tmp_path, zipped(tmp_path / "all.zip", files))
    assert (again.new, again.unchanged) == ([], ["ada", "bob", "cyd", "zoe"])


def test_canvas_names_people_by_number_and_else_by_name(tmp_path: Path) -> None:
    files = {
        f"lovelaceada_101_900_{TOPIC}-1.ipynb": b"ada's",
        f"x_LATE_102_901_{NOTEBOOK}": b"bob's",
        f"odeacyd_999_902_{NOTEBOOK}": b"cyd's",
        f"mullersmithzoe_998_903_{NOTEBOOK}": b"not by her number",
        f"noycebob_104_904_{NOTEBOOK}": b"a name and a number of two people",
    }
    taken = collected(tmp_path, zipped(tmp_path / "all.zip", files), "canvas")
    assert taken.new == ["ada", "bob", "cyd"]
    assert list(taken.notes) == ["bob"]
    assert "handed in late, and Canvas does not say when" in taken.notes["bob"]
    assert taken.problems == {
        "mullersmithzoe_998": "is nobody of roster.csv; add name or lms_id there as the platform writes them",
        "noycebob_104": "the number 104 is that of zoe, the name that of bob",
    }


def test_a_name_of_two_people_or_of_none_is_nobodys(tmp_path: Path) -> None:
    people = CLASS + "ada2,Ada,Lovelace,\n"
    files = {ADA: b"1", moodle("Participant_1"): b"2", BOB: b"3", moodle("Bob Noyce_9"): b"4", "readme.txt": b"5"}
    taken = collected(tmp_path, zipped(tmp_path / "all.zip", files), people=people)
    assert taken.new == []
    assert taken.problems == {
        "Ada Lovelace_7": "could be any of ada, ada2; rename it to tell them apart",
        "Participant_1": "is nobody of roster.csv; add name or lms_id there as the platform writes them",
        "bob": "the zip file has several people of this name, 8 and 9; put the right one in by hand",
        "readme.txt": "has no name that the platform gives",
    }


def test_what_a_student_names_a_file_makes_nobody_else_of_them(tmp_path: Path) -> None:
    name = "Ada Lovelace_7_assignsubmission_file_Bob Noyce_8_assignsubmission_file_x.ipynb"
    taken = collected(tmp_path, zipped(tmp_path / "all.zip", {name: b"ada's"}))
    assert taken.new == ["ada"]
    canvas = zipped(tmp_path / "canvas.zip", {"lovelaceada_101_900_noycebob_102_901_x.ipynb": b"still ada's"})
    assert collected(tmp_path, canvas, "canvas").new == ["ada"]


def test_the_named_notebook_else_the_only_one_else_none(tmp_path: Path) -> None:
    files = {
        ADA: b"named",
        moodle("Ada Lovelace_7", "other.ipynb"): b"other",
        moodle("Bob Noyce_8", "my work.ipynb"): b"only",
        moodle("Cyd ODea_9", "a.ipynb"): b"a",
        moodle("Cyd ODea_9", "b.ipynb"): b"b",
        moodle("Zoë Muller Smith_10", "scan.pdf"): b"pdf",
    }
    taken = collected(tmp_path, zipped(tmp_path / "all.zip", files))
    assert handed_in(tmp_path, "ada") == b"named"
    assert taken.notes == {"bob": f"took 'my work.ipynb', the only notebook, for {NOTEBOOK}"}
    assert taken.problems == {
        "cyd": "handed in 2 notebooks, a.ipynb, b.ipynb; ask which one counts",
        "zoe": "handed in no notebook; its name ends in .ipynb",
    }


# ------------------------------------------------------------------------------------- unsafe archives


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../../evil.ipynb", "leads out of the zip file"),
        ("/etc/evil.ipynb", "absolute path"),
        ("C:/evil.ipynb", "absolute path"),
        ("a\\..\\evil.ipynb", "one of Windows"),
        ("a//evil.ipynb", "leads out"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_written(tmp_path: Path, name: str, why: str) -> None:
    taken = collected(tmp_path, zipped(tmp_path / "all.zip", [(name, b"evil"), (BOB, b"good")]))
    assert taken.new == ["bob"]
    assert list(taken.problems) == [name]
    assert why in taken.problems[name]
    assert not list(tmp_path.rglob("*evil*"))
    inside = zipped(tmp_path / "inside.zip", [(moodle("Ada Lovelace_7", f"../{NOTEBOOK}"), b"evil"), (BOB, b"new")])
    again = collected(tmp_path, inside)
    assert again.new == ["bob"]
    assert "leads out" in again.problems["ada"]


@pytest.mark.parametrize(
    ("kind", "why"), [(stat.S_IFLNK, "is a link"), (stat.S_IFCHR, "a device"), (stat.S_IFIFO, "no file")]
)
def test_a_link_or_device_is_refused(tmp_path: Path, kind: int, why: str) -> None:
    archive = zipped(tmp_path / "all.zip", [(entry(ADA, kind), b"/etc/passwd"), (entry(BOB), b"good")])
    taken = collected(tmp_path, archive)
    assert taken.new == ["bob"]
    assert why in taken.problems["ada"]


def test_an_encrypted_or_strangely_packed_entry_is_refused(tmp_path: Path) -> None:
    for flags, method, why in ((1, zipfile.ZIP_DEFLATED, "is encrypted"), (0, 12, "packed by method 12")):
        archive = zipped(tmp_path / "all.zip", [(ADA, b"secret" * 50), (BOB, b"good")])
        # In the central directory, the first entry comes first: flags and method stand at 8 and 10.
        data = bytearray(archive.read_bytes())
        struct.pack_into("<HH", data, data.index(b"PK\x01\x02") + 8, flags, method)
        archive.write_bytes(data)
        assert why in collected(tmp_path, archive).problems["ada"]
        assert handed_in(tmp_path, "bob") == b"good"


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_holds(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "all.zip", [(ADA, bytes(MOST + 1)), (BOB, b"good")])
    assert f"unpacks to more than {archive_module.MOST_RATIO} times" in collected(tmp_path, archive).problems["ada"]
    taken = collected(tmp_path, zipped(tmp_path / "all.zip", [(ADA, bytes(3000)), (BOB, b"good")]), most=2000)
    assert taken.problems == {"ada": "has 3000 bytes or more; a notebook of this assignment has at most 2000"}
    # Says 5 bytes and holds 3000: never more than it says is unpacked, and the check sum tells.
    lying = zipped(tmp_path / "all.zip", [(ADA, bytes(3000))])
    patched(lying, struct.pack("<I", 3000), struct.pack("<I", 5))
    assert "is damaged in the zip file" in collected(tmp_path, lying).problems["ada"]


def test_too_many_entries_are_refused_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MOST_ENTRIES", 3)
    archive = zipped(tmp_path / "all.zip", {f"{number}": b"" for number in range(4)})
    with pytest.raises(UsageError, match="holds 4 files; at most 3 are read"), entries(archive):
        pass


def test_names_that_are_equal_or_nearly_so_are_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's own, of a duplicate
        archive = zipped(tmp_path / "all.zip", [(ADA, b"1"), (ADA, b"2"), (BOB, b"3"), (BOB.upper(), b"4")])
    with entries(archive) as listed:
        problems = [found.problem for found in listed]
    assert problems[:2] == ["stands 2 times in the zip file under one name"] * 2
    assert all("in capitals" in problem for problem in problems[2:])
    assert collected(tmp_path, archive).new == []


def test_a_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "all.zip", [(ADA.replace(".ipynb", ".ipynb#.txt.ipynb"), b"1"), (BOB, b"2")])
    taken = collected(tmp_path, patched(archive, b".ipynb#", b".ipynb\0"))
    assert taken.new == ["bob"]
    assert taken.problems == {"ada": "has a NUL in its name"}


def test_a_damaged_entry_is_one_students_and_a_damaged_file_everybodys(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "all.zip", [(zipfile.ZipInfo(ADA), b"ada's own words"), (BOB, b"good")])
    data = bytearray(archive.read_bytes())
    data[data.index(ADA.encode()) + len(ADA) + 2] ^= 0xFF
    archive.write_bytes(data)
    taken = collected(tmp_path, archive)
    assert taken.new == ["bob"]
    assert "is damaged in the zip file" in taken.problems["ada"]
    archive.write_bytes(b"no zip file at all")
    with pytest.raises(UsageError, match=r"cannot be read as a zip file .*; download it again"):
        collected(tmp_path, archive)


# --------------------------------------------------------------------------------------------- command


def test_the_command_collects_reports_and_dates(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    run = cold_runner(course.root)
    archive = str(zipped(tmp_path / "all.zip", {ADA: b"1", moodle("Eve\x1b[2J_66"): b"2"}))
    assert "has no roster.csv" in run("collect", TOPIC, "--moodle", archive, code=2).stderr
    (course.root / "roster.csv").write_text(CLASS, encoding="utf-8")
    done = run("collect", TOPIC, "--moodle", archive, code=1)
    assert "3 students of the roster with nothing there" in done.stdout
    assert "1 new notebook, 0 unchanged" in done.stdout
    assert "Eve\\x1b[2J_66: is nobody of roster.csv" in done.stderr
    times = tmp_path / "times.csv"
    times.write_text("student,timestamp\nada,2026-12-01T23:59:00+01:00\n", encoding="utf-8")
    assert "1 unchanged" in run("collect", TOPIC, "--moodle", archive, "--timestamps", str(times), code=1).stdout
    stamp = course.submitted / "ada" / TOPIC / "timestamp.txt"
    assert stamp.read_text("ascii") == "2026-12-01 22:59:00 UTC\n"
    times.write_text("student,timestamp\nada,2026-12-01T10:00\n", encoding="utf-8")
    assert (
        "ada: 2026-12-01T10:00: in which time zone?"
        in run("collect", TOPIC, "--canvas", archive, "--timestamps", str(times), code=2).stderr
    )


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--moodle", "a", "--canvas", "b"], "one place at a time"),
        (["--moodle", "a", "--until", "2026-12-01T10:00Z"], "set it there"),
        (["--git", "a", "--timestamps", "b"], "--timestamps is for --moodle and --canvas"),
        (["--moodle", "a", "--any-owner"], "--any-owner is for --exchange"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path: Path, options: list[str], why: str) -> None:
    assert why in cold_runner(tiny_course(tmp_path).root)("collect", TOPIC, *options, code=2).stderr
