"""How much memory there is, and living within it: the host is small and visitors' photos come and go.

Four things are done about it. Large arrays are given back to the system as soon as they are freed
(`give_back_early`). The code of large libraries that ran once, as they were loaded, is let go (`let_go_of_code`).
What can be made again is dropped before the limit is reached (`relieve`). And what needs much memory at once, a
training or TensorFlow itself, is put off with a sentence while there is no room for it (`ask_for`), for a process
that goes over its limit is killed, with all its visitors.

Environment:
    GLASSBOX_MEMORY: megabytes that the server and its workers may take together, where the host has a limit
        that it does not show.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import linecache
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar

from PIL import _imaging as pillow  # once it is imported, no other way leads to its block allocator

from core.errors import GlassboxError

P = ParamSpec("P")
R = TypeVar("R")

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
MADV_DONTNEED = 4  # of <sys/mman.h>
CODE = 64 * 2**20  # bytes of libraries' files; when so many have come in, they are let go
LARGE = 2**20  # bytes; an array of this size is the system's own again as soon as it is freed
PICTURES = 2  # that Pillow keeps the memory of for a while, 16 MB each at most

RESULTS, MODELS = 0.75, 0.87  # shares of the limit from which results, then also models, are dropped,
ENOUGH = {
    RESULTS: 700 * 2**20,
    MODELS: 350 * 2**20,
}  # unless so many bytes are left: a large machine is often full
KEEP_FREE = 64 * 2**20  # bytes that are left alone when something asks for room
PAUSE = 1.0  # seconds between two looks
COLLECT = 30.0  # seconds between two collections of what refers to itself and of what nobody looks at
IDLE = 180.0  # seconds after which a model that nobody has asked for is let go
REST = 20.0  # seconds after which the same is dropped again, if that is still needed
TENSORFLOW = 420 * 2**20  # bytes that TensorFlow and a network take at their first use, mapped files apart
TRAINING = (
    800 * 2**20
)  # bytes that a training with TensorFlow takes; one that grows is watched by the executor
TRAINING_HEAD = 200 * 2**20  # the same of a head alone, which is learned in numpy
WORKER = "core.tuning.worker"  # how its command line tells the worker process

CLOUD = Path("/mount/src")  # where Streamlit Community Cloud puts an app;
CLOUD_LIMIT = 2_700_000_000  # its published limit in bytes

# Models that are read again, in a fraction of a second, when they are next asked for: (module, its cache).
_READ_AGAIN = (
    ("core.language.models", "sentiment"),
    ("core.language.pretrained", "load"),
    ("core.language.bag_of_words", "load"),
    ("core.language.generation.models", "language_model"),
    ("core.lit.towers", "text_tower"),
    ("core.lit.pairs", "rows"),
)


@functools.cache
def give_back_early() -> bool:
    """Tells glibc to map large arrays apart and to keep few arenas; whether there was a glibc to tell.

    Without it each thread keeps what its largest picture once took. Pillow keeps what its last two pictures lay
    in, until `relieve`: to be given fresh memory takes as long as to decode a photo into it.

    References:
        mallopt(3); Pillow's documentation of its block allocator, `PILLOW_BLOCKS_MAX`.
    """
    try:
        tell = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another system
        return False
    settings = ((M_ARENA_MAX, 2), (M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE))
    pillow.set_blocks_max(PICTURES)
    told = [tell(name, value) for name, value in settings]  # every one, also after a refusal
    return told == [1, 1, 1]


def let_go_of_code(least: int = CODE) -> int:
    """Lets go of the pages of libraries' files that this process holds; how many bytes they were.

    Loading TensorFlow touches 400 MB of its file, of which answering needs a tenth. Such a page holds nothing of
    ours: whoever reads it next gets it back from the file, which the system most often still has at hand.

    Args:
        least: bytes that must have come in since the last time, for it to be done.

    References:
        madvise(2), MADV_DONTNEED on a mapping that was never written to; proc(5), smaps and statm.
    """
    global _held
    try:
        if _mapped() - _held < least:
            return 0
        tell = ctypes.CDLL(None).madvise
        tell.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        let_go = 0
        for start, end, resident in _untouched():
            if tell(start, end - start, MADV_DONTNEED) == 0:
                let_go += resident
        _held = _mapped()
        return let_go
    except (OSError, AttributeError, ValueError):  # another system
        return 0


_held = 0  # bytes of files that were left the last time


def _mapped() -> int:
    """Bytes of files that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[2]) * os.sysconf("SC_PAGE_SIZE")


