"""A Ctrl-C that is heard wherever it falls."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def heeded() -> Iterator[Callable[[], None]]:
    """Inside, a Ctrl-C raises ``KeyboardInterrupt`` as ever; what this gives raises it again where it was swallowed.

    Python prints and forgets an exception that falls into a destructor or a weak reference's callback, and every
    import and every row of a database runs some. Call it between steps of long work. Does nothing outside the main
    thread or where somebody else handles the signal.
    """
    heard = threading.Event()

    def hear(number: int, frame: FrameType | None) -> None:
        heard.set()
        signal.default_int_handler(number, frame)

    def check() -> None:
        if heard.is_set():
            raise KeyboardInterrupt

    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, hear)
    try:
        yield check
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
