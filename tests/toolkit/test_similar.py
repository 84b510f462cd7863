from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.similar.page import Class, render
from autograder.similar.pairs import LEAST, LEAST_TOKENS, Document, alike
from autograder.similar.tokens import MOST_TOKENS, tokens_of
from autograder.similar.winnow import GROUP, SHORTEST, fingerprints_of, hashes_of, passages_of, places_of
from tests.toolkit.command_line import hand_in, runner
from tests.toolkit.similar_class import ROOT, disguised, released, right_answers, solution
from tests.toolkit.tiny import TOPIC, tiny_course

TOPICS = [path.stem for path in sorted((ROOT / "reference" / "variants").glob("*.py")) if path.stem != "__init__"]
LETTERS = st.lists(st.sampled_from("abcdefghij"), max_size=60)


def kinds(text: str) -> list[str]:
    return [token.kind for token in tokens_of(text)]


# --------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x):\n    return x + 1", 'def mean(values):\n\t"""Docs."""\n\treturn values+1  # why'),
        ("y = x.softmax(0)", "b = a . \\\n softmax( 0 )"),
        ("s = 'a' + f\"{b}\"", "t = '''c\nd''' + r'e'"),
        ("self.w = 1; z = self.w.sum()", "this.v = 1; z = this.v.sum()"),
        ("def helper(): pass\nx.helper()", "def mine(): pass\nx.mine()"),
    ],
)
def test_what_makes_no_difference(one: str, other: str) -> None:
    assert kinds(one) == kinds(other)


@pytest.mark.parametrize(
    ("one", "other"), [("x.sum(0)", "x.mean(0)"), ("x + 1", "x - 1"), ("x[0]", "x[1]"), ("if x: y", "while x: y")]
)
def test_what_does(one: str, other: str) -> None:
    assert kinds(one) != kinds(other)


@given(st.text(alphabet="ab.'\"\\#\n{}()=1e+ f", max_size=80))
def test_any_text_has_tokens_in_order_that_cover_all_but_blanks_and_texts(text: str) -> None:
    at = 0
    for token in tokens_of(text):
        assert at <= token.start < token.end
        assert text[token.start : token.end].strip()
        at = token.end
    assert at <= len(text)


@pytest.mark.parametrize("piece", ["'", '"""', "'''\\", "a=", ".a", "0e", "\\", "#", "f'", "self.", ".a:", "def "])
def test_no_text_takes_long(piece: str) -> None:
    begun = time.process_time()
    assert len(tokens_of(piece * (1 << 17))) <= MOST_TOKENS
    assert time.process_time() - begun < 3


# -------------------------------------------------------------------------------------------- winnowing


@given(LETTERS, LETTERS, st.lists(st.sampled_from("abcdefghij"), min_size=SHORTEST, max_size=40), LETTERS, LETTERS)
def test_a_shared_passage_that_is_long_enough_is_always_found(
    before: list[str], after: list[str], shared: list[str], first: list[str], last: list[str]
) -> None:
    left, right = hashes_of(before + shared + after), hashes_of(first + shared + last)
    assert fingerprints_of(left) & fingerprints_of(right)
    found = passages_of(left, right, places_of(right), lambda _: False)
    assert sum(passage.length for passage in found) >= SHORTEST
    one, other = before + shared + after, first + shared + last
    for passage in found:
        assert one[passage.left :][: passage.length] == other[passage.right :][: passage.length]


def test_hashes_are_the_same_in_every_process() -> None:
    assert hashes_of(["n"] * GROUP) == [9317502486044124972]
    assert hashes_of(["n"] * (GROUP - 1)) == []


# -------------------------------------------------------------------------------------------- a class


def test_a_renamed_and_reordered_copy_is_found() -> None:
    mine = solution("attention")
    found = alike([Document("ada", mine), Document("bob", disguised(mine))], released("attention"))
    assert found.found == 1
    assert min(found.pairs[0].left.share, found.pairs[0].right.share) > 0.95


def test_a_copy_within_a_larger_notebook_is_found() -> None:
    mine, topic = solution("attention"), "attention"
    other = [*right_answers("dqn_loss")[0], *disguised(mine[:4])]
    found = alike([Document("ada", mine[:4]), Document("bob", other)], released(topic), 0.3)
    assert found.found == 1
    assert found.pairs[0].right.share < found.pairs[0].left.share


@pytest.mark.parametrize("topic", TOPICS)
def test_independent_right_answers_stay_far_below_the_threshold(topic: str) -> None:
    documents = [Document(f"{number}", cells) for number, cells in enumerate(right_answers(topic))]
    found = alike(documents, released(topic), least=0.01)
    assert all(pair.share < 0.8 * LEAST for pair in found.pairs)


@pytest.mark.parametrize("topic", TOPICS)
def test_what_everybody_was_given_makes_nobody_alike(topic: str) -> None:
    given_out = released(topic)
    assert len(Document("", given_out).tokens) > LEAST_TOKENS
    assert alike([Document("ada", given_out), Document("bob", given_out)], given_out, least=0.01).found == 0
    assert alike([Document("ada", given_out), Document("bob", given_out)], [], least=0.01).found == 1


