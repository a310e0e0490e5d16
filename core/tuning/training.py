"""Tuning a network on a visitor's examples, as an iterator of events."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from core.tuning import features, image_networks, locked, review, unlocked
from core.tuning.types import Augmentation, Dataset, Event, Finished, Plan, Stop, Unlocked

# Seconds of one picture or text on two idle cores, rounded up; a busy machine takes longer.
TOWER = {"images": 0.006, "texts": 0.03}  # through the locked tower
BELOW = 0.015  # through the locked blocks of the plan "last", a view
STEP = {  # once forward and back
    ("images", "last"): 0.01,
    ("images", "all"): 0.07,
    ("images", "scratch"): 0.008,
    ("texts", "last"): 0.05,
    ("texts", "all"): 0.12,
    ("texts", "scratch"): 0.004,
}
MOST_AT_ONCE = 6  # in a batch when everything learns: with 8 the worker comes close to what it may take
TENSORFLOW = 8.0  # its start, the network and the first compiled step


def default_plan(dataset: Dataset, unlocked: Unlocked = "head") -> Plan:
    """Sensible values for tuning this much of a network on this many examples."""
    pictures = dataset.kind == "images"
    few = len(dataset.examples) < 300
    if unlocked == "head":
        return Plan(
            unlocked, batch=8 if few else 32, learning_rate=1e-3 if few else 3e-3, refit=not dataset.held_out
        )
    augmentation = Augmentation() if pictures else None
    if unlocked == "last":
        return Plan(unlocked, epochs=8, batch=16, learning_rate=1e-4, augmentation=augmentation)
    if unlocked == "all":
        return Plan(unlocked, epochs=6 if few else 3, batch=4, learning_rate=5e-5, augmentation=augmentation)
    return Plan(
        unlocked,
        epochs=60 if few else 30,
        batch=16,
        learning_rate=1e-3,
        augmentation=augmentation,
        weight_decay=1e-2,
        dropout=0.5 if pictures else 0.3,
    )


def estimate(dataset: Dataset, plan: Plan) -> float:
    """About how many seconds `fine_tune` will take on two cores, its process's start apart."""
    training, _ = features.split(dataset)
    pictures = dataset.kind == "images"
    count = features.views(len(training), plan.augmentation) if pictures and plan.unlocked == "head" else 0
    seconds = 1.0 + TOWER[dataset.kind] * (len(dataset.examples) + count * len(training))
    if plan.unlocked == "head":
        return seconds + plan.epochs * math.ceil(len(training) / plan.batch) * 3e-4
    if pictures and plan.unlocked == "last":
        views = min(features.views(len(training), plan.augmentation), image_networks.MOST_VIEWS)
        seconds += BELOW * (len(dataset.examples) + views * len(training))
    return seconds + TENSORFLOW + plan.epochs * STEP[dataset.kind, plan.unlocked] * len(dataset.examples)


def watchable(dataset: Dataset, plan: Plan) -> tuple[str, ...]:
    """The layers whose maps can change under a plan, in network order; () where none can be shown."""
    if dataset.kind == "texts" or plan.unlocked == "head":
        return ()
    return image_networks.watchable(plan)


def fine_tune(dataset: Dataset, plan: Plan | None = None, *, watched: str | None = None) -> Iterator[Event]:
    """Tune a network on `dataset`: yields `Started`, `Progress`, an `Epoch` each, and last `Finished`.

    Every event is a place to stop: `stop(run)` gives `Finished` with the best model so far. The base
    models are never changed. The same seed, data, plan and machine give the same numbers.

    Args:
        dataset: of pictures or texts, at least two classes, some examples on each side of the split.
        plan: how; `default_plan(dataset)` if not given.
        watched: one of `watchable`, whose maps come with each epoch.

    Raises:
        GlassboxError: `tuning_data.check.*`: nothing can be learned from the data.
    """
    review.check(dataset)
    chosen = plan or default_plan(dataset)
    if chosen.unlocked == "all":
        chosen = replace(chosen, batch=min(chosen.batch, MOST_AT_ONCE))
    if chosen.unlocked == "head":
        return locked.tune(dataset, chosen)
    return unlocked.tune(dataset, chosen, watched)


def stop(run: Iterator[Event]) -> Finished:
    """Stop a run that has begun: the best model so far, evaluated.

    Raises:
        TypeError: the iterator is not one of `fine_tune`.
    """
    throw = getattr(run, "throw", None)
    if throw is None:
        raise TypeError("only an iterator of fine_tune can be stopped")
    event: Event = throw(Stop())
    while not isinstance(event, Finished):
        event = next(run)
    return event
