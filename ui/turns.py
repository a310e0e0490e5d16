"""Who draws when: a few pages at a time, and answers first.

A page is drawn by a thread of its own, and all threads share one interpreter. Twenty that draw side by side each
take twenty times as long and hold twenty times the memory, and the last name stands on its page as late as the last
chart. So only `AT_ONCE` draw at the same moment, and a page that has shown its answer lets those that have not go
first. Nobody waits for long: what takes its time, as a first look inside a network does, must not hold up the rest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AT_ONCE = 4
LONGEST = 1.0  # seconds that a page waits for its turn
ANSWERS_LONGEST = (
    1.5  # seconds that the rest of a page waits for others' answers; also how long one is waited for
)
BREATH = 0.08  # seconds for a browser to draw an answer, before the half megabyte that follows comes in

_changed = threading.Condition()
_drawing: dict[int, int] = {}  # thread -> how often it has begun, for a part within a page
_unanswered: dict[int, float] = {}  # thread -> when it began


@contextmanager
def drawing() -> Iterator[None]:
    """Around a page, or a part of one that is drawn alone."""
    own = threading.get_ident()
    with _changed:
        if own not in _drawing:
            _wait(lambda: len(_drawing) < AT_ONCE, LONGEST)
        _drawing[own] = _drawing.get(own, 0) + 1
    try:
        yield
    finally:
        with _changed:
            _drawing[own] = _drawing.get(own, 1) - 1
            if _drawing[own] <= 0:
                del _drawing[own]
            _changed.notify_all()


@contextmanager
def answering() -> Iterator[None]:
    """Around the whole of a page that answers."""
    own = threading.get_ident()
    with _changed:
        _unanswered[own] = time.monotonic()
    try:
        yield
    finally:
        _answered(own)


def answered(wait: bool = True) -> None:
    """The answer is on its way: the browser draws it, and those that have none yet go first.

    Args:
        wait: if not, this page goes on at once, and beside them.
    """
    own = threading.get_ident()
    _answered(own)
    if not wait:
        return
    with _changed:
        times = _drawing.pop(own, 0)
        _changed.notify_all()
    time.sleep(BREATH)
    with _changed:
        _wait(lambda: not _waited_for() and len(_drawing) < AT_ONCE, ANSWERS_LONGEST)
        if times:
            _drawing[own] = times


def _answered(own: int) -> None:
    with _changed:
        if _unanswered.pop(own, None) is not None:
            _changed.notify_all()


def _waited_for() -> bool:
    """Whether a page that began not long ago has not shown its answer."""
    return any(time.monotonic() - begun < ANSWERS_LONGEST for begun in _unanswered.values())


def _wait(until: Callable[[], bool], longest: float) -> None:
    """Waits, with `_changed` held, until something is so, but not longer than that."""
    end = time.monotonic() + longest
    while not until() and (left := end - time.monotonic()) > 0:
        _changed.wait(min(left, 0.1))
