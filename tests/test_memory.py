"""Large arrays are the system's own again when they are freed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


def test_threads_give_back_what_their_pictures_took() -> None:
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", CODE, "early"], cwd=root, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 8  # one of the arrays alone has 11