def test_short_answers_and_what_many_have_make_nobody_alike() -> None:
    short = ["def f(x):\n    return x + 1\n"]
    assert alike([Document("ada", short), Document("bob", short)], []).found == 0
    everybody = solution("attention")
    assert alike([Document(f"{number}", everybody) for number in range(10)], []).found == 45
    assert alike([Document(f"{number}", everybody) for number in range(11)], []).found == 0


def test_a_class_of_500_takes_seconds() -> None:
    """Fifty copies, and else functions that a tenth of the class shares at most: the index has most to do then."""
    chance = random.Random(0)  # noqa: S311 - a fixed class, no secret
    pool = [[cell.replace("1", f"{number}") for cell in solution("attention")] for number in range(2, 16)]
    documents = [
        Document(f"student{number}", [chance.choice(pool)[at] for at in range(len(pool[0]))]) for number in range(450)
    ]
    copied = solution("backprop")
    documents += [Document(f"copy{number}", copied) for number in range(50)]
    begun = time.process_time()
    found = alike(documents, released("attention"))
    assert time.process_time() - begun < 40
    assert found.found >= 50 * 49 / 2
    assert found.common == 50


def test_a_notebook_that_repeats_one_line_a_thousand_times_takes_no_longer() -> None:
    documents = [Document(name, [f"{name} = {name}.sum(0) + 1\n" * 5000]) for name in ("ada", "bob")]
    begun = time.process_time()
    assert alike(documents, []).found == 1
    assert time.process_time() - begun < 5


# --------------------------------------------------------------------------------------------- the page


def test_the_page_loads_nothing_and_shows_hostile_text_as_text() -> None:
    evil = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J\u202e"
    cells = [*solution("attention"), f"x = 1  # {evil}"]
    documents = [Document(f"a{evil}", cells), Document(f"b{evil}", [*disguised(cells[:-1]), f"print('{evil}')"])]
    page = render(alike(documents, released("attention")), Class(evil, 2, 0.5, [evil], [evil]))
    assert page.count("<script") == page.count("<img") == 0
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "default-src 'none'" in page
    assert "hint and no proof" in page


def test_passages_are_numbered_alike_on_both_sides_and_point_at_each_other() -> None:
    mine = solution("attention")
    page = render(alike([Document("ada", mine), Document("bob", disguised(mine))], []), Class("A", 2, 0.5))
    count = page.count('id="left-1-')
    assert count == page.count('id="right-1-') == page.count('href="#right-1-') > 3
    assert "my_scores" in page
    assert "my own idea" not in "".join(part.partition("</mark>")[0] for part in page.split("<mark")[1:])


# --------------------------------------------------------------------------------------------- command


def test_the_command_reads_without_running_and_names_the_pairs(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    mark = tmp_path / "ran"
    code = "\n".join(f"def f{n}(x):\n    return (x * {n} + x.sum({n})) / (x.mean() - {n})" for n in range(6))
    hand_in(course.root, "ada", f"open({str(mark)!r}, 'w')", code)
    hand_in(course.root, "bob", "while True: pass", code.replace("x", "y"))
    hand_in(course.root, "cyd", "def halve(x):\n    return x / 2")
    hand_in(course.root, "dan").write_bytes(b"[" * 100_000)
    run = runner(course.root)
    run("release", TOPIC)
    path = tmp_path / "page.html"
    done = run("similar", TOPIC, "--least", "60", "--output", str(path))
    assert f"1 pair of 3 notebooks in {path}" in done.stdout
    assert "not compared, for they cannot be read: dan" in done.stderr
    assert not mark.exists()
    page = path.read_text(encoding="utf-8")
    assert "Pair 1: ada and bob" in page
    assert "pairs from 60 % on" in page


def test_a_team_is_not_like_itself_and_what_was_released_is_needed(tmp_path: Path) -> None:
    course = tiny_course(tmp_path)
    code = "\n".join(f"def f{n}(x):\n    return (x * {n} + x.sum({n})) / (x.mean() - {n})" for n in range(6))
    for student in ("ada", "bob"):
        hand_in(course.root, student, code)
    (course.root / "roster.csv").write_text("student,team\nada,red\nbob,red\n", encoding="utf-8")
    run = runner(course.root)
    (course.root / "release" / TOPIC / f"{TOPIC}.ipynb").unlink(missing_ok=True)
    assert "run: autograder release" in run("similar", TOPIC, code=2).stderr
    run("release", TOPIC)
    assert "0 pairs of 1 notebook" in run("similar", TOPIC).stdout
    assert "No two notebooks" in (course.root / "reports" / f"{TOPIC}-similar.html").read_text(encoding="utf-8")
    hand_in(course.root, "bob", "def halve(x):\n    return x / 2")
    done = run("similar", TOPIC)
    assert "not compared, for a team holds different notebooks: red" in done.stderr
    assert "0 pairs of 0 notebooks" in done.stdout
