"""An executor over one process: warm while it is used, ended when idle, watched, and replaceable by another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import Any

MEMORY = 1400 * 2**20  # bytes of resident memory that the worker may take
TIRED = 900 * 2**20  # bytes that it may still hold after a run; one that holds more is ended then
IDLE = 120.0  # seconds without work, after which the process is ended
WATCH = 0.1  # seconds between two looks at its memory
THREADS = "2"

_KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "HOME", "TMPDIR", "TEMP", "TMP")
_SET = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "OMP_NUM_THREADS": THREADS,
    "OPENBLAS_NUM_THREADS": "1",  # small products are quicker in one thread
    "PYTHONDONTWRITEBYTECODE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTRAOP_THREADS": THREADS,
    "TF_NUM_INTEROP_THREADS": "1",
}


class WorkerEnded(Exception):
    """The worker process ended in the middle of its work."""


class WorkerTooLarge(WorkerEnded):
    """The worker process took more memory than it may, and was ended."""


class WorkerAway(WorkerEnded):
    """There is no worker to be reached."""


class OneWorker(Executor):
    """Runs functions in one child process, one after the other.

    `submit` takes a function at the top level of a module, and arguments that JSON can hold; the future's
    result is None. Another executor that takes the same can stand in for it: `core.tuning.cluster`.
    """

    def __init__(self, *, memory: int = MEMORY, tired: int = TIRED, idle: float = IDLE) -> None:
        self._memory, self._tired, self._idle = memory, tired, idle
        self._waiting: deque[tuple[str, Future[None]]] = deque()
        self._changed = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._busy = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Put a call behind those that wait."""
        if kwargs:
            raise TypeError("only positional arguments cross the border")
        line = json.dumps({"function": f"{fn.__module__}:{fn.__qualname__}", "arguments": args})
        future: Future[None] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("the executor is shut down")
            self._waiting.append((line, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="one-worker", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return future

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def kill(self, call: Future[Any] | None = None) -> None:
        """End what is being done at once; its future fails, and the next call gets a new process.

        Args:
            call: the future of it, which this executor need not know: it does one thing at a time.
        """
        process = self._process
        if process is not None:
            process.kill()

    def rest(self) -> None:
        """End the process if it has nothing to do: its memory comes back, and the next call gets a new one."""
        with self._changed:
            if not self._busy and not self._waiting:
                self._end()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the process and take no more work; with `cancel_futures` what waits is not done."""
        with self._changed:
            self._closed = True
            while cancel_futures and self._waiting:
                self._waiting.popleft()[1].cancel()
            self._changed.notify_all()
        if cancel_futures:
            self.kill()
        if wait and self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        """The thread: hands calls to the process and its answers to the futures; ends when idle."""
        while True:
            with self._changed:
                self._busy = False
                self._changed.wait_for(lambda: self._waiting or self._closed, self._idle)
                if not self._waiting:  # idle, or shut down
                    self._end()
                    self._thread = None
                    return
                line, future = self._waiting.popleft()
                self._busy = True
            if not future.set_running_or_notify_cancel():
                continue
            try:
                self._call(line)
            except Exception as problem:
                self._end()
                future.set_exception(problem)
            else:
                future.set_result(None)

    def _call(self, line: str) -> None:
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
        except OSError as problem:
            raise WorkerEnded from problem
        largest = _Watch(process, self._memory)
        answer = process.stdout.readline()
        too_large = largest.stop()
        if too_large:
            raise WorkerTooLarge
        if not answer:
            raise WorkerEnded
        if json.loads(answer)["failed"]:
            raise RuntimeError("the call failed")
        if largest.now() > self._tired:
            self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _SET
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.tuning.worker"],
                cwd=Path(__file__).resolve().parent.parent.parent,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was written had no reader any more
                        pipe.close()


class _Watch:
    """A thread that looks at a process's resident memory, and ends the process when it takes too much."""

    def __init__(self, process: subprocess.Popen[bytes], most: int) -> None:
        import psutil  # type: ignore[import-untyped]

        self._process, self._most = process, most
        self._measured = psutil.Process(process.pid)
        self._over = threading.Event()
        self._killed = False
        self._thread = threading.Thread(target=self._look, name="one-worker-watch", daemon=True)
        self._thread.start()

    def now(self) -> int:
        """Bytes of resident memory; 0 of a process that is over."""
        import psutil

        try:
            return int(self._measured.memory_info().rss)
        except psutil.Error:
            return 0

    def _look(self) -> None:
        while not self._over.wait(WATCH):
            if self.now() > self._most:
                self._killed = True
                self._process.kill()
                return

    def stop(self) -> bool:
        """Stop looking; whether the process was ended."""
        self._over.set()
        self._thread.join()
        return self._killed
