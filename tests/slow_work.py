"""Pieces of work for the queue's tests: what a worker process may be asked to do, good and bad."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from core.errors import GlassboxError
from core.tuning.types import Progress, Stop


def count(to: int, seconds: float = 0.0, word: str = "") -> Iterator[Any]:
    """Counts, and gives the sum when it is done or stopped."""
    total = 0
    try:
        for number in range(to):
            yield Progress("tuning.stage.training", number, to)
            time.sleep(seconds)
            total += number
            yield number
    except Stop:
        pass
    yield {"total": total, "word": word}


def stubborn(seconds: float) -> Iterator[int]:
    """Does not know how to stop."""
    for number in range(1000):
        yield number
        time.sleep(seconds)


def killed() -> Iterator[str]:
    """Is killed in the middle, as the system does when memory runs out."""
    yield "begun"
    os.kill(os.getpid(), signal.SIGKILL)


def grows(megabytes: int) -> Iterator[int]:
    """Takes more and more memory."""
    held = []
    for number in range(megabytes // 10):
        held.append(bytearray(b"\x01") * (10 * 2**20))
        yield number
        time.sleep(0.02)


def wrong() -> Iterator[str]:
    """Has a fault of ours."""
    yield "begun"
    raise ZeroDivisionError


def refuses() -> Iterator[str]:
    """Finds something that the visitor can mend."""
    yield "begun"
    raise GlassboxError("tuning.error.unreadable", name="line 7")


def modules() -> Iterator[list[str]]:
    """What the worker has imported."""
    yield sorted(name for name in sys.modules if "." not in name)


def main_module() -> Iterator[str]:
    """What the worker's main script is."""
    yield str(getattr(sys.modules["__main__"], "__file__", ""))


def echo(value: Any) -> Iterator[Any]:
    """Gives back what it was given."""
    yield value
