"""What the tests of pages with trainings share: pressing a button, and leaving no worker behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.tuning.queue import queue


@pytest.fixture(autouse=True, scope="module")
def no_worker_is_left() -> Iterator[None]:
    """Ends the process-wide queue's worker after a module that imports this."""
    yield
    if queue.cache_info().currsize:
        queue().close()
        queue.cache_clear()


def press(app: AppTest, key: str) -> None:
    """Presses a button by its key; nothing may go wrong."""
    next(button for button in app.button if button.key == key).click().run()
    assert not app.exception
