"""The hostile corpus on the other kinds of host: nothing earns more there, nothing breaks the grader."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.toolkit.hosts import TIERS, command
from tests.toolkit.test_hostile import TRICKS, either

OTHERS = [tier for tier in TIERS if tier != "root"]


@pytest.mark.parametrize("tier", OTHERS)
def test_no_trick_earns_more_on_another_host(tier: str) -> None:
    first, step = OTHERS.index(tier), len(OTHERS)  # each trick on one other host: all on all takes minutes
    done = subprocess.run(
        command(tier, "corpus_as_user.py", f"{first}/{step}"), capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr
    *tricks, right, wrong = map(json.loads, done.stdout.splitlines())
    assert (right[1:3], wrong[1:3]) == ([5.0, "passed"], [0.0, "failed"])
    most = {trick.name: max(either(trick.expect["score"])) for trick in TRICKS}
    # A cell that this host refuses ends before it defines its trick: the right answer of the cell before it stands.
    better = {name: score for name, score, _, _, *cells in tricks if score > most[name] and "error" not in cells}
    assert better == {}
    assert [(name, message) for name, _, verdict, message, *_ in tricks if verdict == "grader_error"] == []
    assert [name for name, *_ in tricks] == [trick.name for trick in TRICKS[first::step]]
