"""An executor over the workers of a Dask cluster: the trainings leave the machine that serves the pages.

`distributed` is imported only here, and this module only where `GLASSBOX_DASK` is set. The scheduler is told
which run to fetch, and from where; the visitor's examples and what comes of them go straight between the
queue and the worker (`core.tuning.worker.perform`).
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from distributed import Client

from core.tuning import worker
from core.tuning.executor import WorkerAway, WorkerEnded

PATIENCE = 20.0  # seconds to find the scheduler, and to find a worker there
MOST = 64  # workers that are used at once


class DaskWorkers(Executor):
    """Runs functions on the workers of a cluster, side by side on as many as there are.

    The cluster is joined at the first call, and again when it was lost. A call is what `OneWorker` takes, and
    its future's result is None. Each worker should have one thread (`--nthreads 1`): only such a one can be
    ended in the middle of a run (`kill`), for it then works on nothing else.

    Args:
        address: of the scheduler: "tcp://host:8786".
    """

    def __init__(self, address: str) -> None:
        self.places = 1  # workers that were there when it was last looked at, at least 1
        self._address = address
        self._client: Client | None = None
        self._joining = threading.Lock()
        self._threads = ThreadPoolExecutor(MOST, thread_name_prefix="dask-call")
        self._names: dict[Future[None], str] = {}  # of a call's task in the cluster

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a worker call a function at the top level of a module."""
        if kwargs:
            raise TypeError("only positional arguments cross the border")
        name = f"glassbox-{secrets.token_hex(8)}"
        future = self._threads.submit(self._call, name, f"{fn.__module__}:{fn.__qualname__}", args)
        self._names[future] = name
        future.add_done_callback(lambda done: self._names.pop(done, None))
        return future

    def kill(self, call: Future[Any] | None) -> None:
        """End what is being done for a call; its future fails, and the worker's process is started anew.

        Does not wait for it: a cluster may take its time.
        """
        name = self._names.get(call) if call is not None else None
        if name is not None:
            threading.Thread(target=self._end, args=(name,), name="dask-kill", daemon=True).start()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which goes on without us."""
        client, self._client = self._client, None
        if client is not None:
            client.close()  # calls that are under way fail
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _call(self, name: str, function: str, arguments: tuple[Any, ...]) -> None:
        """In a thread of its own: from the call to its end."""
        client = self._joined()
        try:
            failed = client.submit(_quietly, function, arguments, key=name, pure=False).result()
        except Exception as problem:  # a worker that was killed, a cluster that was lost
            raise WorkerEnded from problem
        if failed:
            raise RuntimeError("the call failed")

    def _end(self, name: str) -> None:
        client = self._client
        if client is None:
            return
        with suppress(Exception):  # a cluster that does not answer, or starts no worker again: it was tried
            busy = [place for place, names in client.processing().items() if name in names]
            alone = [place for place in busy if client.nthreads()[place] == 1]
            client.cancel([name], force=True)
            client.restart_workers(alone, timeout=PATIENCE, raise_for_error=False)

    def _joined(self) -> Client:
        with self._joining:
            if self._client is not None and self._client.status != "running":
                self._client.close(timeout=0)
                self._client = None
            try:
                if self._client is None:
                    self._client = Client(self._address, timeout=PATIENCE, set_as_default=False)
                self._client.wait_for_workers(1, timeout=PATIENCE)
                self.places = max(1, min(MOST, len(self._client.nthreads())))
            except (OSError, ValueError) as problem:
                raise WorkerAway from problem
            return self._client


def facing(address: str) -> str:
    """The address of this machine at which those beside the scheduler reach it.

    Raises:
        ValueError: no address of a scheduler.
    """
    there = urlsplit(address)
    if not there.hostname or not there.port:
        raise ValueError(f"the setting must be like tcp://host:8786, not {address!r}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((there.hostname, there.port))  # sends nothing; tells which address would be used
        return str(way.getsockname()[0])


def _quietly(function: str, arguments: tuple[Any, ...]) -> bool:
    """On the worker: call a function; whether it failed. The worker's log says nothing of it."""
    try:
        worker.find(function)(*arguments)
    except Exception:  # a fault of ours; the queue tells the visitor and goes on
        return True
    return False
