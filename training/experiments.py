"""Computes what the locked tower makes of the sets that the small experiments use.

    python -m training.experiments

Writes assets/tuning/features.npz: for each set its features (pictures, 1,280), float16, in the order of
`core.tuning.builtin`, and the digests of the pictures that they are of. Then runs the experiments and prints
what they come to.
"""

from __future__ import annotations

import numpy as np

from core.tuning import builtin, experiments, features
from core.tuning.experiments import COUNTS, FILE, SETS, Guards, Setting
from core.vision import efficientnet


def main() -> None:
    stored = {}
    for name in SETS:
        examples = builtin(name).examples
        stored[name] = features.of_examples("images", examples)[:, : efficientnet.HEAD].astype(np.float16)
        stored[f"{name}/digests"] = np.array([example.digest for example in examples])
        print(f"{name:9s} {len(examples)} pictures", flush=True)
    np.savez_compressed(FILE, **stored)
    print(f"{FILE.stat().st_size / 1000:.0f} kB")
    summary()


def summary() -> None:
    """What the experiments of the page come to."""
    for name in SETS:
        for what in ("tower", "pixels"):
            scores = [experiments.score(name, Setting(count), what) for count in COUNTS]  # type: ignore[arg-type]
            figures = ", ".join(
                f"{count}: {one.accuracy:.1%}" for count, one in zip(COUNTS, scores, strict=True)
            )
            print(f"{name:9s} {what:6s} pictures a class {figures}", flush=True)
    for wrong in (0.0, 0.2, 0.4):
        print(
            f"digits, {wrong:.0%} wrong labels: {experiments.score('digits', Setting(20, wrong)).accuracy:.1%}"
        )
    starved = experiments.score("digits", Setting(10, starved=True))
    print(f"digits, one class starved: {starved.accuracy:.1%}, of that class {starved.starved:.1%}")
    for guards in (
        Guards(),
        Guards(weight_decay=True),
        Guards(dropout=True),
        Guards(early_stopping=True),
        Guards(more_pictures=True),
        Guards(True, True, True, True),
    ):
        found = experiments.course(guards)
        print(f"{guards}: learned {found.learned:.1%}, new {found.kept:.1%}, best epoch {found.best_epoch}")


if __name__ == "__main__":
    main()
