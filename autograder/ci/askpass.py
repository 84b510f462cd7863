"""``python -m autograder.ci.askpass PROGRAM SERVER USER``: writes the program that git asks for a password.

It tells git the user, and as password what the variable ``GIT_PASSWORD`` holds then, for one server alone: an address
on another one, which a roster may hold by mistake or by a student's wish, gets nothing.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = """\
#!/bin/sh
case "$1" in
  {username}*) printf '%s\\n' {user} ;;
  {password}*) printenv GIT_PASSWORD ;;
  *) exit 1 ;;
esac
"""


def program(server: str, user: str) -> str:
    """The program for ``server``, such as ``https://github.com``."""
    scheme, _, host = server.rstrip("/").partition("://")
    return PROGRAM.format(
        username=shlex.quote(f"Username for '{scheme}://{host}':"),
        password=shlex.quote(f"Password for '{scheme}://{user}@{host}':"),
        user=shlex.quote(user),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write it where the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m autograder.ci.askpass", description="Write git's GIT_ASKPASS.")
    parser.add_argument("program", type=Path)
    parser.add_argument("server", help="such as https://github.com")
    parser.add_argument("user", help="the name that goes with the password")
    told = parser.parse_args(arguments)
    told.program.write_text(program(told.server, told.user), encoding="utf-8")
    told.program.chmod(0o700)
    return 0


if __name__ == "__main__":
    sys.exit(main())
