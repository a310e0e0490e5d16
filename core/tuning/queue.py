"""The one queue of the process for long work: its runs, their places, their events.

Any generator function of a module can be put in, with plain data as arguments: a fine-tuning, an export, a
lesson. It runs in a worker process (`core.tuning.executor`); what it yields comes back as plain data.

Environment:
    GLASSBOX_DASK: the address of a Dask scheduler, "tcp://host:8786", on whose workers the runs are then done,
        one a worker at a time (docs/deploy.md). Its workers must have this code, and reach this machine.
    GLASSBOX_EXECUTOR: "package.module:function" that makes another `concurrent.futures.Executor`, for
        example another cluster's.
    GLASSBOX_QUEUE_HOST: the host name at which workers elsewhere reach the queue; where `GLASSBOX_DASK` is
        set, the address of this machine that faces the scheduler if it is not given.
"""

from __future__ import annotations

import functools
import itertools
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from typing import Any, Literal, TypeAlias

from core import memory
from core.errors import GlassboxError
from core.tuning import worker
from core.tuning.executor import MEMORY, OneWorker, WorkerAway, WorkerTooLarge
from core.tuning.types import Dataset, Epoch, Finished, Plan, Progress

State: TypeAlias = Literal["waiting", "running", "finished", "stopped", "failed"]

MOST_RUNS = 60  # that wait or run
MOST_OF_ONE = 20  # of one visitor
MOST_EVENTS = 500  # kept of a run
KEPT_SECONDS = 1800.0  # after which a run that is over is forgotten
LONGEST = 1800.0  # seconds after which a run is stopped
GRACE = 60.0  # seconds that a run has to end once it was stopped for its length
LOST = 5.0  # seconds after which a run whose worker has left is over, if its executor does not say so before


