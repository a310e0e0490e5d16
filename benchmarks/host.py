"""A small host for a server to be measured on: its limit of memory, its cores, and what its processes take."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

GROUPS = Path("/sys/fs/cgroup")
WORKER = "core.tuning.worker"  # in the command line of the app's worker
EVERY = 0.5  # seconds between two looks at the resident memory;
EVERY_SHARED = 2.5  # what is shared is only told by a walk over all pages


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share of them does not exceed (nearest rank)."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True)
class Limit:
    """A limit that holds for what is started with `prefix`, and how it is held."""

    prefix: tuple[str, ...] = ()
    told: str = "none: this machine lets us set none"
    group: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def peak(self) -> float | None:
        """The most that the group ever held in bytes, the page cache included; None where nobody counts."""
        if self.group is not None:
            for name in ("memory.max_usage_in_bytes", "memory.peak"):
                with suppress(OSError, ValueError):
                    return float((self.group / name).read_text())
        return None

    def killed(self) -> int | None:
        """How many processes were killed for their memory; None where nobody counts."""
        if self.group is not None:
            for name in ("memory.events", "memory.oom_control"):
                with suppress(OSError, ValueError):
                    lines = (self.group / name).read_text().splitlines()
                    found = dict(line.split() for line in lines)
                    if "oom_kill" in found:
                        return int(found["oom_kill"])
        return None


@contextmanager
def limited(megabytes: int) -> Iterator[Limit]:
    """The strictest limit of memory that this machine lets us set: a control group, systemd's, or none.

    `RLIMIT_AS` is no use: TensorFlow reserves far more addresses than it uses. Where there is no other limit,
    the app is told of it (`GLASSBOX_MEMORY`), and nothing would end a server that exceeds it.
    """
    size = megabytes * 1_000_000
    group = _group(size)
    if group is not None:
        join = ("sh", "-c", 'echo $$ > "$0"/cgroup.procs && exec "$@"', str(group))
        try:
            yield Limit(join, f"{megabytes:,} MB, held by a control group of the kernel", group)
        finally:
            for _ in range(20):  # until its last process is gone
                with suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.25)
        return
    scope = (
        "systemd-run",
        "--user",
        "--quiet",
        "--scope",
        "-p",
        f"MemoryMax={size}",
        "-p",
        "MemorySwapMax=0",
    )
    if shutil.which(scope[0]) and not subprocess.run([*scope, "true"], capture_output=True).returncode:
        yield Limit(scope, f"{megabytes:,} MB, held by systemd-run --scope")
        return
    told = f"{megabytes:,} MB told to the app, but held by nobody: no control group can be made here"
    yield Limit(told=told, environment={"GLASSBOX_MEMORY": str(megabytes)})


def _group(size: int) -> Path | None:
    """A new control group of that many bytes; None where it cannot be made."""
    name = f"glassbox-{os.getpid()}"
    for parent, file in ((GROUPS / "memory", "memory.limit_in_bytes"), (GROUPS, "memory.max")):
        group = parent / name
        with suppress(OSError):
            group.mkdir()
            try:
                (group / file).write_text(str(size))
                with suppress(OSError):  # nor may it go to the disk
                    (group / "memory.swap.max").write_text("0")
                return group
            except OSError:
                group.rmdir()
                raise
    return None


def two() -> set[int]:
    """The two cores that a server is measured on; empty where the system pins nobody."""
    if not hasattr(os, "sched_getaffinity"):
        return set()
    return set(sorted(os.sched_getaffinity(0))[:2])


def step_back(but: int, back: bool = True) -> None:
    """All that this process has started, one process and its children apart, gets the cores that `two_cores` leaves;
    where it leaves none, what nobody else wants of the two. Chromium sets the priorities of its own processes: the
    scheduler's idle class (sched(7)) is below them all.

    Args:
        back: if not, they get their share of the two again.
    """
    others = getattr(os, "sched_getaffinity", lambda _: set())(1) - two()
    for one in psutil.Process().children():
        for process in (one, *one.children(recursive=True)) if one.pid != but else ():
            with suppress(psutil.Error, OSError):  # it may be over
                for thread in process.threads():
                    if others:
                        os.sched_setaffinity(thread.id, others)
                    elif hasattr(os, "SCHED_IDLE"):
                        policy = os.SCHED_IDLE if back else os.SCHED_OTHER
                        os.sched_setscheduler(thread.id, policy, os.sched_param(0))


def two_cores() -> str:
    """Keeps this process and all that it starts on two cores; says what came of it."""
    if not two():
        return f"{os.cpu_count()} cores for all (this system pins nobody)"
    os.sched_setaffinity(0, two())
    return f"{len(two())} cores, shared by the server, its worker and the browser"


@dataclass(frozen=True)
class Look:
    """What the processes of a server take at a moment, in bytes."""

    server: int  # resident
    worker: int  # resident
    shared_once: int | None  # server and worker, what they share counted once (PSS)


def resident(process: int) -> tuple[int, int, list[int]]:
    """Resident bytes of a process with its helpers, of its worker, and the ids of all of them."""
    server = worker = 0
    found = []
    with suppress(psutil.Error):
        root = psutil.Process(process)
        for each in (root, *root.children(recursive=True)):
            with suppress(psutil.Error):
                taken = each.memory_info().rss
                found.append(each.pid)
                if each.pid != process and WORKER in each.cmdline():
                    worker += taken
                else:
                    server += taken
    return server, worker, found


def proportional(processes: Sequence[int]) -> int:
    """The proportional set size of some processes in bytes: a page that three map counts a third for each."""
    total = 0
    for process in processes:
        with suppress(OSError):
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


class Watch:
    """A thread that looks at a server's memory from time to time, until it is ended."""

    def __init__(self, process: int) -> None:
        self.process = process
        self.looks: list[Look] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        next_shared = 0.0
        while not self._over.wait(EVERY):
            server, worker, found = resident(self.process)
            shared = None
            if time.monotonic() >= next_shared:
                next_shared = time.monotonic() + EVERY_SHARED
                shared = proportional(found) or None
            if server:
                self.looks.append(Look(server, worker, shared))

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    @property
    def server(self) -> int:
        """The most that the server took, resident, in bytes."""
        return max((look.server for look in self.looks), default=0)

    @property
    def worker(self) -> int:
        """The most that the worker took, resident, in bytes."""
        return max((look.worker for look in self.looks), default=0)

    @property
    def both(self) -> int:
        """The most that server and worker took at one moment, resident: what they share counts twice."""
        return max((look.server + look.worker for look in self.looks), default=0)

    @property
    def shared_once(self) -> int:
        """The most of both, what they share counted once, in bytes."""
        return max((look.shared_once or 0 for look in self.looks), default=0)


def seconds_of_cores(processes: Sequence[int]) -> float:
    """Seconds that some processes and all below them have computed."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            root = psutil.Process(process)
            for each in (root, *root.children(recursive=True)):
                with suppress(psutil.Error):
                    times = (
                        each.cpu_times()
                    )  # of children those that are over: the others are asked themselves
                    total += times.user + times.system
                    total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total
