"""The honest baseline: which words, pairs and triples occur, each with one weight.

    logit(positive) - logit(negative) = bias + (sum of the weights of the n-grams found) / n ** POWER

where n is how many different n-grams were found. Words count in English, characters in Chinese; how often
and in which order n-grams come does not. The weights are a logistic regression's over naive Bayes ratios
(Wang and Manning, "Baselines and bigrams: simple, good sentiment and topic classification", 2012).

There is no network: `network` raises, and `inside` leaves the unigrams' weights as embeddings, nothing else.
What can be shown is which n-grams were found, where, and what each weighs: `found`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.language import shipped
from core.language.shipped import Shipped
from core.language.types import Ids, Inside, Token
from core.language.words import WordTokenizer
from core.types import Floats, ModelCard

LONGEST = 3  # units in an n-gram
POWER = 0.5  # 0: a long text counts as much as it is long; 1: as an average

Keys = NDArray[np.int64]


@dataclass(frozen=True)
class Gram:
    """An n-gram of a text that the model knows."""

    tokens: tuple[int, ...]  # places of its tokens in the text's list of tokens
    start: int  # the span in the text as it was typed
    end: int
    weight: float  # above 0 it speaks for "positive"; the sum of all of a text's, and the bias, is its logit


def keys(ids: Ids, length: int, size: int) -> Keys:
    """One number for each run of `length` ids, -1 where one of them is unknown: (T - length + 1,)."""
    wide = ids.astype(np.int64)
    runs = [wide[i : len(wide) - length + 1 + i] for i in range(length)]
    if len(ids) < length:
        return np.zeros(0, np.int64)
    key = runs[0]
    for run in runs[1:]:
        key = key * size + run
    return np.where(np.logical_and.reduce([run > 0 for run in runs]), key, -1)


class BagOfWords(Shipped):
    """N-grams and logistic regression."""

    def __init__(self, name: str, weights: Mapping[str, Floats], card: ModelCard, temperature: float) -> None:
        units = bytes(np.asarray(weights["units"], np.uint8)).decode("utf-8").split("\n")
        super().__init__(name, weights, card, temperature)
        self._words = WordTokenizer(units)
        self._keys: list[Keys] = [np.cumsum(weights[f"keys{n}"], dtype=np.int64) for n in (1, 2, 3)]
        self._values: list[Floats] = [weights[f"weights{n}"][0] for n in (1, 2, 3)]

    @property
    def tokenizer(self) -> WordTokenizer:
        return self._words

    def _weigh(self, ids: Ids) -> list[tuple[Keys, Floats]]:
        """For each length of n-gram: the key of each run of the text, and its weight, NaN where unknown."""
        weighed = []
        for length in range(1, LONGEST + 1):
            known, values = self._keys[length - 1], self._values[length - 1]
            key = keys(ids, length, self._words.size)
            row = np.searchsorted(known, key)
            row[row == len(known)] = 0
            is_known = known[row] == key if len(known) else np.zeros(len(key), bool)
            weight = np.full(len(key), np.nan, np.float32)
            weight[is_known] = values[row[is_known]]
            weighed.append((key, weight))
        return weighed

    def found(self, text: str, tokens: list[Token] | None = None) -> list[Gram]:
        """The n-grams of a text that the model knows, each where it first stands; the weights as they count.

        The bias and these weights add up to the difference of the text's logits.
        """
        tokens = self._words.encode(text) if tokens is None else tokens
        ids = np.array([token.id for token in tokens], np.int32)
        grams: list[Gram] = []
        for length, (key, weight) in enumerate(self._weigh(ids), start=1):
            _, first = np.unique(key, return_index=True)
            for place in sorted(int(i) for i in first if not np.isnan(weight[i])):
                run = tokens[place : place + length]
                grams.append(
                    Gram(tuple(range(place, place + length)), run[0].start, run[-1].end, float(weight[place]))
                )
        share = float(max(1, len(grams)) ** POWER)
        return [Gram(gram.tokens, gram.start, gram.end, gram.weight / share) for gram in grams]

    @property
    def bias(self) -> float:
        """What the model thinks of a text of which it knows nothing, as a difference of logits."""
        return float(self._weights["bias"][0])

    def _score(self, ids: Ids) -> float:
        total, count = 0.0, 0
        for key, weight in self._weigh(ids):
            _, first = np.unique(key, return_index=True)
            known = weight[first]
            known = known[~np.isnan(known)]
            total += float(known.sum())
            count += len(known)
        return self.bias + total / float(max(1, count) ** POWER)

    def forward(self, ids: Ids, mask: Floats) -> Floats:
        scores = [self._score(row[: int(length)]) for row, length in zip(ids, mask.sum(axis=1), strict=True)]
        return np.array([[-score / 2, score / 2] for score in scores], np.float32)

    def inside(self, ids: Ids) -> Inside:
        weights = np.nan_to_num(self._weigh(ids)[0][1])[:, np.newaxis]
        return Inside(self.forward(ids[np.newaxis], np.ones((1, len(ids)), np.float32))[0], weights)


def pack(units: list[str], grams: Mapping[int, float], bias: float) -> dict[str, np.ndarray]:
    """The arrays of a file: the units, the keys of each length as differences, the weights.

    Args:
        units: in the order of their ids, which begin with 1.
        grams: key, as `keys` makes it for `1 + len(units)` ids, to weight.
        bias: the logit of a text without any known n-gram.
    """
    size = 1 + len(units)
    arrays: dict[str, np.ndarray] = {
        "units": np.frombuffer("\n".join(units).encode("utf-8"), np.uint8),
        "bias": np.array([bias], np.float32),
    }
    every = np.array(sorted(grams), np.int64)
    borders = [0, *np.searchsorted(every, [size, size * size]), len(every)]
    for length, (start, end) in enumerate(itertools.pairwise(borders), start=1):
        part = every[start:end]
        arrays[f"keys{length}"] = np.diff(part, prepend=0)
        arrays[f"weights{length}"] = np.array([[grams[int(key)] for key in part]], np.float32)
    return arrays


@functools.cache
def load() -> BagOfWords:
    """The shipped model, one a process."""
    return BagOfWords("bag_of_words", *shipped.read("bag_of_words"))
