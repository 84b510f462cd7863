"""The course's secret seed and the numbers derived from it. Reports hold its id, never its value."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import UsageError

SEED_BYTES = 32


@dataclass(frozen=True)
class Seed:
    """A secret. Two seeds derived for different purposes tell nothing of each other."""

    secret: bytes

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
            state.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"seed.{os.getpid()}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(SEED_BYTES) + "\n", encoding="ascii")
            try:
                os.link(fresh, path)  # the first of several runs at once wins
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        text = path.read_text(encoding="ascii", errors="replace").strip()
        try:
            secret = bytes.fromhex(text)
        except ValueError:
            secret = b""
        if len(secret) != SEED_BYTES:
            digits = 2 * SEED_BYTES
            raise UsageError(f"{path}: holds no seed of {digits} hexadecimal digits; remove it to draw a new one")
        return cls(secret)