class Run:
    """A visitor's piece of work in the queue. May be asked by any thread at any time; never blocks."""

    def __init__(
        self, queue: RunQueue, owner: str, call: tuple[str, tuple[Any, ...], dict[str, Any]]
    ) -> None:
        self.id = secrets.token_hex(8)
        self.owner = owner
        self.seconds = 0.0  # as estimated
        self._queue = queue
        self._call: tuple[str, tuple[Any, ...], dict[str, Any]] | None = call
        self._state: State = "waiting"
        self._stopping = False
        self._progress: Progress | None = None
        self._events: deque[Any] = deque(maxlen=MOST_EVENTS)
        self._error: GlassboxError | None = None
        self._connection: Connection | None = None
        self._future: Future[None] | None = None
        self._submitted = time.monotonic()
        self._begun = 0.0
        self._over = threading.Event()
        self._received = threading.Event()  # nothing more will come through the connection

    @property
    def state(self) -> State:
        """Where the run is; "stopped" is a run that ended early at its visitor's wish, with its result."""
        return self._state

    @property
    def over(self) -> bool:
        """Whether the run is finished, stopped or failed."""
        return self._over.is_set()

    @property
    def place(self) -> int:
        """How many runs go before this one; 0 when it runs or is over."""
        return self._queue._place(self)

    @property
    def ahead(self) -> float:
        """About how many seconds until the run begins."""
        return self._queue._ahead(self)

    @property
    def progress(self) -> Progress | None:
        """The last `Progress` that came."""
        return self._progress

    @property
    def events(self) -> Sequence[Any]:
        """What the work has yielded so far, `Progress` apart; of very many only the last."""
        with self._queue._lock:
            return tuple(self._events)

    @property
    def epochs(self) -> Sequence[Epoch]:
        """The `Epoch` events; only the first and the last carry maps."""
        return tuple(event for event in self.events if isinstance(event, Epoch))

    @property
    def result(self) -> Any:
        """The last event of a run that is over (`Finished` of `fine_tune`), else None."""
        with self._queue._lock:
            done = self._state in ("finished", "stopped") and self._events
            return self._events[-1] if done else None

    @property
    def error(self) -> GlassboxError | None:
        """Why the run failed, for the visitor."""
        return self._error

    def stop(self) -> None:
        """Ask the run to end with what it has; one that still waits is just taken out."""
        self._queue._stop(self)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the run is over; for scripts and tests, a page polls. Whether it is over."""
        return self._over.wait(seconds)


class RunQueue:
    """Runs pieces of work one after the other in a worker process.

    Short runs go before long ones, but none waits for ever: each is due when it was submitted plus its
    estimated length, and the one that is due first goes first.

    Args:
        executor: where the work is done.
        address: where the runs reach the queue: None for a socket of this machine, or (host, port).
        at_once: tells how many runs the executor works on side by side.
    """

    def __init__(
        self,
        executor: Executor,
        address: tuple[str, int] | None = None,
        at_once: Callable[[], int] = lambda: 1,
    ) -> None:
        self._executor = executor
        self._at_once = at_once
        self._lock = threading.RLock()
        self._runs: dict[str, Run] = {}
        self._ends: dict[str, float] = {}
        self._order = itertools.count()
        self._turns: dict[str, tuple[float, int]] = {}
        self._key = secrets.token_bytes(32)
        self._listener = Listener(address, backlog=16, authkey=self._key)
        self._accepting = threading.Thread(target=self._accept, name="queue-accept", daemon=True)
        self._accepting.start()

    # --- what a page asks -------------------------------------------------------------------------

    def submit(self, owner: str, function: str, *arguments: Any, seconds: float, **named: Any) -> Run:
        """Put a generator function to work.

        Args:
            owner: the visitor, by any word that is theirs alone.
            function: "package.module:name". A generator that catches `Stop` where it yields may give
                what it has; one that does not just ends.
            arguments: plain data, and `named` too.
            seconds: about how long it will take.

        Raises:
            GlassboxError: `tuning.error.busy`: too many runs wait already.
        """
        with self._lock:
            self._forget_old()
            active = [run for run in self._runs.values() if not run.over]
            if len(active) >= MOST_RUNS or sum(run.owner == owner for run in active) >= MOST_OF_ONE:
                raise GlassboxError("tuning.error.busy", count=len(active))
            run = Run(self, owner, (function, arguments, named))
            run.seconds = seconds
            self._runs[run.id] = run
            self._turns[run.id] = run._submitted + seconds, next(self._order)
            self._next()
        return run

    def runs(self, owner: str) -> list[Run]:
        """The runs of one visitor, oldest first."""
        with self._lock:
            self._forget_old()
            return [run for run in self._runs.values() if run.owner == owner]

    def forget(self, run: Run) -> None:
        """Forget a run that is over; whoever holds it keeps its result."""
        with self._lock:
            if run.over:
                self._runs.pop(run.id, None)
                self._ends.pop(run.id, None)
                self._turns.pop(run.id, None)

    def release(self, owner: str) -> None:
        """End and forget everything of a visitor who has left."""
        for run in self.runs(owner):
            with self._lock:
                running = run._state == "running"
                if not run.over:
                    self._end(run, "stopped")
                run._events.clear()
                self.forget(run)
            if running:
                self._kill(run)

    def close(self) -> None:
        """End the worker and forget all runs."""
        with self._lock:
            owners = {run.owner for run in self._runs.values()}
        for owner in owners:
            self.release(owner)
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._listener.close()

    # --- turns ------------------------------------------------------------------------------------

    def _waiting(self) -> list[Run]:
        waiting = [run for run in self._runs.values() if run._state == "waiting"]
        return sorted(waiting, key=lambda run: self._turns[run.id])

    def _running(self) -> list[Run]:
        return [run for run in self._runs.values() if run._state == "running"]

    def _place(self, run: Run) -> int:
        with self._lock:
            waiting = self._waiting()
            return waiting.index(run) + len(self._running()) if run in waiting else 0

    def _ahead(self, run: Run) -> float:
        with self._lock:
            waiting = self._waiting()
            if run not in waiting:
                return 0.0
            now = time.monotonic()
            left = sum(max(1.0, one.seconds - (now - one._begun)) for one in self._running())
            return left + sum(one.seconds for one in waiting[: waiting.index(run)])

    def _next(self) -> None:
        """Hand over the runs whose turn it is. The lock is held."""
        for run in self._waiting()[: max(0, self._at_once() - len(self._running()))]:
            run._state, run._begun = "running", time.monotonic()
            address = self._listener.address
            host, port = (address, 0) if isinstance(address, str) else (_host(address[0]), address[1])
            future = self._executor.submit(worker.perform, host, port, self._key.hex(), run.id)
            run._future = future
            future.add_done_callback(functools.partial(self._done, run))
            self._limit(run)

    def _limit(self, run: Run) -> None:
        """No run goes on for ever: it is asked to stop after `LONGEST`, and ended `GRACE` later."""

        def end() -> None:
            if not run._over.wait(LONGEST):
                run.stop()
                if not run._over.wait(GRACE):
                    self._fail(run, GlassboxError("tuning.error.time", minutes=round(LONGEST / 60)))
                    self._kill(run)

        threading.Thread(target=end, name="queue-limit", daemon=True).start()

    def _kill(self, run: Run) -> None:
        """End the process that works on a run, where the executor can; else ask the run to end."""
        kill = getattr(self._executor, "kill", None)
        if kill is not None:
            kill(run._future)
        elif run._connection is not None:
            with suppress(OSError):
                run._connection.send("stop")

    # --- the end of a run -------------------------------------------------------------------------

    def _done(self, run: Run, future: Future[None]) -> None:
        """The executor is through with a run, or has failed."""
        if run._call is None and not run.over:
            run._received.wait(GRACE)  # what was sent last may still be on its way
        problem = None if future.cancelled() else future.exception()
        if isinstance(problem, WorkerTooLarge):
            self._fail(run, GlassboxError("tuning.error.memory", limit=MEMORY >> 20))
        elif isinstance(problem, WorkerAway):
            self._fail(run, GlassboxError("tuning.error.away"))
        else:
            self._fail(run, GlassboxError("tuning.error.crashed"))  # unless it is over as it should be
        with self._lock:
            self._next()

    def _fail(self, run: Run, error: GlassboxError) -> None:
        with self._lock:
            if not run.over:
                run._error = error
                self._end(run, "failed")

    def _end(self, run: Run, state: State) -> None:
        """The lock is held."""
        run._state, run._call = state, None
        self._ends[run.id] = time.monotonic()
        run._over.set()

    def _stop(self, run: Run) -> None:
        with self._lock:
            run._stopping = True
            if run._state == "waiting":
                self._end(run, "stopped")
            elif run._state == "running" and run._connection is not None:
                with suppress(OSError):
                    run._connection.send("stop")

    def _forget_old(self) -> None:
        """The lock is held."""
        now = time.monotonic()
        for id in [id for id, end in self._ends.items() if now - end > KEPT_SECONDS]:
            if id in self._runs:
                self.forget(self._runs[id])
            self._ends.pop(id, None)

    # --- what comes back --------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except (AuthenticationError, EOFError, ConnectionError):  # not one of ours
                continue
            except OSError:  # closed
                return
            threading.Thread(target=self._receive, args=(connection,), name="queue-run", daemon=True).start()

    def _receive(self, connection: Connection) -> None:
        """One run's connection: hand over the work, take what comes until it ends."""
        run: Run | None = None
        with suppress(EOFError, OSError), connection:
            run = self._runs.get(connection.recv())
            with self._lock:
                if run is None or run._call is None:
                    return
                call, run._call = run._call, None
            connection.send(call)
            with self._lock:
                run._connection = connection
                self._next()  # an executor that has reached its workers may know of more of them now
                if run._stopping:
                    connection.send("stop")
            while self._take(run, *connection.recv()):
                pass
        if run is not None:
            run._connection = None
            run._received.set()
            if not run._over.wait(LOST):
                self._fail(run, GlassboxError("tuning.error.crashed"))
                with self._lock:
                    self._next()

    def _take(self, run: Run, kind: str, value: Any) -> bool:
        """What a run sent; whether more will come."""
        with self._lock:
            if run.over:
                return kind == "event"
            if kind == "event":
                if isinstance(value, Progress):
                    run._progress = value
                else:
                    _keep(run._events, value)
                return True
            if kind == "error":
                key, values = value
                run._error = GlassboxError(key, **values)
                self._end(run, "failed")
            else:
                self._end(run, "stopped" if run._stopping else "finished")
            return False


