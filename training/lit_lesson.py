"""How far the lesson's small set goes: the same tuning for longer and from several beginnings.

    python -m training.lit_lesson [--steps N] [--seeds N]

It prints the share of the 100 left-out classes whose row finds its own name, of the long runs and of the live
lesson, which must come within 3 points of them. It runs on what ships.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from core.lit import pairs
from core.lit.lesson import lesson
from core.lit.types import LessonFinished

WITHIN = 0.03


def reached(steps: int | None, seed: int) -> LessonFinished:
    """The end of a lesson with the image tower locked."""
    *_, last = lesson(pairs.sample_pairs(), "image", steps=steps, seed=seed)
    assert isinstance(last, LessonFinished)
    return last


def main() -> None:
    """Run both and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    long, live = [], []
    for seed in range(options.seeds):
        for steps, found in ((options.steps, long), (None, live)):
            last = reached(steps, seed)
            found.append(last.last.zero_shot)
            print(
                f"seed {seed}, {last.last.step} steps: {last.last.zero_shot:.3f} in {last.seconds:.1f} s",
                flush=True,
            )
    short = float(np.mean(long) - np.mean(live))
    print(f"script {np.mean(long):.3f}, live {np.mean(live):.3f}: {100 * short:.1f} points short of it")
    if short > WITHIN:
        raise SystemExit(f"the live lesson is more than {100 * WITHIN:.0f} points short")


if __name__ == "__main__":
    main()
