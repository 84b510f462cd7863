from __future__ import annotations

from pathlib import Path

import pytest

from autograder.commands.outcome import print_outcome
from autograder.errors import UsageError
from autograder.history import events
from autograder.model import GradeReport
from autograder.nbgrader_bridge import configured_db_url
from autograder.roster import Person, Roster
from autograder.submissions import find_submissions
from autograder.teams import Parties, parties
from tests.toolkit.canned import run
from tests.toolkit.gradebooks import scores
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import answered, hand_in, notebook_of, released_course

RED = "student,team\nada,red\nbob,red\neve,\n"


def roster(**teams: str) -> Roster:
    return {student: Person(student=student, team=team) for student, team in teams.items()}


def put(folder: Path, *names: str, data: bytes = b"one", time: str = "") -> None:
    for name in names:
        path = folder / name / TOPIC / f"{TOPIC}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if time:
            path.with_name("timestamp.txt").write_text(time, encoding="utf-8")


def seen(folder: Path, people: Roster | None, *only: str) -> Parties:
    return parties(find_submissions(folder, TOPIC)[0], people, only)


def told(found: Parties) -> dict[str, tuple[str, list[str]]]:
    """Folder and everyone whose grade it is, by the submission's student."""
    return {
        one.student: (one.path.parents[1].name, [share.student for share in found.shares[one.student]])
        for one in found.submissions
    }


def test_without_a_roster_a_folder_is_a_student(tmp_path: Path) -> None:
    put(tmp_path, "bob", "ada")
    found = seen(tmp_path, None)
    assert told(found) == {"ada": ("ada", ["ada"]), "bob": ("bob", ["bob"])}
    assert not found.strangers


@pytest.mark.parametrize("folders", [("red",), ("bob",), ("ada", "bob"), ("ada", "bob", "red")])
def test_a_team_hands_in_once_wherever_it_lies(tmp_path: Path, folders: tuple[str, ...]) -> None:
    put(tmp_path, *folders, "eve")
    found = seen(tmp_path, roster(bob="red", ada="red", eve=""))
    assert told(found) == {"ada": (folders[0], ["ada", "bob"]), "eve": ("eve", ["eve"])}
    assert list(told(seen(tmp_path, roster(bob="red", ada="red", eve=""), "bob"))) == ["ada"]
    assert not found.strangers


def test_equal_notebooks_are_in_when_the_first_one_was(tmp_path: Path) -> None:
    put(tmp_path, "ada", time="2026-03-02 12:00:00 UTC")
    put(tmp_path, "bob", time="2026-03-01 12:00:00 UTC")
    put(tmp_path, "red")
    assert told(seen(tmp_path, roster(ada="red", bob="red"))) == {"ada": ("bob", ["ada", "bob"])}


def test_times_are_compared_as_times(tmp_path: Path) -> None:
    put(tmp_path, "ada", time="2026-03-01 12:30:00+01:00")
    put(tmp_path, "bob", time="2026-03-01 12:00:00 UTC")
    put(tmp_path, "red", time="1 o'clock")
    assert told(seen(tmp_path, roster(ada="red", bob="red"))) == {"ada": ("ada", ["ada", "bob"])}


def test_an_empty_or_a_missing_notebook_counts_where_there_is_no_other(tmp_path: Path) -> None:
    put(tmp_path, "ada", data=b"", time="2026-03-01 12:00:00 UTC")
    (tmp_path / "red" / TOPIC).mkdir(parents=True)
    people = roster(ada="red", bob="red")
    assert told(seen(tmp_path, people)) == {"ada": ("ada", ["ada", "bob"])}
    put(tmp_path, "bob", time="2026-03-02 12:00:00 UTC")
    found = seen(tmp_path, people)
    assert told(found) == {"ada": ("bob", ["ada", "bob"])}
    assert not found.conflicts


