"""The limit of the container, what is taken of it, and what is done before it is reached."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core import memory
from core.errors import GlassboxError
from core.language import bag_of_words
from core.memory import Room

ROOT = Path(__file__).resolve().parent.parent
GIGA = 2**30
CODE = """
import sys, threading
import numpy as np, psutil
from core import memory
if sys.argv[1] == "early":
    assert memory.give_back_early()
def work():
    for _ in range(5):
        np.ones(3_000_000, np.uint8).astype(np.float32).sum()
before = psutil.Process().memory_info().rss
threads = [threading.Thread(target=work) for _ in range(6)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print((psutil.Process().memory_info().rss - before) / 2**20)
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing was looked at or dropped yet, and nothing of the app is registered."""
    monkeypatch.setattr(memory, "_looked", -memory.PAUSE)
    monkeypatch.setattr(memory, "_dropped", {memory.RESULTS: -memory.REST, memory.MODELS: -memory.REST})
    monkeypatch.setattr(memory, "_droppers", {})
    monkeypatch.delenv("GLASSBOX_MEMORY", raising=False)
    yield


def written(root: Path, files: dict[str, str]) -> Path:
    """A file system with these files."""
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


LIBRARY = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import psutil
import tensorflow as tf
from core import memory
def answer():
    x = tf.random.stateless_normal((1, 32, 32, 3), seed=(1, 2))
    return float(tf.reduce_sum(tf.nn.conv2d(x, tf.ones((3, 3, 3, 8)), 1, "SAME")))
process, wanted = psutil.Process(), answer()
before = process.memory_info().rss
told = memory.let_go_of_code()
assert told > 0 and memory.let_go_of_code() == 0
assert answer() == wanted
print((before - process.memory_info().rss) / 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5) is Linux's")
def test_code_that_ran_once_is_let_go_and_what_is_needed_comes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIBRARY], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) > 150


def test_threads_give_back_what_their_pictures_took() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, "early"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 8  # one of the arrays alone has 11


def test_version_2_in_a_container(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{2 * GIGA}\n",
            "sys/fs/cgroup/memory.high": "max\n",
            "sys/fs/cgroup/memory.current": f"{GIGA}\n",
            "sys/fs/cgroup/memory.stat": f"anon 5\ninactive_file {GIGA // 4}\nactive_file 7\n",
        },
    )
    assert memory.room(root) == Room(2 * GIGA, GIGA - GIGA // 4)


def test_the_tightest_of_nested_groups_counts(tmp_path: Path) -> None:
    """The parent has a larger limit but less left of it; `memory.high` is a limit too."""
    group = "sys/fs/cgroup/app.slice"
    files = {
        "proc/self/cgroup": "0::/app.slice/glassbox.service\n",
        f"{group}/glassbox.service/memory.max": f"{8 * GIGA}",
        f"{group}/glassbox.service/memory.high": f"{3 * GIGA}",
        f"{group}/glassbox.service/memory.current": f"{GIGA}",
        f"{group}/memory.max": f"{4 * GIGA}",
        f"{group}/memory.current": f"{GIGA}",
        "sys/fs/cgroup/memory.stat": "anon 1\n",  # the top one has no limit
    }
    root = written(tmp_path, files)
    assert memory.room(root) == Room(3 * GIGA, GIGA)
    written(tmp_path, {f"{group}/memory.current": f"{3 * GIGA + 1}"})
    assert memory.room(root) == Room(4 * GIGA, 3 * GIGA + 1)


def test_version_1_whose_path_is_the_hosts(tmp_path: Path) -> None:
    root = written(
        tmp_path,
        {
            "proc/self/cgroup": "12:cpu,cpuacct:/docker/5af\n7:memory:/docker/5af\n1:name=systemd:/x\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIGA}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIGA // 2}\n",
            "sys/fs/cgroup/memory/memory.stat": f"cache 1\ntotal_inactive_file {GIGA // 8}\n",
        },
    )
    assert memory.room(root) == Room(GIGA, GIGA // 2 - GIGA // 8)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "nonsense\n"},
        {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"},
        {"proc/self/cgroup": "0::/../..\n", "sys/fs/cgroup/memory.max": "", "memory.max": "5"},
    ],
)
def test_without_a_limit_the_machine_is_the_limit(tmp_path: Path, files: dict[str, str]) -> None:
    found = memory.room(written(tmp_path, files))
    assert found.limit == psutil.virtual_memory().total
    assert 0 < found.used < found.limit


def test_a_host_that_hides_its_limit_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSBOX_MEMORY", "1500")
    found = memory.room(tmp_path)
    assert found.limit == 1_500_000_000
    own = psutil.Process().memory_info().rss
    assert 0.5 * own < found.used < 3 * own + 200_000_000
    monkeypatch.setenv("GLASSBOX_MEMORY", "lots")  # a slip of the host's owner: as if it were not set
    assert memory.room(tmp_path).limit == psutil.virtual_memory().total


def test_the_workers_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = memory.used()
    code = "held = bytearray(b'x') * 80_000_000; print(1, flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", code, memory.WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None and child.stdout.readline()
        assert 80_000_000 < memory.used() - before < 130_000_000
        assert 80_000_000 < memory._workers() < 130_000_000
    finally:
        child.communicate(b"\n")
    assert memory._workers() == 0


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_results_go_first_then_models_and_not_all_the_time() -> None:
    clock, share, dropped = Clock(), [0.5], []
    memory.drop_with("results", lambda: dropped.append(clock.time))
    bag_of_words.load()

    def look() -> Room:
        return Room(1000, int(1000 * share[0]))

    def after(seconds: float, now: float) -> float | None:
        clock.time += seconds
        share[0] = now
        return memory.relieve(clock, look)

    assert after(2, 0.5) is None and not dropped
    assert after(2, 0.8) == memory.RESULTS and dropped == [4.0]
    assert bag_of_words.load.cache_info().currsize == 1
    assert after(2, 0.8) is None, "it has just been done"
    assert after(2, 0.95) == memory.MODELS
    assert bag_of_words.load.cache_info().currsize == 0
    assert after(0.1, 0.99) is None, "it looks once a second"
    assert after(memory.REST, 0.99) == memory.MODELS
    assert len(dropped) == 3
    assert bag_of_words.load().predict(["good"]).shape == (1, 2), "what was dropped is made again"


@pytest.mark.parametrize(
    ("limit", "used", "level"),
    [
        (32 * GIGA, 29 * GIGA, None),  # nine tenths, but 3 GB are left
        (8 * GIGA, int(7.4 * GIGA), memory.RESULTS),
        (8 * GIGA, int(7.8 * GIGA), memory.MODELS),
        (int(2.6 * GIGA), int(1.9 * GIGA), None),
        (int(2.6 * GIGA), int(2.0 * GIGA), memory.RESULTS),
        (int(2.6 * GIGA), int(2.3 * GIGA), memory.MODELS),
        (GIGA // 2, GIGA // 4, None),  # little is left of little, but only half is taken
    ],
)
def test_what_is_short_depends_on_what_there_is(limit: int, used: int, level: float | None) -> None:
    assert memory.relieve(lambda: 100.0, lambda: Room(limit, used)) == level


def test_what_is_large_waits_for_room() -> None:
    dropped: list[bool] = []
    left = [100]

    def look() -> Room:
        return Room(4000 * 10**6, (4000 - left[0]) * 10**6)

    def dropper() -> None:
        dropped.append(True)
        left[0] += 500

    memory.drop_with("results", dropper)
    memory.ask_for(lambda: 300 * 10**6, "memory.error.training", look)
    assert dropped == [True], "what could be dropped was"
    memory.ask_for(lambda: 300 * 10**6, "memory.error.training", look)
    assert dropped == [True], "and nothing without need"
    memory.drop_with("results", lambda: None)
    with pytest.raises(GlassboxError) as refused:
        memory.ask_for(lambda: 700 * 10**6, "memory.error.training", look)
    assert refused.value.key == "memory.error.training"
    assert refused.value.values == {"free": 600, "needed": 700, "limit": 4000}
    assert "put off" in str(refused.value)


def test_tensorflow_is_asked_for_only_where_it_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Room:
        return Room(GIGA, GIGA)

    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    memory.ask_for_tensorflow(full)
    monkeypatch.delitem(sys.modules, "tensorflow")
    with pytest.raises(GlassboxError, match="TensorFlow must be loaded"):
        memory.ask_for_tensorflow(full)


def test_a_training_is_put_off_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.tuning import builtin, queue
    from core.tuning.training import default_plan

    textures = builtin("textures")
    monkeypatch.setattr(queue, "queue", lambda: pytest.fail("it was put into the queue"))
    monkeypatch.setenv("GLASSBOX_MEMORY", "1")
    with pytest.raises(GlassboxError) as refused:
        queue.start("visitor", textures, default_plan(textures, "head"))
    assert refused.value.key == "memory.error.training"
    assert refused.value.values["limit"] == 1


def test_what_the_worker_has_already_need_not_be_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> Room:
        return Room(2000 * 2**20, 1500 * 2**20)

    memory.ask_for_training(head_only=True, look=look)
    with pytest.raises(GlassboxError):
        memory.ask_for_training(head_only=False, look=look)
    monkeypatch.setattr(memory, "_workers", lambda: 500 * 2**20)
    memory.ask_for_training(head_only=False, look=look)


def test_every_cache_that_may_be_dropped_exists() -> None:
    import importlib

    for module, name in memory._READ_AGAIN:
        assert callable(getattr(importlib.import_module(module), name).cache_clear)


def test_what_nobody_asks_for_is_let_go_and_made_again() -> None:
    made = []

    @memory.WhileUsed
    def model(name: str) -> list[str]:
        made.append(name)
        return [name]

    first = model("a")
    assert model("a") is first
    model("b")
    assert made == ["a", "b"]
    begun = time.monotonic()
    model.sweep(lambda: begun + memory.IDLE - 1)
    assert model("a") is first
    model.sweep(lambda: begun + memory.IDLE + 60)
    assert model("a") == first
    assert made == ["a", "b", "a"]
    model.cache_clear()
    model("a")
    assert made == ["a", "b", "a", "a"]