def _untouched() -> Iterator[tuple[int, int, int]]:
    """The mappings of libraries that cannot be written to and of which no page was: (start, end, bytes held)."""
    start = end = resident = 0
    library = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if found := _MAPPING.match(line):
            start, end = int(found[1], 16), int(found[2], 16)
            library = "w" not in found[3] and ".so" in found[4]
        elif library and line.startswith("Rss:"):
            resident = int(line.split()[1]) * 1024
        elif library and line.startswith("Anonymous:") and line.split()[1] == "0" and resident >= LARGE:
            yield start, end, resident


_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ [1-9]\d* +(.*)")


# --- how much there is -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Room:
    """A limit and what is taken of it, in bytes."""

    limit: int
    used: int

    @property
    def share(self) -> float:
        """How full it is, 0 ... 1."""
        return self.used / self.limit

    @property
    def free(self) -> int:
        """What is left, in bytes; never less than nothing."""
        return max(0, self.limit - self.used)


def room(root: Path = Path("/")) -> Room:
    """The tightest of the limits that hold for this process: the one with the least left.

    Asked are the control groups that it is in, version 1 and 2, each with what it has taken, page cache that
    can be dropped apart; `GLASSBOX_MEMORY` or the limit of Streamlit Community Cloud, with what this process
    and its children have taken; and the machine's own memory.

    Args:
        root: of the file system; another one in tests.
    """
    found = list(_groups(root))
    setting = os.environ.get("GLASSBOX_MEMORY", "")
    own = int(setting) * 1_000_000 if setting.isdecimal() and int(setting) else 0
    if not own and root.joinpath(*CLOUD.parts[1:]) in Path(__file__).parents:
        own = CLOUD_LIMIT
    if own:
        found.append(Room(own, used()))
    if not found or root == Path("/"):
        import psutil  # type: ignore[import-untyped]

        machine = psutil.virtual_memory()
        found.append(Room(machine.total, machine.total - machine.available))
    return min(found, key=lambda one: one.free)


def _groups(root: Path) -> Iterator[Room]:
    """The limits of the control groups that this process is in, with what is taken of each.

    See cgroups(7) and the kernel's documentation of `memory.max`, `memory.high` (version 2) and
    `memory.limit_in_bytes` (version 1). In a container its own group is often mounted as the top one, while
    the path that the process is told is the host's: the top is therefore asked in any case.
    """
    with suppress(OSError, ValueError):
        for line in root.joinpath("proc/self/cgroup").read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0" and not controllers:
                top = root / "sys/fs/cgroup"
                limits: tuple[str, ...] = ("memory.max", "memory.high")
                usage, cache = "memory.current", "inactive_file"
            elif "memory" in controllers.split(","):
                top, limits = root / "sys/fs/cgroup/memory", ("memory.limit_in_bytes",)
                usage, cache = "memory.usage_in_bytes", "total_inactive_file"
            else:
                continue
            parts = [part for part in path.split("/") if part not in ("", "..")]
            for depth in range(len(parts), -1, -1):
                group = top.joinpath(*parts[:depth])
                allowed = [value for name in limits if (value := _number(group / name)) is not None]
                taken = _number(group / usage)
                if allowed and taken is not None:
                    yield Room(max(1, min(allowed)), max(0, taken - _statistic(group, cache)))


def _number(file: Path) -> int | None:
    """The number in a file; None where there is no such file or no limit ("max")."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _statistic(group: Path, name: str) -> int:
    with suppress(OSError, ValueError):
        for line in (group / "memory.stat").read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0


def used() -> int:
    """Bytes that this process and its children have taken; what they map of the same files counts once."""
    import psutil

    own = psutil.Process()
    parts = [_resident(own)]
    with suppress(psutil.Error):
        parts += [_resident(child) for child in own.children(recursive=True)]
    return sum(apart for apart, _ in parts) + max(mapped for _, mapped in parts)


def _resident(process: object) -> tuple[int, int]:
    """Bytes of a process that are its own, and those mapped from files; (0, 0) of one that is over."""
    import psutil

    assert isinstance(process, psutil.Process)
    try:
        memory = process.memory_info()
    except psutil.Error:
        return 0, 0
    mapped = getattr(memory, "shared", 0)
    return memory.rss - mapped, mapped


# --- dropping what can be made again ---------------------------------------------------------------

_droppers: dict[str, Callable[[], object]] = {}
_sweepers: dict[str, Callable[[], object]] = {}
_door = threading.Lock()
_looked = _collected = 0.0
_frozen = False
_dropped = {RESULTS: -REST, MODELS: -REST}


def drop_with(name: str, drop: Callable[[], object]) -> None:
    """Have `drop` called when memory runs short; `name` tells it from the others."""
    _droppers[name] = drop


def sweep_with(name: str, sweep: Callable[[], object]) -> None:
    """Have `sweep` called now and then, whether memory runs short or not: what nobody looks at any more goes."""
    _sweepers[name] = sweep


class WhileUsed(Generic[P, R]):
    """`functools.cache` for what takes room and is quickly made again: what nobody asks for is let go after a while.

    A decorator. All arguments must be positional and hashable.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._kept: dict[tuple[object, ...], tuple[R, float]] = {}
        sweep_with(f"{function.__module__}.{function.__qualname__}", self.sweep)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        assert not kwargs, "positional arguments only"
        found = self._kept.get(args)
        made = self._function(*args, **kwargs) if found is None else found[0]
        self._kept[args] = made, time.monotonic()
        return made

    def sweep(self, now: Callable[[], float] = time.monotonic) -> None:
        """Lets go of what nobody has asked for in the last `IDLE` seconds."""
        for key, (_, when) in list(self._kept.items()):
            if now() - when > IDLE:
                self._kept.pop(key, None)

    def cache_clear(self) -> None:
        """Lets go of everything."""
        self._kept.clear()


