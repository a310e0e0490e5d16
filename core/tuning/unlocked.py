"""The plans that change more than the head: "last", "all" and "scratch", for pictures and for texts alike.

"last" and "all" begin with a head that was learned on the locked tower, in a moment, and go on from there.
What is being tuned is a `Network`, made anew for each run by `image_networks` or `text_networks`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.tuning import evaluation, features, image_networks, locked, steps
from core.tuning.course import Course, made_now, preview_examples
from core.tuning.locked import labels_of
from core.tuning.networks import AT_ONCE, Making, Network
from core.tuning.types import Dataset, Event, Example, Finished, Plan, Progress, Started, Stop, Tuned
from core.types import Floats


def tune(dataset: Dataset, plan: Plan, watched: str | None = None) -> Iterator[Event]:
    """The events of a run that changes more than the head."""
    begun = time.perf_counter()
    training, validation = features.split(dataset)
    batches = -(-len(training) // plan.batch)
    previews = preview_examples(validation)
    course = Course(plan, previews)
    known: dict[str, Floats] = {}  # digest -> the locked tower's features (1, width)
    run: _Run | None = None
    try:
        yield Started(plan.epochs * batches, len(training), len(validation))
        yield from locked.compute(dataset, known, plan)
        yield Progress("tuning.stage.network", 0, 1)
        for made in _make(dataset, plan, watched, known):
            if isinstance(made, Progress):
                yield made
            else:
                run = _Run(made, dataset, plan)
        assert run is not None
        given, maps = run.answers(training), run.network.maps(previews[0])
        yield course.epoch(0, run.state(), given, run.labels, run.answers(validation), validation, maps)
        pace = time.perf_counter()
        for number in range(1, plan.epochs + 1):
            given = np.zeros((len(training), len(dataset.labels)), np.float32)
            for step in run.epoch(number, given):
                done = (number - 1) * batches + step
                left = (time.perf_counter() - pace) / done * (plan.epochs * batches - done) if done else None
                yield Progress("tuning.stage.training", done, plan.epochs * batches, left)
            maps = run.network.maps(previews[0])
            yield course.epoch(
                number, run.state(), given, run.labels, run.answers(validation), validation, maps
            )
            if course.should_end(number):
                break
        yield Progress("tuning.stage.evaluating", 0, 1)
    except Stop:
        course.stopped = "by_visitor"
    if run is None and plan.unlocked != "scratch":
        yield locked.finished(dataset, course, known, 0, begun)
        return
    if run is None:
        (network,) = (made for made in _make(dataset, plan, None, known) if isinstance(made, Network))
        run = _Run(network, dataset, plan)
    if course.best is not None:
        run.learner.restore(course.best)
    yield _finished(dataset, course, known, run, begun)


def _make(dataset: Dataset, plan: Plan, watched: str | None, known: dict[str, Floats]) -> Making:
    steps.deterministic(plan.seed)
    if dataset.kind == "images":
        return image_networks.make(dataset, plan, watched, known)
    from core.tuning import text_networks

    return text_networks.make(dataset, plan, known)


class _Run:
    """A network with its learner and the order in which it sees the training examples."""

    def __init__(self, network: Network, dataset: Dataset, plan: Plan) -> None:
        self.network = network
        self.before = network.weights()
        self.training, _ = features.split(dataset)
        self.labels = labels_of(self.training)
        self._plan = plan
        self._random = np.random.default_rng(plan.seed)
        batches = -(-len(self.training) // plan.batch)
        self.learner = steps.Learner(
            network.forward,
            network.variables,
            plan,
            len(dataset.labels),
            plan.epochs * batches,
            network.signature,
        )

    def state(self) -> list[NDArray[np.float32]]:
        """What learns, as it is now."""
        return self.learner.state()

    def epoch(self, number: int, given: Floats) -> Iterator[int]:
        """Learn from each example once; yields before each step how many were taken.

        `given` (n, classes) is filled with the probabilities that the network gave as it learned.
        """
        order = self._random.permutation(len(self.training))
        for step, first in enumerate(range(0, len(order), self._plan.batch)):
            yield step
            chosen = order[first : first + self._plan.batch]
            inputs = self.network.prepare([self.training[index] for index in chosen], number)
            given[chosen] = self.learner.learn(inputs, self.labels[chosen])

    def answers(self, examples: Sequence[Example]) -> Floats:
        """The probabilities (n, classes) of examples as they are."""
        return self._in_batches(self.learner.probabilities, examples)

    def features(self, examples: Sequence[Example]) -> Floats:
        """What the last layer reads of examples as they are, (n, width)."""
        import tensorflow as tf

        traced = tf.function(self.network.features, input_signature=[self.network.signature], autograph=False)
        return self._in_batches(lambda inputs: np.asarray(traced(inputs)), examples)

    def _in_batches(self, function: Callable[[Any], Floats], examples: Sequence[Example]) -> Floats:
        return np.concatenate(
            [
                function(self.network.prepare(examples[first : first + AT_ONCE], None))
                for first in range(0, len(examples), AT_ONCE)
            ]
        )


def _finished(
    dataset: Dataset, course: Course, known: dict[str, Floats], run: _Run, begun: float
) -> Finished:
    training, validation = features.split(dataset)
    after = run.network.weights()
    moved, channels = evaluation.changes(run.before, after)
    scratch = course.plan.unlocked == "scratch"
    kept = {
        name: array
        for name, array in after.items()
        if scratch or name in (locked.KERNEL, locked.BIAS) or not np.array_equal(array, run.before[name])
    }
    rows = evaluation.unit(run.features(training)).astype(np.float16)
    threshold = evaluation.none_threshold(rows)
    found = evaluation.evaluate(
        validation,
        run.answers(validation),
        baseline_accuracy=locked.baseline(dataset, known),
        threshold=threshold,
        moved=moved,
        channels=channels,
    )
    seconds = time.perf_counter() - begun
    tuned = Tuned(
        kind=dataset.kind,
        labels=dataset.labels,
        plan=course.plan,
        weights={**kept, **run.network.always},
        features=rows,
        feature_labels=run.labels,
        feature_digests=tuple(example.digest for example in training),
        none_threshold=threshold,
        figures=course.figures(found, len(training), len(validation), seconds),
        made=made_now(),
    )
    return Finished(tuned, found, tuple(course.history), course.stopped, course.best_epoch, seconds)