def _keep(events: deque[Any], event: Any) -> None:
    """Put an event behind the others; only the first and the last epoch with maps keep them."""
    if isinstance(event, Epoch) and event.maps is not None:
        with_maps = [
            place for place, one in enumerate(events) if isinstance(one, Epoch) and one.maps is not None
        ]
        for place in with_maps[1:]:
            events[place] = replace(events[place], maps=None)
    events.append(event)


def _host(host: str) -> str:
    """The name at which others reach the queue."""
    return os.environ.get("GLASSBOX_QUEUE_HOST", host)


@functools.cache
def queue() -> RunQueue:
    """The queue of this process."""
    host = os.environ.get("GLASSBOX_QUEUE_HOST")
    if scheduler := os.environ.get("GLASSBOX_DASK"):
        from core.tuning import cluster

        workers = cluster.DaskWorkers(scheduler)
        return RunQueue(workers, (host or cluster.facing(scheduler), 0), lambda: workers.places)
    if factory := os.environ.get("GLASSBOX_EXECUTOR"):
        return RunQueue(worker.find(factory)(), (host or "localhost", 0))
    executor = OneWorker()
    memory.drop_with("worker", executor.rest)
    return RunQueue(executor)


def start(owner: str, dataset: Dataset, plan: Plan, *, watched: str | None = None) -> Run:
    """Put `fine_tune(dataset, plan, watched=watched)` into the queue; its result is a `Finished`.

    Raises:
        GlassboxError: `tuning_data.check.*`: nothing can be learned from the data; `tuning.error.busy`;
            `memory.error.training`: the host has no room for it now.
    """
    from core.tuning import review, training

    review.check(dataset)
    if not {"GLASSBOX_DASK", "GLASSBOX_EXECUTOR"} & set(os.environ):  # else it is done on another machine
        memory.ask_for_training(head_only=plan.unlocked == "head")
    seconds = training.estimate(dataset, plan)
    return queue().submit(
        owner, "core.tuning.training:fine_tune", dataset, plan, seconds=seconds, watched=watched
    )


def finished(run: Run) -> Finished | None:
    """The result of a run of `start`, once it is there."""
    return run.result if isinstance(run.result, Finished) else None
