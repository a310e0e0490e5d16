"""How the bag of words is fitted: naive Bayes ratios, then a logistic regression, then the best n-grams kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.optimize import minimize

from core.language import bag_of_words
from core.language.cleaning import clean
from core.language.words import WordTokenizer, cut

RAREST = 3  # texts that a unit or an n-gram must occur in
STRENGTH = 16.0  # the inverse of the weight decay, chosen on the dev texts
ITERATIONS = 100
KEPT = 250_000  # n-grams that ship, those of the largest weights


@dataclass(frozen=True)
class Grams:
    """The n-grams of the training texts: which there are, and which each text holds."""

    tokenizer: WordTokenizer
    keys: np.ndarray  # (n-grams,) int64, sorted
    found: sparse.csr_matrix  # (texts, n-grams) of ones


def count(texts: Sequence[str]) -> Grams:
    """The n-grams that occur in at least `RAREST` texts."""
    units = [[unit for unit, _, _ in cut(clean(text)[0])] for text in texts]
    often = Counter(unit for some in units for unit in set(some))
    tokenizer = WordTokenizer([unit for unit, times in often.most_common() if times >= RAREST])
    rows = [grams_of(np.array(ids, np.int32), tokenizer.size) for ids in tokenizer.ids(texts)]
    keys, times = np.unique(np.concatenate(rows), return_counts=True)
    keys = keys[times >= RAREST]
    return Grams(tokenizer, keys, matrix(rows, keys))


def grams_of(ids: np.ndarray, size: int) -> np.ndarray:
    """The keys of the different n-grams of a text, sorted."""
    found = [bag_of_words.keys(ids, length, size) for length in range(1, bag_of_words.LONGEST + 1)]
    return np.unique(np.concatenate([key[key >= 0] for key in found]))


def matrix(rows: Sequence[np.ndarray], keys: np.ndarray) -> sparse.csr_matrix:
    """A one where a text (row) holds an n-gram (column)."""
    columns, ends = [], [0]
    for row in rows:
        column = np.minimum(np.searchsorted(keys, row), len(keys) - 1)
        column = column[keys[column] == row]
        columns.append(column)
        ends.append(ends[-1] + len(column))
    ones = np.ones(ends[-1], np.float32)
    return sparse.csr_matrix((ones, np.concatenate(columns), ends), (len(rows), len(keys)))


def shared_out(found: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each text's ones divided by the power of how many it has, as the model does it."""
    counts = np.maximum(1, np.asarray(found.sum(axis=1)).ravel())
    return sparse.diags(1 / counts**bag_of_words.POWER) @ found


def fit(found: sparse.csr_matrix, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """The weight of each n-gram and the bias: logistic regression on features scaled by their ratios."""
    positive = 1 + np.asarray(found[labels == 1].sum(axis=0)).ravel()
    negative = 1 + np.asarray(found[labels == 0].sum(axis=0)).ravel()
    ratio = np.log((positive / positive.sum()) / (negative / negative.sum()))
    features = (shared_out(found) @ sparse.diags(ratio)).tocsr()
    turned = features.T.tocsr()
    sign = 2.0 * labels - 1

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = values[:-1], values[-1]
        margin = sign * (features @ weights + bias)
        slope = -sign / (1 + np.exp(np.clip(margin, -50, 50)))
        value = np.logaddexp(0, -margin).sum() + 0.5 * weights @ weights / STRENGTH
        return float(value), np.append(turned @ slope + weights / STRENGTH, slope.sum())

    start = np.zeros(features.shape[1] + 1)
    options = {"maxiter": ITERATIONS, "maxcor": 6}
    solved = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    return solved[:-1] * ratio, float(solved[-1])


def probabilities(found: sparse.csr_matrix, weights: np.ndarray, bias: float) -> np.ndarray:
    """The probability of "positive" of each row."""
    return np.asarray(1 / (1 + np.exp(-np.clip(shared_out(found) @ weights + bias, -50, 50))))


def unseen(found: sparse.csr_matrix, labels: np.ndarray, folds: int = 4, seed: int = 0) -> np.ndarray:
    """What a bag of words says of each training text that was fitted on the other folds: (n,)."""
    fold = np.random.default_rng(seed).permutation(len(labels)) % folds
    said = np.zeros(len(labels))
    for number in range(folds):
        weights, bias = fit(found[fold != number], labels[fold != number])
        said[fold == number] = probabilities(found[fold == number], weights, bias)
    return said.astype(np.float32)


def shipped(grams: Grams, weights: np.ndarray, bias: float) -> dict[str, np.ndarray]:
    """The arrays of the file: the largest weights, over the units that they use."""
    kept = np.sort(np.argsort(-np.abs(weights))[:KEPT])
    size = grams.tokenizer.size
    units = [runs(int(key), size) for key in grams.keys[kept]]
    used = sorted({id for run in units for id in run})
    row = {id: number for number, id in enumerate(used, start=1)}
    made: dict[int, float] = {}
    for run, weight in zip(units, weights[kept], strict=True):
        key = 0
        for id in run:
            key = key * (1 + len(used)) + row[id]
        made[key] = float(weight)
    return bag_of_words.pack([grams.tokenizer.units[id] for id in used], made, bias)


def runs(key: int, size: int) -> list[int]:
    """The ids that a key was made of."""
    ids: list[int] = []
    while key:
        key, id = divmod(key, size)
        ids.append(id)
    return ids[::-1]
