"""Softmax regression in plain numpy: what is learned on top of a locked tower.

    p = softmax(x K + b)                        x: the tower's features, (width,)
    loss = -sum_c target_c log p_c              target: 1 for the class, smoothed if so planned

Its gradient is exact and short: `dK = x^T (p - target)`, `db = p - target`, averaged over a batch. The
steps are Nesterov's momentum: on a few dozen examples it finds a head that is a point better than Adam's,
whose steps have the same size for a feature that matters and for one that does not
(`benchmarks/fine_tune.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.tuning.schedule import learning_rate
from core.tuning.types import Plan
from core.types import Floats
from core.vision.lite import softmax

MOMENTUM = 0.9
SQUARED_LENGTH = 1280.0  # of the features, on average, whatever their width: one learning rate fits all
Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Head:
    """The dense layer on top of the tower."""

    kernel: Floats  # (width, classes)
    bias: Floats  # (classes,)

    def logits(self, features: Floats) -> Floats:
        """(n, width) -> (n, classes)."""
        return features @ self.kernel + self.bias

    def probabilities(self, features: Floats) -> Floats:
        """(n, width) -> (n, classes), rows sum to 1."""
        return softmax(self.logits(features))


@dataclass(frozen=True, eq=False)
class _Scaling:
    """Features are centred and brought to one length before a head learns from them."""

    mean: Floats  # (width,)
    scale: np.float32

    @classmethod
    def of(cls, features: Floats) -> _Scaling:
        """The scaling that centres features (n, width)."""
        mean = features.mean(axis=0, dtype=np.float64)
        squared = float(((features - mean) ** 2).sum(axis=1).mean())
        return cls(mean.astype(np.float32), np.float32(np.sqrt(max(squared, 1e-12) / SQUARED_LENGTH)))

    def apply(self, features: Floats) -> Floats:
        """(n, width) -> the same, centred and scaled."""
        return (features - self.mean) / self.scale

    def folded(self, kernel: Floats, bias: Floats) -> Head:
        """The head that gives on the tower's own features what kernel and bias give on the scaled ones."""
        kernel = kernel / self.scale
        return Head(kernel.astype(np.float32), (bias - self.mean @ kernel).astype(np.float32))


def cross_entropy(kernel: Floats, bias: Floats, x: Floats, target: Floats) -> tuple[float, Floats, Floats]:
    """The mean loss of a batch, and its gradient to the kernel and to the bias.

    Args:
        kernel: (width, classes).
        bias: (classes,).
        x: (n, width).
        target: (n, classes), rows sum to 1.
    """
    p = softmax_of(x @ kernel + bias)
    loss = -float((target * np.log(np.maximum(p, 1e-30))).sum()) / len(x)
    error: Any = (p - target) / len(x)  # d loss / d logits
    return loss, x.T @ error, error.sum(axis=0)


def softmax_of(logits: Floats) -> Floats:
    """As `core.vision.lite.softmax`, in the numbers' own precision."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: Floats = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return found


def smoothed(labels: Labels, classes: int, smoothing: float) -> Floats:
    """Targets (n, classes): 1 - smoothing for the class, and smoothing shared by all."""
    return np.asarray(np.eye(classes)[labels] * (1 - smoothing) + smoothing / classes, np.float32)


def learn(features: Floats, labels: Labels, classes: int, plan: Plan) -> Iterator[Head]:
    """A head that learns from (n, views, width) features of n examples; one `Head` after each epoch.

    In each epoch every example comes once, in random order, in one of its views. Dropout hides single
    features; weight decay (decoupled, Loshchilov & Hutter 2019) draws the kernel to 0.
    """
    random = np.random.default_rng(plan.seed)
    count, views, width = features.shape
    scaling = _Scaling.of(features.reshape(-1, width))
    x = scaling.apply(features)
    targets = smoothed(labels, classes, plan.label_smoothing)
    kernel: Any = np.zeros((width, classes), np.float32)
    bias: Any = np.zeros(classes, np.float32)
    kernel_speed, bias_speed = np.zeros_like(kernel), np.zeros_like(bias)
    steps = plan.epochs * -(-count // plan.batch)
    step = 0
    for _ in range(plan.epochs):
        order = random.permutation(count)
        shown = random.integers(0, views, size=(count,))
        for first in range(0, count, plan.batch):
            chosen = order[first : first + plan.batch]
            batch = x[chosen, shown[chosen]]
            if plan.dropout:
                kept = random.random(batch.shape, np.float32) >= plan.dropout
                batch = np.where(kept, batch / np.float32(1 - plan.dropout), np.float32(0))
            _, kernel_slope, bias_slope = cross_entropy(kernel, bias, batch, targets[chosen])
            rate = np.float32(learning_rate(step, steps, plan.learning_rate))
            kernel_speed = MOMENTUM * kernel_speed + kernel_slope
            bias_speed = MOMENTUM * bias_speed + bias_slope
            kernel = kernel - rate * (
                kernel_slope + MOMENTUM * kernel_speed + np.float32(plan.weight_decay) * kernel
            )
            bias = bias - rate * (bias_slope + MOMENTUM * bias_speed)
            step += 1
        yield scaling.folded(kernel, bias)


def after(epochs: int, features: Floats, labels: Labels, classes: int, plan: Plan) -> Head:
    """The head after so many epochs of `learn`, from 1 to those planned."""
    return next(islice(learn(features, labels, classes, plan), epochs - 1, None))


def nearest_mean(features: Floats, labels: Labels, classes: int) -> Head:
    """The head that names the class whose mean is nearest to the features (n, width): nothing is learned.

    |x - m|^2 is smallest where x m - |m|^2 / 2 is largest: a dense layer.

    Raises:
        ValueError: a class without an example; a mistake of ours.

    References:
        Snell et al., "Prototypical networks for few-shot learning", 2017, section 2.4.
    """
    if set(range(classes)) - set(labels.tolist()):
        raise ValueError("every class needs an example")
    scaling = _Scaling.of(features)
    x = scaling.apply(features)
    means = np.stack([x[labels == label].mean(axis=0) for label in range(classes)])  # (classes, width)
    sharp = np.float32(8 / SQUARED_LENGTH)  # so that probabilities are neither all alike nor all 0 and 1
    return scaling.folded(sharp * means.T, -sharp * (means**2).sum(axis=1) / 2)
