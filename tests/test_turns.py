"""A page that has shown its answer lets those that have not go first."""

from __future__ import annotations

import threading
import time

import pytest

from ui import turns


def test_who_is_alone_does_not_wait() -> None:
    with turns.answering():
        begun = time.monotonic()
        turns.answered()
        assert time.monotonic() - begun < 0.05


def test_all_answers_come_before_anything_else() -> None:
    told: list[str] = []
    together = threading.Barrier(5)

    def page(number: int) -> None:
        with turns.answering():
            together.wait()
            time.sleep(0.05 * number)
            told.append("answer")
            turns.answered()
            told.append("rest")

    threads = [threading.Thread(target=page, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == ["answer"] * 5 + ["rest"] * 5


def test_a_page_that_fails_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST", 30.0)

    def fails() -> None:
        with pytest.raises(ValueError), turns.answering():
            time.sleep(0.1)
            raise ValueError

    thread = threading.Thread(target=fails)
    with turns.answering():
        thread.start()
        time.sleep(0.05)
        begun = time.monotonic()
        turns.answered()
        assert time.monotonic() - begun < 5
    thread.join()


def test_nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST", 0.3)
    over = threading.Event()

    def never_answers() -> None:
        with turns.answering():
            over.wait(10)

    thread = threading.Thread(target=never_answers)
    thread.start()
    with turns.answering():
        time.sleep(0.05)
        begun = time.monotonic()
        turns.answered()
        assert 0.1 < time.monotonic() - begun < 2
    over.set()
    thread.join()
