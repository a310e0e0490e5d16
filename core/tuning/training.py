"""Tuning a network on a visitor's examples, as an iterator of events."""

from __future__ import annotations

from collections.abc import Iterator

from core.tuning.types import Dataset, Event, Finished, Plan, Unlocked


def default_plan(dataset: Dataset, unlocked: Unlocked = "head") -> Plan:
    """Sensible values for tuning this much of a network on this many examples."""
    raise NotImplementedError


def estimate(dataset: Dataset, plan: Plan) -> float:
    """About how many seconds `fine_tune` will take on two cores, its process's start apart."""
    raise NotImplementedError


def watchable(dataset: Dataset, plan: Plan) -> tuple[str, ...]:
    """The layers whose maps can change under a plan, in network order; () where none can be shown."""
    raise NotImplementedError


def fine_tune(dataset: Dataset, plan: Plan | None = None, *, watched: str | None = None) -> Iterator[Event]:
    """Tune a network on `dataset`: yields `Started`, `Progress`, an `Epoch` each, and last `Finished`.

    Every event is a place to stop: `stop(run)` gives `Finished` with the best model so far. The base
    models are never changed. The same seed, data, plan and machine give the same numbers.

    Args:
        dataset: of pictures or texts, at least two classes, some examples on each side of the split.
        plan: how; `default_plan(dataset)` if not given.
        watched: one of `watchable`, whose maps come with each epoch.

    Raises:
        GlassboxError: `tuning.error.*` or `tuning_data.error.*`: nothing can be learned from the data.
    """
    raise NotImplementedError


def stop(run: Iterator[Event]) -> Finished:
    """Stop a run that has begun: the best model so far, evaluated."""
    raise NotImplementedError
