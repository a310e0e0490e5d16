"""One processor for the small matrix products of the text models.

Spread over two threads they gain nothing, and on a busy machine each product waits for a thread that does
not get its turn: 100,000 characters through the RNN then took 13 s instead of 0.2.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@functools.cache
def _blas() -> Any:
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it (or a function that it decorates) numpy's products run on the thread that asked for them."""
    with _blas().limit(limits=1):
        yield
