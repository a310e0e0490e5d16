"""What the two towers are worth: names, classes left out, captions, CIFAR-10. Arrays in, figures out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.types import Floats

NEAREST_ROW = 0.86  # top-1 of the nearest classifier row on ImageNet photos: spread samples are made as hard


def unit(x: Floats) -> Floats:
    """Rows of length 1."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12), np.float32)


def nearest(queries: Floats, candidates: Floats) -> np.ndarray:
    """The place of the nearest candidate of each query."""
    return (queries @ candidates.T).argmax(axis=1)


def recall(texts: Floats, images: Floats, owners: np.ndarray, within: int) -> float:
    """The share of texts whose own image is among the `within` nearest."""
    order = np.argsort(-(texts @ images.T), axis=1)[:, :within]
    return float((order == owners[:, np.newaxis]).any(axis=1).mean())


def covariance(sets: Sequence[tuple[Floats, np.ndarray]]) -> Floats:
    """How the features of one class spread, (width, width): from sets of (features, labels)."""
    rests = []
    for features, labels in sets:
        for label in np.unique(labels):
            own = features[labels == label]
            rests.append(own - own.mean(axis=0))
    return np.asarray(np.cov(np.concatenate(rests).T), np.float32)


class Spread:
    """Samples around the classifier's rows, spread as the features of real photos are.

    A linear classifier that was fitted well has rows W with class means near centre + k W S, S being the
    covariance within classes (linear discriminant analysis). `k` is set so that the nearest row is right as
    often as it is on ImageNet photos. They stand in for photos that are not here, and are called what they are.
    """

    def __init__(self, rows: Floats, centre: Floats, spread: Floats, seed: int = 3, each: int = 4) -> None:
        self._rows, self.centre = rows, centre
        values, vectors = np.linalg.eigh(spread.astype(np.float64))
        root = ((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T).astype(np.float32)
        random = np.random.default_rng(seed)
        self.labels = np.repeat(np.arange(len(rows)), each)
        noise = random.normal(size=(len(self.labels), rows.shape[1])).astype(np.float32) @ root
        means = (rows @ spread)[self.labels]
        low, high = 0.0, 40.0
        for _ in range(12):
            middle = (low + high) / 2
            right = (nearest(unit(middle * means + noise), unit(rows)) == self.labels).mean()
            low, high = (middle, high) if right < NEAREST_ROW else (low, middle)
        self.embeddings = unit(high * means + noise)

    def accuracy(self, names: Floats, classes: np.ndarray | None = None) -> float:
        """The share of samples whose nearest name is theirs; of `classes` alone, if given."""
        if classes is None:
            return float((nearest(self.embeddings, names) == self.labels).mean())
        chosen = np.isin(self.labels, classes)
        return float(
            (classes[nearest(self.embeddings[chosen], names[classes])] == self.labels[chosen]).mean()
        )