def test_different_notebooks_of_a_team_leave_it_out_alone(tmp_path: Path) -> None:
    put(tmp_path, "bob", "eve")
    put(tmp_path, "ada", data=b"two")
    people = roster(ada="red", bob="red", eve="")
    found = seen(tmp_path, people)
    assert list(told(found)) == ["eve"]
    assert found.conflicts.keys() == {"red"}
    assert f"'ada' and 'bob' hold different notebooks for '{TOPIC}'; ask" in found.conflicts["red"]
    assert seen(tmp_path, people, "bob").conflicts.keys() == {"red"}
    assert not seen(tmp_path, people, "eve").conflicts


def test_a_team_may_bear_the_name_of_a_member(tmp_path: Path) -> None:
    put(tmp_path, "ada")
    assert told(seen(tmp_path, roster(ada="ada", bob="ada"))) == {"ada": ("ada", ["ada", "bob"])}


def test_who_is_not_in_the_roster_is_told(tmp_path: Path) -> None:
    put(tmp_path, "ada", "mallory", "bob")
    assert seen(tmp_path, roster(ada="")).strangers == {"bob", "mallory"}
    assert seen(tmp_path, roster(ada=""), "bob").strangers == {"bob"}


# ------------------------------------------------------------------------------------------ a whole run


def test_every_member_gets_the_grade_and_the_page(tmp_path: Path) -> None:
    course = released_course(tmp_path)
    (course.root / "roster.csv").write_text(RED, encoding="utf-8")
    hand_in(course, "red", answered(course))
    hand_in(course, "mallory", answered(course))
    done, ran = run(course)
    assert ran == ["ada", "mallory"]
    assert [report.student for report in done.reports] == ["ada", "bob", "mallory"]
    assert done.strangers == ("mallory",)
    assert [row[:2] for row in scores(configured_db_url(course))] == [("ada", 4.5), ("bob", 4.5)]
    for student in ("ada", "bob", "mallory"):
        page = (course.root / "feedback" / student / f"{TOPIC}.html").read_text(encoding="utf-8")
        assert GradeReport.from_json((course.results / TOPIC / f"{student}.json").read_bytes()).student == student
        assert "Halving" in page
        assert [event.kind for event in events(course, TOPIC, student)] == ["graded"]
    assert run(course)[1] == []
    (course.results / TOPIC / "bob.json").unlink()
    done, ran = run(course, "bob")  # a run that was cut off between two members
    assert (ran, [report.student for report in done.reports]) == ([], ["ada", "bob"])
    assert (course.results / TOPIC / "bob.json").exists()
    (course.root / "roster.csv").write_text(RED + "mallory,\n", encoding="utf-8")
    run(course)
    assert [row[0] for row in scores(configured_db_url(course))] == ["ada", "bob", "mallory"]
    with pytest.raises(UsageError, match=f"no submission of '{TOPIC}' by 'eve'"):
        run(course, "eve")
    assert not notebook_of(course, "bob").exists()


def test_a_team_at_odds_stops_nobody_and_its_earlier_grade_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = released_course(tmp_path)
    (course.root / "roster.csv").write_text(RED, encoding="utf-8")
    hand_in(course, "red", answered(course))
    run(course)
    before = (course.results / TOPIC / "ada.json").read_bytes()
    hand_in(course, "bob", answered(course, "On second thought."))
    hand_in(course, "eve", answered(course))
    done, ran = run(course)
    assert (ran, [report.student for report in done.reports], done.complete) == (["eve"], ["eve"], False)
    assert (course.results / TOPIC / "ada.json").read_bytes() == before
    assert [row[0] for row in scores(configured_db_url(course))] == ["ada", "bob", "eve"]
    print_outcome(done, course.results / TOPIC)
    said = capsys.readouterr().err
    assert "team 'red' is not graded: 'bob' and 'red' hold different notebooks" in said
    assert "1 team without a grade in this run; earlier grades stand" in said
    assert "the grader's fault" not in said
    assert run(course, "bob")[0].conflicts.keys() == {"red"}
