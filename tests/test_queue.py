"""The queue: turns, stops, crashes, memory, and whose run is whose."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, expect

from core.errors import GlassboxError
from core.tuning import queue as queues
from core.tuning.executor import OneWorker
from core.tuning.queue import Run, RunQueue
from core.tuning.types import Epoch, Progress
from tests import browser

WORK = "tests.slow_work:"


@pytest.fixture
def worker() -> OneWorker:
    return OneWorker(memory=400 * 2**20, idle=60)


@pytest.fixture
def queue(worker: OneWorker) -> Iterator[RunQueue]:
    found = RunQueue(worker)
    yield found
    found.close()


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def count(queue: RunQueue, owner: str, to: int, pause: float = 0.0, seconds: float = 1.0) -> Run:
    return queue.submit(owner, WORK + "count", to, pause, seconds=seconds, word=owner)


def test_a_run_gives_its_events_and_its_result(queue: RunQueue) -> None:
    run = count(queue, "ada", 4)
    assert run.wait(30)
    assert (run.state, run.error, run.place) == ("finished", None, 0)
    assert list(run.events) == [0, 1, 2, 3, {"total": 6, "word": "ada"}]
    assert run.result == {"total": 6, "word": "ada"}
    assert run.progress == Progress("tuning.stage.training", 3, 4)


def test_ten_runs_of_two_visitors_finish_in_order_and_do_not_mix(queue: RunQueue) -> None:
    finished: list[str] = []
    runs = [count(queue, f"visitor {number % 2}", number) for number in range(10)]
    assert [run.place for run in runs] == list(range(10))
    for run in runs:
        assert run.wait(30)
        finished.append(run.id)
        assert all(later.state in ("waiting", "running", "finished") for later in runs)
    ends = [queue._ends[run.id] for run in runs]
    assert ends == sorted(ends)
    for number, run in enumerate(runs):
        assert run.result == {"total": sum(range(number)), "word": f"visitor {number % 2}"}
        assert run in queue.runs(f"visitor {number % 2}")
        assert run not in queue.runs(f"visitor {1 - number % 2}")


def test_short_runs_go_before_long_ones(queue: RunQueue) -> None:
    first = count(queue, "a", 3, 0.2)
    long = count(queue, "b", 1, seconds=300)
    short = count(queue, "c", 1, seconds=2)
    assert (first.place, short.place, long.place) == (0, 1, 2)
    assert long.ahead > short.ahead > first.ahead == 0
    assert long.wait(30)
    assert queue._ends[short.id] < queue._ends[long.id]


def test_no_run_waits_for_ever(queue: RunQueue) -> None:
    count(queue, "a", 3, 0.2)
    long = count(queue, "b", 1, seconds=60)
    long._submitted -= 100  # it has waited longer than it will take
    queue._turns[long.id] = long._submitted + long.seconds, 0
    short = count(queue, "c", 1, seconds=2)
    assert (long.place, short.place) == (1, 2)


def test_a_stopped_run_keeps_what_it_has(queue: RunQueue) -> None:
    run = count(queue, "a", 1000, 0.05)
    until(lambda: len(run.events) >= 3)
    run.stop()
    assert run.wait(10)
    assert run.state == "stopped"
    numbers = [event for event in run.events if isinstance(event, int)]
    assert 3 <= len(numbers) < 1000
    assert run.result == {"total": sum(numbers), "word": "a"}


def test_a_run_that_waits_is_just_taken_out(queue: RunQueue) -> None:
    first, second, third = (count(queue, "a", 3, 0.1) for _ in range(3))
    second.stop()
    assert (second.state, second.result, third.place) == ("stopped", None, 1)
    assert third.wait(30)
    assert first.state == third.state == "finished"
    assert not second.events


def test_a_run_may_be_stopped_before_it_has_reached_the_worker(queue: RunQueue) -> None:
    run = count(queue, "a", 1000, 0.05)
    run.stop()
    assert run.wait(20)
    assert run.state == "stopped"
    assert run.result["total"] < 10


def test_work_that_does_not_know_how_to_stop_just_ends(queue: RunQueue) -> None:
    run = queue.submit("a", WORK + "stubborn", 0.05, seconds=1)
    until(lambda: len(run.events) >= 2)
    run.stop()
    assert run.wait(10)
    assert run.state == "stopped"
    assert run.error is None


def test_a_killed_worker_is_told_and_the_queue_goes_on(queue: RunQueue) -> None:
    bad = queue.submit("a", WORK + "killed", seconds=1)
    good = count(queue, "b", 3)
    assert bad.wait(30)
    assert bad.state == "failed"
    assert bad.error is not None and bad.error.key == "tuning.error.crashed"
    assert "go on" in str(bad.error)
    assert bad.result is None
    assert good.wait(30)
    assert good.result["total"] == 3


def test_a_worker_that_grows_too_large_is_ended_with_a_sentence(queue: RunQueue) -> None:
    bad = queue.submit("a", WORK + "grows", 2000, seconds=1)
    good = count(queue, "b", 3)
    assert bad.wait(60)
    assert bad.error is not None and bad.error.key == "tuning.error.memory"
    assert "MB" in str(bad.error)
    assert len(bad.events) < 150
    assert good.wait(30)
    assert good.state == "finished"


def test_errors_are_told_each_in_its_way(queue: RunQueue) -> None:
    wrong = queue.submit("a", WORK + "wrong", seconds=1)
    refused = queue.submit("a", WORK + "refuses", seconds=1)
    assert refused.wait(30)
    assert wrong.error is not None and wrong.error.key == "tuning.error.crashed"
    assert refused.error is not None
    assert (refused.error.key, refused.error.values) == ("tuning.error.unreadable", {"name": "line 7"})
    assert "ZeroDivision" not in str(wrong.error)


def test_a_run_ends_with_its_visitor(queue: RunQueue, worker: OneWorker) -> None:
    gone = [count(queue, "gone", 1000, 0.05) for _ in range(3)]
    stays = count(queue, "stays", 3)
    until(lambda: len(gone[0].events) >= 1)
    pid = worker.pid
    queue.release("gone")
    assert queue.runs("gone") == []
    assert all(run.over and not run.events for run in gone)
    assert stays.wait(30)
    assert stays.result == {"total": 3, "word": "stays"}
    assert worker.pid != pid


def test_the_worker_is_warm_and_ends_when_idle() -> None:
    worker = OneWorker(idle=0.5)
    queue = RunQueue(worker)
    try:
        for _ in range(2):
            run = count(queue, "a", 1)
            assert run.wait(30)
        pid = worker.pid
        assert pid is not None and psutil.pid_exists(pid)
        until(lambda: not psutil.pid_exists(pid))
        assert worker.pid is None
        again = count(queue, "a", 2)
        assert again.wait(30)
        assert again.result["total"] == 1
    finally:
        queue.close()


def test_a_worker_that_holds_much_after_a_run_is_not_kept() -> None:
    worker = OneWorker(tired=1)
    queue = RunQueue(worker)
    try:
        assert count(queue, "a", 1).wait(30)
        until(lambda: worker.pid is None)
    finally:
        queue.close()


def test_the_worker_knows_nothing_of_the_page(queue: RunQueue) -> None:
    run = queue.submit("a", WORK + "modules", seconds=1)
    script = queue.submit("a", WORK + "main_module", seconds=1)
    assert run.wait(30) and script.wait(30)
    assert not {"streamlit", "plotly", "tensorflow", "keras"} & set(run.result)
    assert script.result.endswith(os.path.join("core", "tuning", "worker.py"))


def test_arrays_come_back_as_they_were(queue: RunQueue) -> None:
    array = np.random.default_rng(0).standard_normal((200, 300)).astype(np.float32)
    run = queue.submit("a", WORK + "echo", {"kernel": array, "词": "emoji 🎈"}, seconds=1)
    assert run.wait(30)
    assert np.array_equal(run.result["kernel"], array)
    assert run.result["词"] == "emoji 🎈"


def test_too_many_runs_are_refused_and_old_ones_forgotten(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "MOST_OF_ONE", 3)
    runs = [count(queue, "a", 2, 0.1) for _ in range(3)]
    with pytest.raises(GlassboxError) as refused:
        count(queue, "a", 2)
    assert refused.value.key == "tuning.error.busy"
    other = count(queue, "b", 1)
    assert other.wait(30) and runs[-1].wait(30)
    monkeypatch.setattr(queues, "KEPT_SECONDS", 0.0)
    time.sleep(0.01)
    assert queue.runs("a") == []
    assert runs[0].result == {"total": 1, "word": "a"}, "whoever holds a run keeps its result"


def test_a_run_that_takes_too_long_is_stopped_and_then_ended(
    queue: RunQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert count(queue, "a", 1, 0.0).wait(60)  # the worker is awake
    monkeypatch.setattr(queues, "LONGEST", 1.5)
    monkeypatch.setattr(queues, "GRACE", 1.0)
    polite = count(queue, "a", 1000, 0.02)
    assert polite.wait(30)
    assert polite.state == "stopped" and polite.result["total"] > 0
    rude = queue.submit("a", WORK + "stubborn", 30.0, seconds=1)
    assert rude.wait(30)
    assert rude.error is not None and rude.error.key == "tuning.error.time"


def test_only_the_first_and_the_last_epoch_keep_their_maps() -> None:
    from collections import deque
    from typing import Any

    events: deque[Any] = deque()
    maps = np.zeros((2, 2, 1), np.float32)
    for number in range(4):
        queues._keep(events, Epoch(number, 0, 0, 0, 0, 0, maps=maps))
    assert [epoch.epoch for epoch in events if epoch.maps is not None] == [0, 3]


def test_another_executor_may_take_the_place() -> None:
    """As a cluster's would: it calls the function somewhere, and the events come over the network."""
    queue = RunQueue(ThreadPoolExecutor(2), ("localhost", 0), at_once=lambda: 2)
    try:
        runs = [count(queue, f"visitor {number}", number, 0.01) for number in range(5)]
        stopped = count(queue, "s", 1000, 0.01)
        until(lambda: len(stopped.events) > 3)
        stopped.stop()
        for number, run in enumerate(runs):
            assert run.wait(30)
            assert run.result == {"total": sum(range(number)), "word": f"visitor {number}"}
        assert stopped.wait(10)
        assert stopped.state == "stopped" and stopped.result["word"] == "s"
    finally:
        queue.close()


def test_a_stranger_cannot_speak_to_the_queue(queue: RunQueue) -> None:
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client

    with pytest.raises((AuthenticationError, EOFError, ConnectionError)):
        Client(queue._listener.address, authkey=b"guessed")
    run = count(queue, "a", 2)
    assert run.wait(30)
    assert run.state == "finished"


@pytest.mark.browser
def test_under_streamlit_the_worker_does_not_run_the_page_again(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs.txt"
    monkeypatch.setenv("GLASSBOX_TEST_RUNS", str(runs))
    with browser.serve(browser.ROOT / "tests/apps/queue_app.py") as server:
        page = chromium.new_page()
        page.goto(server.address)
        expect(page.get_by_text("result: finished worker.py")).to_be_visible(timeout=60_000)
        page.close()
        assert {line.split()[0] for line in runs.read_text().splitlines()} == {str(server.process)}
