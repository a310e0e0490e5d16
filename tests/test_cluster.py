"""The queue on a Dask cluster of two worker processes: figures, events, stops, a killed worker."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import numpy as np
import psutil
import pytest

from core.tuning import queue as queues
from core.tuning.executor import OneWorker
from core.tuning.queue import RunQueue
from core.tuning.shipped import builtin
from core.tuning.training import default_plan
from core.tuning.types import Finished
from tests.test_fine_tune import few
from tests.test_queue import WORK, count, until

distributed = pytest.importorskip("distributed", reason="distributed, of requirements-dev.txt, is not there")
cluster = pytest.importorskip("core.tuning.cluster")
LONG = 280  # seconds on a busy machine


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    # A process that is spawned imports `__main__` first; a page tested before this leaves its script there.
    before, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as found:
        yield found.scheduler_address
    sys.modules["__main__"] = before


@pytest.fixture
def queue(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunQueue]:
    """The queue of the process, as the one setting makes it."""
    monkeypatch.setenv("GLASSBOX_DASK", scheduler)
    queues.queue.cache_clear()
    yield queues.queue()
    queues.queue().close()
    queues.queue.cache_clear()


def workers(scheduler: str) -> set[int]:
    with distributed.Client(scheduler, set_as_default=False) as client:
        return {found["pid"] for found in client.run(_about).values()}


def _about() -> dict[str, int]:
    import os

    return {"pid": os.getpid()}


def test_a_fine_tuning_gives_the_figures_of_the_own_worker(queue: RunQueue) -> None:
    digits = few(builtin("digits"), 8, 3)
    plan = replace(default_plan(digits), epochs=5)
    there = queues.start("ada", digits, plan)
    assert there.wait(LONG)
    own = RunQueue(OneWorker())
    try:
        here = own.submit("ada", "core.tuning.training:fine_tune", digits, plan, seconds=1)
        assert here.wait(LONG)
        assert (there.state, there.error, here.state) == ("finished", None, "finished")
        far, near = there.result, here.result
    finally:
        own.close()
    assert isinstance(far, Finished) and isinstance(near, Finished)
    assert far.evaluation.accuracy == near.evaluation.accuracy > 0.5
    np.testing.assert_allclose(far.evaluation.probabilities, near.evaluation.probabilities, atol=1e-5)
    assert [epoch.loss for epoch in far.history] == pytest.approx([epoch.loss for epoch in near.history])
    assert far.tuned.weights.keys() == near.tuned.weights.keys()
    for name, values in far.tuned.weights.items():
        np.testing.assert_allclose(values, near.tuned.weights[name], atol=1e-5)


def test_events_arrive_while_the_work_goes_on_and_two_go_side_by_side(
    queue: RunQueue, scheduler: str
) -> None:
    first = count(queue, "a", 400, 0.05)
    until(lambda: len(first.events) >= 2, LONG)
    assert not first.over
    assert first.progress is not None and first.progress.of == 400
    second = queue.submit("b", "tests.test_cluster:process", seconds=1)
    assert second.wait(LONG), "it waits for the first"
    assert not first.over
    assert second.result in workers(scheduler)
    third = count(queue, "c", 400, 0.05)
    until(lambda: len(third.events) >= 1, LONG)
    assert (first.place, third.place, count(queue, "d", 1).place) == (0, 0, 2)
    for run in (first, third):
        run.stop()
        assert run.wait(LONG)
        assert run.state == "stopped"
        assert run.result["total"] == sum(event for event in run.events if isinstance(event, int))


def test_a_killed_worker_is_told_and_the_queue_goes_on(queue: RunQueue) -> None:
    bad = queue.submit("a", WORK + "killed", seconds=1)
    good = count(queue, "b", 3)
    assert bad.wait(LONG) and good.wait(LONG)
    assert bad.state == "failed" and bad.error is not None
    assert bad.error.key == "tuning.error.crashed" and "go on" in str(bad.error)
    assert good.result == {"total": 3, "word": "b"}
    again = [count(queue, word, 4) for word in "xyz"]
    assert all(run.wait(LONG) and run.result["total"] == 6 for run in again)


def test_one_who_does_not_end_is_ended_and_a_visitor_who_leaves_ends_the_work(
    queue: RunQueue, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = queue.submit("gone", "tests.test_cluster:says_its_process_and_sleeps", seconds=1)
    until(lambda: len(gone.events) >= 1, LONG)
    process = gone.events[0]
    queue.release("gone")
    until(lambda: not psutil.pid_exists(process), LONG)
    stays = count(queue, "stays", 3)
    assert stays.wait(LONG)
    assert stays.result["total"] == 3


def test_a_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    lost = RunQueue(cluster.DaskWorkers("tcp://127.0.0.1:9"), ("127.0.0.1", 0))
    try:
        runs = [count(lost, "a", 1) for _ in range(2)]
        for run in runs:
            assert run.wait(LONG)
            assert run.error is not None and run.error.key == "tuning.error.away"
    finally:
        lost.close()


def test_the_setting_must_be_an_address() -> None:
    with pytest.raises(ValueError, match="tcp://host:8786"):
        cluster.facing("my-scheduler")
    assert cluster.facing("tcp://127.0.0.1:8786") == "127.0.0.1"


def process() -> Iterator[int]:
    """Work: in which process it is done."""
    import os

    yield os.getpid()


def says_its_process_and_sleeps() -> Iterator[int]:
    """Work that does not come to its next place to stop for a long time."""
    import os

    yield os.getpid()
    time.sleep(600)
    yield 0
