"""Answers first: who brings a photo sees its name before anybody sees the rest of a page.

A page is drawn by a thread of its own, and all threads share one interpreter. Where ten visitors bring a photo at
the same moment, ten pages with their maps and charts would be drawn side by side, each at a tenth of the speed, and
the last name would stand there as late as the last chart. So a page that has shown its answer lets those that have
not go first, for a moment. Who is alone never waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MOST = 1.5  # seconds that a page waits for others, all in all; also how long one is waited for

_changed = threading.Condition()
_begun: dict[int, float] = {}  # thread -> when it began; of pages that have not shown their answer


@contextmanager
def answering() -> Iterator[None]:
    """Around the whole of a page that answers."""
    _begin()
    try:
        yield
    finally:
        _end()


def answered(wait: bool = True) -> None:
    """The answer is on its way: those that have none yet go first; without `wait`, this page goes on beside them."""
    _end()
    if not wait:
        return
    until = time.monotonic() + MOST
    with _changed:
        while (left := until - time.monotonic()) > 0 and any(
            time.monotonic() - begun < MOST for begun in _begun.values()
        ):
            _changed.wait(min(left, 0.1))


def _begin() -> None:
    with _changed:
        _begun[threading.get_ident()] = time.monotonic()


def _end() -> None:
    with _changed:
        if _begun.pop(threading.get_ident(), None) is not None:
            _changed.notify_all()
