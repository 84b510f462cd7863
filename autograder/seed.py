"""The course's secret seeds and the numbers derived from them. Reports hold a seed's id, never its value.

The seed in use lies in ``.autograder/seed``, earlier ones in ``.autograder/seeds/ID``: a result can be
repeated from the seed that it was made with.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import UsageError
from autograder.files import writing

SEED_BYTES = 32
_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Seed:
    """A secret. Two seeds derived for different purposes tell nothing of each other."""

    secret: bytes

    def __repr__(self) -> str:
        return f"<seed {self.id}>"  # whatever is logged holds no secret

    @property
    def id(self) -> str:
        """Names the seed without telling it."""
        return hashlib.sha256(b"id" + self.secret).hexdigest()[:12]

    def derive(self, *purpose: str) -> int:
        """A 63-bit number for a purpose, such as ``("graded", topic, test)``."""
        digest = hmac.digest(self.secret, "\0".join(purpose).encode(), "sha256")
        return int.from_bytes(digest[:8], "big") >> 1

    @classmethod
    def of_course(cls, state: Path) -> Seed:
        """The seed in ``state/seed``; drawn and written at the first need, readable by its owner alone."""
        path = state / "seed"
        if not path.exists():
            with writing(path):
                state.mkdir(parents=True, exist_ok=True)
                _write_once(path, secrets.token_bytes(SEED_BYTES))
        return cls._read(path)

    @classmethod
    def renew(cls, state: Path) -> Seed:
        """Draw a fresh seed in place of the one in use, which is kept: a crash in between loses neither."""
        old, fresh = cls.of_course(state), cls(secrets.token_bytes(SEED_BYTES))
        folder = state / "seeds"
        with writing(folder):
            folder.mkdir(mode=0o700, exist_ok=True)
            _write_once(folder / old.id, old.secret)
            _write_once(folder / fresh.id, fresh.secret)
            waiting = state / f"seed.new.{os.getpid()}"
            _write_once(waiting, fresh.secret)
            waiting.replace(state / "seed")
        return fresh

    @classmethod
    def of_id(cls, state: Path, seed_id: str) -> Seed | None:
        """The seed that ``seed_id`` names, in use or kept; ``None`` where the course no longer holds it."""
        current = cls.of_course(state)
        if current.id == seed_id:
            return current
        path = state / "seeds" / seed_id
        if not _ID.fullmatch(seed_id) or not path.is_file():
            return None
        kept = cls._read(path)
        return kept if kept.id == seed_id else None

    @classmethod
    def earlier(cls, state: Path) -> list[str]:
        """Ids of the seeds that were used before and are kept, the oldest first."""
        current = cls.of_course(state).id
        kept = [path for path in (state / "seeds").glob("*") if _ID.fullmatch(path.name) and path.name != current]
        return [path.name for path in sorted(kept, key=lambda path: (path.stat().st_mtime_ns, path.name))]

    @classmethod
    def _read(cls, path: Path) -> Seed:
        try:
            text = path.read_text(encoding="ascii", errors="replace").strip()
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}; the course's seed must be there") from error
        try:
            secret = bytes.fromhex(text)
        except ValueError:
            secret = b""
        if len(secret) != SEED_BYTES:
            digits = 2 * SEED_BYTES
            raise UsageError(f"{path}: holds no seed of {digits} hexadecimal digits; remove it to draw a new one")
        return cls(secret)


def _write_once(path: Path, secret: bytes) -> None:
    """Write a secret for its owner alone; where the file is there already, by another run, it stays."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    try:
        fresh.write_text(secret.hex() + "\n", encoding="ascii")
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)  # the first of several runs at once wins
    finally:
        fresh.unlink()
