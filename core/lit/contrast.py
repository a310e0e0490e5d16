"""The loss of locked-image tuning with its gradient, and a small text tower that learns by it, in plain numpy.

A batch holds n pictures and n texts, text i being of picture i. Of all n x n similarities

    S_ij = scale * x_i . y_j          x_i: picture, y_j: text, unit vectors; scale = 1 / temperature

the diagonal is to win, along each row (which text is of this picture?) and down each column (which picture is of
this text?):

    loss = -(1 / 2n) sum_i [ log softmax_j(S_ij)_i + log softmax_j(S_ji)_i ]

References:
    Zhai et al., "LiT", CVPR 2022; Radford et al., "Learning transferable visual models from natural language
    supervision", ICML 2021, figure 3; van den Oord et al., "Representation learning with contrastive predictive
    coding", 2018 (the loss).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from core.lit.towers import unit
from core.types import Floats
from core.vision.lite import softmax

Weights: TypeAlias = dict[str, Floats]
FADE, SQUARED_FADE = 0.9, 0.98  # of Adam's moments
LARGEST_SCALE = np.float32(np.log(100.0))


@dataclass(frozen=True, eq=False)
class Contrast:
    """The loss of one batch, and its gradients."""

    loss: float
    by_row: Floats  # (n, n): of each picture, how probable each text is
    by_column: Floats  # (n, n): of each text, how probable each picture is
    to_images: Floats  # (n, d): d loss / d x
    to_texts: Floats  # (n, d): d loss / d y
    to_log_scale: float


def matrix_loss(cosines: Floats, scale: float) -> tuple[float, Floats, Floats]:
    """The loss of a matrix of cosines (n, n), and its softmax along each row and down each column."""
    similarities = np.float32(scale) * cosines
    by_row, by_column = softmax(similarities), softmax(similarities.T).T
    right = np.log(np.maximum(np.diag(by_row), 1e-30)) + np.log(np.maximum(np.diag(by_column), 1e-30))
    return float(-right.mean() / 2), by_row, by_column


def contrast(images: Floats, texts: Floats, scale: float) -> Contrast:
    """The symmetric contrastive loss of unit rows (n, d) and (n, d) that belong together in order."""
    cosines = images @ texts.T  # (n, n)
    loss, by_row, by_column = matrix_loss(cosines, scale)
    diagonal = np.arange(len(images))
    error = (by_row + by_column) / np.float32(2 * len(images))  # d loss / d S
    error[diagonal, diagonal] -= np.float32(1 / len(images))
    return Contrast(
        loss=loss,
        by_row=by_row,
        by_column=by_column,
        to_images=np.asarray(np.float32(scale) * error @ texts, np.float32),
        to_texts=np.asarray(np.float32(scale) * error.T @ images, np.float32),
        to_log_scale=float((error * cosines).sum() * scale),
    )


class SmallTower:
    """A text tower small enough to be tuned while one looks on.

        x = bag (V + dV)                 the mean of a text's word vectors, centred            (n, 384)
        y = x K + b + relu(x A + a) B    a projection, and a layer beside it                   (n, 1280)

    `V` are word vectors of a Transformer that has read texts and never seen a picture. `K` and `b` are the
    projection; `dV`, `A`, `a`, `B` are the tower's own and stay zero or at their beginning while it is locked.

    Args:
        vectors: (words, 384), as the Transformer has them.
        width: of the image tower's space.
        seed: of the weights that begin at random.
        told_from: the mean (384,) and the spread that the vectors are brought to 0 and 1 by, of an earlier
            tower that this one goes on from; those of `vectors` if not given.
    """

    HIDDEN = 512
    PROJECTION = ("K", "b", "log scale")

    def __init__(
        self,
        vectors: Floats,
        width: int,
        seed: int = 0,
        told_from: tuple[Floats, float] | None = None,
    ) -> None:
        random = np.random.default_rng(seed)
        inner = vectors.shape[1]
        self.told_from = told_from or (vectors.mean(axis=0), float(vectors.std()))
        middle, spread = self.told_from
        self.vectors: Floats = np.asarray((vectors - middle) / np.float32(spread), np.float32)  # (words, 384)
        self.weights: Weights = {
            "K": random.normal(0, inner**-0.5, (inner, width)).astype(np.float32),
            "b": np.zeros(width, np.float32),
            "log scale": np.full((1,), np.log(20.0), np.float32),
            "dV": np.zeros_like(self.vectors),
            "A": random.normal(0, inner**-0.5, (inner, self.HIDDEN)).astype(np.float32),
            "a": np.zeros(self.HIDDEN, np.float32),
            "B": np.zeros((self.HIDDEN, width), np.float32),
        }

    @property
    def scale(self) -> float:
        """1 / temperature."""
        return float(np.exp(self.weights["log scale"][0]))

    def embed(self, bags: Floats) -> Floats:
        """Unit rows (n, width) of texts as shares of words (n, words)."""
        return self._forward(bags)[0]

    def _forward(self, bags: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        w = self.weights
        used = np.flatnonzero(bags.any(axis=0))  # of thousands of words a batch holds a few hundred
        x = bags[:, used] @ (self.vectors[used] + w["dV"][used])
        hidden = np.maximum(x @ w["A"] + w["a"], 0)
        y = x @ w["K"] + w["b"] + hidden @ w["B"]
        return unit(y), x, hidden, np.linalg.norm(y, axis=1, keepdims=True)

    def gradients(self, bags: Floats, images: Floats, locked: bool) -> tuple[Contrast, Weights]:
        """The loss of a batch and its gradients, of the projection alone if the tower is locked."""
        texts, x, hidden, length = self._forward(bags)
        found = contrast(images, texts, self.scale)
        along = (found.to_texts * texts).sum(axis=1, keepdims=True)
        to_y = (found.to_texts - along * texts) / np.maximum(length, 1e-12)  # through the division by |y|
        slopes = {
            "K": x.T @ to_y,
            "b": to_y.sum(axis=0),
            "log scale": np.array([found.to_log_scale], np.float32),
        }
        if not locked:
            w = self.weights
            to_hidden = (to_y @ w["B"].T) * (hidden > 0)
            slopes["B"] = hidden.T @ to_y
            slopes["A"] = x.T @ to_hidden
            slopes["a"] = to_hidden.sum(axis=0)
            used = np.flatnonzero(bags.any(axis=0))
            slopes["dV"] = np.zeros_like(w["dV"])
            slopes["dV"][used] = bags[:, used].T @ (to_y @ w["K"].T + to_hidden @ w["A"].T)
        return found, slopes


class Adam:
    """Kingma & Ba 2015, with decoupled weight decay (Loshchilov & Hutter 2019) of the matrices."""

    def __init__(self, weights: Weights, rates: Mapping[str, float], decay: float = 0.0) -> None:
        self._weights, self._rates, self._decay = weights, rates, decay
        self._moments: dict[str, tuple[Floats, Floats]] = {}
        self._step = 0

    def step(self, slopes: Mapping[str, Floats], share: float) -> None:
        """Move the weights against their slopes, by `share` of their learning rates."""
        self._step += 1
        even = np.sqrt(1 - SQUARED_FADE**self._step) / (1 - FADE**self._step)
        for name, slope in slopes.items():
            first, second = self._moments.get(name, (np.zeros_like(slope), np.zeros_like(slope)))
            first = np.float32(FADE) * first + np.float32(1 - FADE) * slope
            second = np.float32(SQUARED_FADE) * second + np.float32(1 - SQUARED_FADE) * slope * slope
            self._moments[name] = first, second
            rate = np.float32(share * self._rates[name])
            old = self._weights[name]
            change = np.float32(even) * first / (np.sqrt(second) + np.float32(1e-8))
            if old.ndim > 1:
                change = change + np.float32(self._decay) * old
            self._weights[name] = np.asarray(old - rate * change, np.float32)
        self._weights["log scale"] = np.minimum(self._weights["log scale"], LARGEST_SCALE)
