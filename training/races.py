"""Recorded races: what is unlocked against how many pictures there are, and each setting on and off.

    python -m training.races --data FOLDER [--seeds 3]

FOLDER holds flowers5_227.tar (`train|test/CLASS/x.jpg`, five kinds of flowers). For each seed so many pictures
a class are drawn from `train` to learn from, and all 250 of `test` are the validation side; so the figures of
early stopping are a little too good, for all alike. A quarter of an hour on two idle processors. Writes
assets/tuning/races.json after each run, so that an interrupted race can go on: rows that are there already are
not run again.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import tarfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import assets, tuning
from core.tuning import training
from core.tuning.queue import LONGEST, queue, start
from core.tuning.types import Augmentation, Dataset, Finished, Plan, Unlocked

FILE = assets.path("tuning", "races.json")
ARCHIVE = "flowers5_227"
SIZES = (5, 10, 20, 40)  # pictures a class
AGAINST = 10  # pictures a class, where all plans race
SETTINGS = 20  # pictures a class, where the settings are tried, from scratch


def dataset(data: Path, count: int, seed: int) -> Dataset:
    """So many training pictures a class, drawn by the seed; the test pictures to test with."""
    chance = random.Random(seed)
    file = io.BytesIO()
    with tarfile.open(data / f"{ARCHIVE}.tar") as tar, zipfile.ZipFile(file, "w") as archive:
        found: dict[tuple[str, str], list[bytes]] = {}
        for member in sorted(tar.getmembers(), key=lambda one: one.name):
            taken = tar.extractfile(member) if member.isfile() and member.name.endswith("jpg") else None
            if taken is not None:
                side, label = member.name.split("/")[-3:-1]
                found.setdefault((side, label), []).append(taken.read())
        for (side, label), every in found.items():
            for number, content in enumerate(chance.sample(every, count) if side == "train" else every):
                archive.writestr(f"{side}/{label}/{number}.jpg", content)
    return tuning.image_dataset(file.getvalue())


def races(seeds: int) -> Iterator[tuple[str, str, Unlocked, int, int, dict[str, Any]]]:
    """(race, name, unlocked, pictures a class, seed, what differs from the default plan)."""
    for seed in range(seeds):
        for unlocked in ("head", "last", "all", "scratch"):
            yield "plans", unlocked, unlocked, AGAINST, seed, {}  # type: ignore[misc]
    for seed in range(seeds):
        for count in SIZES:
            yield "sizes", "head", "head", count, seed, {}
        for count in SIZES:
            yield "sizes", "scratch", "scratch", count, seed, {}
    bare = {"early_stopping": False, "augmentation": None, "weight_decay": 0.0, "dropout": 0.0}
    everything: dict[str, Any] = {"early_stopping": False, "augmentation": Augmentation()}
    for seed in range(seeds):
        for name, settings in (
            ("nothing", bare),
            ("early_stopping", bare | {"early_stopping": True}),
            ("augmentation", bare | {"augmentation": Augmentation()}),
            ("regularisation", bare | {"weight_decay": 1e-2, "dropout": 0.5}),
            ("all_of_them", everything | {"early_stopping": True, "weight_decay": 1e-2, "dropout": 0.5}),
        ):
            yield "settings", name, "scratch", SETTINGS, seed, settings


def run(data: Path, unlocked: Unlocked, count: int, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """One row."""
    pictures = dataset(data, count, seed)
    plan: Plan = replace(training.default_plan(pictures, unlocked), seed=seed, **settings)
    begun = time.perf_counter()
    work = start("races", pictures, plan)
    work.wait()
    seconds = time.perf_counter() - begun
    if work.error:
        raise work.error
    found: Finished = work.result
    queue().forget(work)
    if found.stopped == "by_visitor":  # by the queue: nobody else is here
        raise SystemExit(f"the machine is too busy: a run takes at most {LONGEST / 60:.0f} minutes")
    return {
        "accuracy": found.evaluation.accuracy,
        "interval": found.evaluation.interval,
        "loss": found.evaluation.loss,
        "training_accuracy": found.history[-1].accuracy,
        "last_validation_accuracy": found.history[-1].validation_accuracy,
        "best_epoch": found.best_epoch,
        "epochs": found.history[-1].epoch,
        "seconds": round(seconds, 1),
        "tests": len(found.evaluation.labels),
        "plan": asdict(plan),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "history": [
            [
                epoch.epoch,
                *(
                    round(x, 4)
                    for x in (epoch.loss, epoch.accuracy, epoch.validation_loss, epoch.validation_accuracy)
                ),
            ]
            for epoch in found.history
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--again", action="store_true", help="forget what was recorded")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    if FILE.exists() and not options.again:
        rows = json.loads(FILE.read_text(encoding="utf-8"))["rows"]
    known = {(row["race"], row["name"], row["count"], row["seed"]): row for row in rows}
    for race, name, unlocked, count, seed, settings in races(options.seeds):
        key = (race, name, count, seed)
        if key in known:
            continue
        twin = known.get(({"plans": "sizes", "sizes": "plans"}.get(race, race), name, count, seed))
        measured = twin or run(options.data, unlocked, count, seed, settings)
        row = {**measured, "race": race, "name": name, "count": count, "seed": seed}
        known[key] = row
        print(race, name, count, seed, f"{row['accuracy']:.3f}", f"{row['seconds']} s", flush=True)
        stored = {"data": ARCHIVE, "classes": 5, "made_by": "training/races.py", "rows": list(known.values())}
        FILE.write_text(json.dumps(stored, ensure_ascii=False) + "\n", encoding="utf-8")
    print(summary(list(known.values())))
    queue().close()


def summary(rows: list[dict[str, Any]]) -> str:
    """The mean of each race over its seeds."""
    lines = []
    for key in dict.fromkeys((row["race"], row["name"], row["count"]) for row in rows):
        every = [row["accuracy"] for row in rows if (row["race"], row["name"], row["count"]) == key]
        lines.append(f"{key[0]:9s} {key[1]:16s} {key[2]:3d} a class: {100 * sum(every) / len(every):5.1f} %")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
