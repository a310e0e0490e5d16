"""What a tuned network is worth: its accuracy with an interval, its calibration, what it does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.tuning import head
from core.tuning.head import Labels
from core.tuning.types import Evaluation, Example
from core.types import Floats

Rows: TypeAlias = NDArray[np.float16] | Floats  # of length 1

Z95 = 1.959963984540054  # of the normal distribution, two-sided 95 %
BINS = 10
NONE_QUANTILE = 0.95  # of the training examples' own distances: 5 % of what belongs is taken for foreign
MOST_CHANGED = 5  # channels named of a layer


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `right` of `count` were seen.

    References:
        Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if count == 0:
        return 0.0, 1.0
    share, z2 = right / count, Z95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z95 / (1 + z2 / count) * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    # the share itself is always within, which the last bit of a number may deny
    return max(0.0, min(share, float(middle - half))), min(1.0, max(share, float(middle + half)))


def loss(probabilities: Floats, labels: Labels) -> float:
    """The mean negative log-likelihood of the true classes, in nats."""
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(true, 1e-12)).mean())


def calibration_error(probabilities: Floats, labels: Labels) -> float:
    """How far confidence is from accuracy, averaged over `BINS` equal bins of confidence.

    References:
        Guo et al., "On calibration of modern neural networks", 2017, equation 3.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(right[bins == b].sum() - confidence[bins == b].sum()) for b in range(BINS)]
    return float(sum(gaps) / len(labels))


def confusion(probabilities: Floats, labels: Labels) -> NDArray[np.int64]:
    """How often each class (rows) was called which (columns)."""
    classes = probabilities.shape[1]
    pairs = labels * classes + probabilities.argmax(axis=1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def unit(features: Floats) -> Floats:
    """Rows of length 1."""
    return np.asarray(
        features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12), np.float32
    )


def nearest(rows: Rows, features: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Of each of the features (m, width) the distance to the nearest of the unit rows, and which it is.

    The distance is 1 - cosine, 0 for the same direction, 1 for none in common.
    """
    cosines = unit(features) @ rows.astype(np.float32).T  # (m, n)
    return np.asarray(1 - cosines.max(axis=1), np.float32), cosines.argmax(axis=1)


def none_threshold(rows: Rows) -> float:
    """The distance beyond which something is none of the classes, from the unit rows (n, width) themselves.

    Each example is taken away once and its distance to the nearest other one is measured; `NONE_QUANTILE`
    of these distances lie below the threshold.
    """
    if len(rows) < 2:
        return 1.0
    cosines = rows.astype(np.float32) @ rows.astype(np.float32).T
    np.fill_diagonal(cosines, -np.inf)
    return float(np.quantile(1 - cosines.max(axis=1), NONE_QUANTILE))


def evaluate(
    examples: Sequence[Example],
    probabilities: Floats,
    *,
    baseline_accuracy: float,
    threshold: float,
    moved: Mapping[str, float] | None = None,
    channels: Mapping[str, tuple[tuple[int, float], ...]] | None = None,
) -> Evaluation:
    """The figures of a network that gave `probabilities` (n, classes) to the validation examples."""
    labels = np.array([example.label for example in examples], np.int64)
    right = int((probabilities.argmax(axis=1) == labels).sum())
    return Evaluation(
        digests=tuple(example.digest for example in examples),
        probabilities=probabilities,
        labels=labels,
        accuracy=right / len(labels),
        interval=wilson(right, len(labels)),
        loss=loss(probabilities, labels),
        calibration_error=calibration_error(probabilities, labels),
        confusion=confusion(probabilities, labels),
        baseline_accuracy=baseline_accuracy,
        none_threshold=threshold,
        moved=moved or {},
        channels=channels or {},
    )


def baseline(training: Floats, labels: Labels, testing: Floats, true: Labels, classes: int) -> float:
    """The accuracy of naming the class whose mean is nearest, on the locked tower's features."""
    found = head.nearest_mean(training, labels, classes).logits(testing).argmax(axis=1)
    return float((found == true).mean())


def changes(
    before: Mapping[str, NDArray[np.float32]], after: Mapping[str, NDArray[np.float32]]
) -> tuple[dict[str, float], dict[str, tuple[tuple[int, float], ...]]]:
    """How far each layer's kernel has moved, and which of its channels moved most.

    Both are relative: the length of the difference over the length of what was there before. Of kernels
    by name ("layer/kernel"), whose last axis is the channels; a depthwise kernel's channels are its
    third axis of four. Only layers that moved at all.
    """
    moved: dict[str, float] = {}
    channels: dict[str, tuple[tuple[int, float], ...]] = {}
    for name, kernel in after.items():
        layer = name.rsplit("/", 1)[0]
        if not name.endswith("kernel") or name not in before:
            continue
        difference, start = kernel - before[name], before[name]
        length = float(np.linalg.norm(start))
        share = float(np.linalg.norm(difference)) / max(length, 1e-12)
        if share == 0:
            continue
        key = layer if name.endswith("/kernel") else name
        moved[key] = share
        if kernel.ndim == 4 and kernel.shape[-1] == 1:
            difference, start = difference[..., 0], start[..., 0]
        axes = tuple(range(difference.ndim - 1))
        each = np.sqrt((difference**2).sum(axis=axes)) / np.maximum(np.sqrt((start**2).sum(axis=axes)), 1e-12)
        most = np.argsort(-each, kind="stable")[:MOST_CHANGED]
        channels[key] = tuple((int(channel), float(each[channel])) for channel in most)
    return moved, channels