def relieve(now: Callable[[], float] = time.monotonic, look: Callable[[], Room] = room) -> float | None:
    """Drops results, then models, when memory runs short. The frame of a page calls it after every run.

    Costs nothing most of the time: it looks once a second, and what was dropped is left alone for a while.

    Returns:
        The share from which was dropped, None if nothing was.
    """
    global _looked, _collected
    with _door:
        if now() - _looked < PAUSE:
            return None
        _looked = now()
        let_go_of_code()
        if now() - _collected > COLLECT:
            _collected = now()
            for sweep in list(_sweepers.values()):
                sweep()
            linecache.clearcache()  # 8 MB of TensorFlow's source; it is read again when it is asked for
            gc.collect()
            _stop_going_over_libraries()
            _trim()
        found = look()
        short = [level for level in (RESULTS, MODELS) if found.share >= level and found.free < ENOUGH[level]]
        level = max(short, default=None)
        if level is None or now() - _dropped[level] < REST:
            return None
        _dropped[level] = now()
    drop(models=level == MODELS)
    return level


def _stop_going_over_libraries() -> None:
    """Once TensorFlow is there, what has survived so far is not gone over again: 400,000 objects, a third of a second.

    References: the documentation of `gc.freeze`.
    """
    global _frozen
    if not _frozen and "tensorflow" in sys.modules:
        _frozen = True
        gc.freeze()


def drop(models: bool) -> None:
    """Drops the results that are kept, and with `models` those that are quickly read again."""
    for one in list(_droppers.values()):
        one()
    if models:
        for module, name in _READ_AGAIN:
            if module in sys.modules:
                getattr(sys.modules[module], name).cache_clear()
    gc.collect()
    _trim()


def _trim() -> None:
    """Gives the system back what Pillow holds free, and malloc, where it is glibc's."""
    pillow.clear_cache()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


# --- putting off what there is no room for ---------------------------------------------------------


def ask_for(needed: Callable[[], int], key: str, look: Callable[[], Room] = room) -> None:
    """Makes sure that there is room for something large, dropping what can be dropped.

    Args:
        needed: how many bytes are needed, as things stand when it is called.
        key: the sentence for the visitor; it is told what is free, needed and the limit, in megabytes.

    Raises:
        GlassboxError: `key`: there is no room now.
    """
    if look().free >= needed() + KEEP_FREE:
        return
    drop(models=True)
    found, wanted = look(), needed()
    if found.free < wanted + KEEP_FREE:
        free, limit, wanted = (number // 1_000_000 for number in (found.free, found.limit, wanted))
        raise GlassboxError(key, free=free, limit=limit, needed=wanted)


def ask_for_training(head_only: bool, look: Callable[[], Room] = room) -> None:
    """Makes sure that there is room for a training; the worker, of which there is one, may have some already.

    Raises:
        GlassboxError: `memory.error.training`.
    """
    whole = TRAINING_HEAD if head_only else TRAINING
    ask_for(lambda: max(0, whole - _workers()), "memory.error.training", look)


def ask_for_tensorflow(look: Callable[[], Room] = room, *, child: bool = False) -> None:
    """Makes sure that TensorFlow can be loaded into this process, unless it is there already.

    Args:
        child: whether a child process will load it as well.

    Raises:
        GlassboxError: `memory.error.tensorflow`.
    """
    copies = ("tensorflow" not in sys.modules) + child
    if copies:
        ask_for(lambda: copies * TENSORFLOW, "memory.error.tensorflow", look)


def _workers() -> int:
    """Bytes that the worker process has taken already."""
    import psutil

    with suppress(psutil.Error):
        children = psutil.Process().children()
        return sum(sum(_resident(child)) for child in children if WORKER in child.cmdline())
    return 0
