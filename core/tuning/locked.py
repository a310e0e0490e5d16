"""The plan "head": the tower is locked, its features are computed once, and only the last layer learns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np

from core.tuning import evaluation, features, head
from core.tuning.course import Course, made_now, preview_examples
from core.tuning.head import Head, Labels
from core.tuning.types import Dataset, Event, Example, Finished, Plan, Progress, Started, Stop, Tuned
from core.types import Floats

KERNEL, BIAS = "logits/kernel", "logits/bias"  # how the last layer's arrays are called in `Tuned.weights`


def tune(dataset: Dataset, plan: Plan) -> Iterator[Event]:
    """The events of a run whose tower is locked."""
    begun = time.perf_counter()
    training, validation = features.split(dataset)
    classes = len(dataset.labels)
    count = features.views(len(training), plan.augmentation) if dataset.kind == "images" else 0
    known: dict[str, Floats] = {}  # digest -> (1 + views, width)
    course = Course(plan, preview_examples(validation))
    try:
        yield Started(plan.epochs * -(-len(training) // plan.batch), len(training), len(validation))
        yield from compute(dataset, known, plan, count)
        given = table(known, training, 1 + count)
        tests = table(known, validation)[:, 0]
        for number, learned in enumerate(head.learn(given, labels_of(training), classes, plan), start=1):
            answers = learned.probabilities(given[:, 0]), learned.probabilities(tests)
            yield course.epoch(number, learned, answers[0], labels_of(training), answers[1], validation)
            if course.should_end(number):
                break
        yield Progress("tuning.stage.evaluating", 0, 1)
    except Stop:
        course.stopped = "by_visitor"
    yield finished(dataset, course, known, count, begun)


def finished(
    dataset: Dataset, course: Course, known: dict[str, Floats], count: int, begun: float
) -> Finished:
    """The end of a run whose tower is locked, or that was stopped before more than the head was learned.

    Where no epoch was finished, the head is that of the nearest class mean, over the examples whose features
    are `known` and at least one of each class.
    """
    classes, plan = len(dataset.labels), course.plan
    training, validation = at_hand(dataset, known)
    own, tests = table(known, training)[:, 0], table(known, validation)[:, 0]
    means = head.nearest_mean(own, labels_of(training), classes)
    best: Head = course.best or means
    taken, learned_from = best, training
    if plan.refit and course.best is not None:
        learned_from = (*training, *validation)
        taken = head.after(
            course.best_epoch, table(known, learned_from, 1 + count), labels_of(learned_from), classes, plan
        )
        own = np.concatenate([own, tests])
    rows = evaluation.unit(own).astype(np.float16)
    threshold = evaluation.none_threshold(rows)
    right = means.logits(tests).argmax(axis=1) == labels_of(validation)
    found = evaluation.evaluate(
        validation, best.probabilities(tests), baseline_accuracy=float(right.mean()), threshold=threshold
    )
    seconds = time.perf_counter() - begun
    tuned = Tuned(
        kind=dataset.kind,
        labels=dataset.labels,
        plan=plan,
        weights={KERNEL: taken.kernel, BIAS: taken.bias},
        features=rows,
        feature_labels=labels_of(learned_from),
        feature_digests=tuple(example.digest for example in learned_from),
        none_threshold=threshold,
        figures=course.figures(found, len(training), len(validation), seconds),
        made=made_now(),
    )
    return Finished(tuned, found, tuple(course.history), course.stopped, course.best_epoch, seconds)


def first_head(dataset: Dataset, known: dict[str, Floats], seed: int) -> Head:
    """A head learned on the features of the locked tower, for a run that changes more than the head.

    From a random head, the first steps would spoil what the tower knows.

    References:
        Kumar et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution",
        2022: linear probing, then fine-tuning.
    """
    training, _ = features.split(dataset)
    plan = Plan(epochs=20, seed=seed)
    return head.after(plan.epochs, table(known, training), labels_of(training), len(dataset.labels), plan)


def baseline(dataset: Dataset, known: dict[str, Floats]) -> float:
    """The accuracy of naming the class whose mean of the locked features is nearest."""
    training, validation = at_hand(dataset, known)
    means = head.nearest_mean(table(known, training)[:, 0], labels_of(training), len(dataset.labels))
    named = means.logits(table(known, validation)[:, 0]).argmax(axis=1)
    return float((named == labels_of(validation)).mean())


def compute(dataset: Dataset, known: dict[str, Floats], plan: Plan, count: int = 0) -> Iterator[Progress]:
    """Fill `known` with the features of all examples, and `count` augmented views of those of training.

    The examples themselves come first, in an order that soon has some of each class on each side.
    """
    training, _ = features.split(dataset)
    total = len(dataset.examples) + len(training) * count
    begun, done = time.perf_counter(), 0

    def progress() -> Progress:
        passed = time.perf_counter() - begun
        left = passed / done * (total - done) if done >= 4 else None
        return Progress("tuning.stage.features", done, total, left)

    order, size = _mixed(dataset.examples), features.TOGETHER[dataset.kind]
    for first in range(0, len(order), size):
        yield progress()
        some = order[first : first + size]
        for example, row in zip(some, features.of_examples(dataset.kind, some), strict=True):
            known[example.digest] = row[np.newaxis]
        done += len(some)
    for example in training if count else ():
        yield progress()
        rows = [
            features.of_picture(features.view(example, number, plan.augmentation, plan.seed))
            for number in range(1, 1 + count)
        ]
        known[example.digest] = np.concatenate([known[example.digest], rows])
        done += count
    yield progress()


def _mixed(examples: Sequence[Example]) -> list[Example]:
    """The examples, one of each class and side in turn."""
    groups: dict[tuple[int, str], list[Example]] = {}
    for example in examples:
        groups.setdefault((example.label, example.split), []).append(example)
    rows = zip_longest(*(groups[key] for key in sorted(groups)))
    return [example for row in rows for example in row if example is not None]


def at_hand(dataset: Dataset, known: dict[str, Floats]) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """The examples of both sides whose features are known, after an early stop not all of them.

    At least one of each class to learn from, and one to test with: their features are computed now.
    """
    training, validation = features.split(dataset)
    for label in range(len(dataset.labels)):
        of_class = [example for example in training if example.label == label]
        if not any(example.digest in known for example in of_class):
            known[of_class[0].digest] = features.of_examples(dataset.kind, of_class[:1])
    if not any(example.digest in known for example in validation):
        known[validation[0].digest] = features.of_examples(dataset.kind, validation[:1])
    return (
        tuple(example for example in training if example.digest in known),
        tuple(example for example in validation if example.digest in known),
    )


def table(known: dict[str, Floats], examples: Sequence[Example], views: int = 1) -> Floats:
    """(n, views, width) of the examples; where a view was not made, the example itself."""
    rows = []
    for example in examples:
        found = known[example.digest][:views]
        rows.append(np.concatenate([found, np.repeat(found[:1], views - len(found), axis=0)]))
    return np.asarray(rows, np.float32)


def labels_of(examples: Sequence[Example]) -> Labels:
    """The classes of examples, (n,)."""
    return np.array([example.label for example in examples], np.int64)
