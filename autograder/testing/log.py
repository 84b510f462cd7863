"""The calls of the current test with their answers, as many as memory should hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autograder.sandbox.wire import REQUEST_BOUNDS, decode

KEPT_BYTES = 64 << 20
_EXCHANGE_COST = 128  # bytes of the objects around two texts of bytes, about

Exchange = tuple[bytes, bytes]  # a request and its reply


class Log:
    """Requests and replies in order; none at all once they weigh more than ``KEPT_BYTES``, until it is cleared.

    Answers choose their size: what is kept of them for an explanation must not grow with their number. They are
    kept as they came, since hardly any is ever read.
    """

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.full = False
        self.begun = 0  # how often it was cleared
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.exchanges)

    def __iter__(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Requests and replies as values."""
        return ((decode(asked, REQUEST_BOUNDS), decode(answer, REQUEST_BOUNDS)) for asked, answer in self.exchanges)

    def append(self, exchange: Exchange) -> None:
        """Keep ``exchange``, or nothing any more where it does not fit."""
        if self.full:
            return
        self._bytes += len(exchange[0]) + len(exchange[1]) + _EXCHANGE_COST
        if self._bytes > KEPT_BYTES:
            self.exchanges.clear()
            self.full = True
            return
        self.exchanges.append(exchange)

    def clear(self) -> None:
        """Begin again."""
        self.exchanges.clear()
        self.full, self._bytes = False, 0
        self.begun += 1
