"""A page that has shown its answer lets those that have not go first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from ui import turns


def run_all(*work: Callable[[], None]) -> None:
    """Runs each in a thread of its own, to the end."""
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_who_is_alone_waits_only_until_the_answer_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "BREATH", 0.5)
    monkeypatch.setattr(turns, "ANSWERS_LONGEST", 30.0)
    with turns.answering():
        begun = time.monotonic()
        turns.answered()
        assert turns.BREATH <= time.monotonic() - begun < 10
        begun = time.monotonic()
        turns.answered(wait=False)
        assert time.monotonic() - begun < turns.BREATH


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

    run_all(*(partial(page, number) for number in range(5)))
    assert told == ["answer"] * 5 + ["rest"] * 5


def test_a_page_that_fails_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "ANSWERS_LONGEST", 30.0)

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
    monkeypatch.setattr(turns, "ANSWERS_LONGEST", 0.3)
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


def test_only_a_few_draw_at_once_and_all_get_their_turn() -> None:
    now, most, done = 0, 0, []
    door = threading.Lock()

    def page(number: int) -> None:
        nonlocal now, most
        with turns.drawing():
            with door:
                now += 1
                most = max(most, now)
            time.sleep(0.05)
            with turns.drawing():  # a part within it needs no turn of its own
                done.append(number)
            with door:
                now -= 1

    run_all(*(partial(page, number) for number in range(3 * turns.AT_ONCE)))
    assert most == turns.AT_ONCE and sorted(done) == list(range(3 * turns.AT_ONCE))
    assert not turns._drawing and not turns._unanswered


def test_what_takes_its_time_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", 0.2)
    over = threading.Event()

    def slow() -> None:
        with turns.drawing():
            over.wait(10)

    threads = [threading.Thread(target=slow) for _ in range(turns.AT_ONCE)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    begun = time.monotonic()
    with turns.drawing():
        assert 0.1 < time.monotonic() - begun < 2
    over.set()
    for thread in threads:
        thread.join()
