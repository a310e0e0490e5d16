"""From the scores of the next token to the one that is taken: every step a function, every step's numbers kept.

    scores    -> repetition penalty: a token that was there before is made less likely
              -> temperature: divided by it; below 1 the likely becomes likelier, above 1 all more alike
              -> softmax: probabilities
              -> top-k: only the k likeliest stay
              -> top-p: of these, the fewest whose probabilities sum to at least p stay
              -> divided by their sum, and one is drawn

References:
    Keskar et al., "CTRL", 2019 (repetition penalty); Fan et al., "Hierarchical neural story generation",
    2018 (top-k); Holtzman et al., "The curious case of neural text degeneration", 2020 (top-p); Ho and
    Salimans, "Classifier-free diffusion guidance", 2022, for texts Sanchez et al., "Stay on topic", 2023.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from core.language.calibration import softmax
from core.params import Range
from core.types import Floats

Kept = NDArray[np.bool_]


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy: always the likeliest."""

    temperature: Annotated[float, Range(0.0, 2.0, 0.05)] = 0.8
    top_k: Annotated[int, Range(0, 100, 1)] = 0  # 0: all stay
    top_p: Annotated[float, Range(0.05, 1.0, 0.05)] = 0.95  # 1: all stay
    repetition_penalty: Annotated[float, Range(1.0, 2.0, 0.05)] = 1.0  # 1: none
    penalty_window: Annotated[int, Range(8, 256, 8)] = 64  # so many last tokens count as "there before"


@dataclass(frozen=True)
class Candidate:
    """One token as the next, with its numbers at each step."""

    id: int
    piece: str
    score: float  # as the model gave it (after the guidance, if there is one)
    penalised: float
    scaled: float  # after the temperature
    softmax: float
    in_top_k: bool
    in_top_p: bool
    probability: float  # with which it is drawn


@dataclass(frozen=True)
class Choice:
    """The distribution of the next token through all steps, an array (tokens,) a step."""

    model: Floats  # softmax of the model's scores alone: what surprisals are taken from
    scores: Floats
    penalised: Floats
    scaled: Floats
    softmax: Floats
    in_top_k: Kept
    in_top_p: Kept  # and in the top k
    probabilities: Floats  # sum to 1; of temperature 0: one token has it all
    sampling: Sampling

    def likeliest(self, count: int = 10) -> NDArray[np.intp]:
        """The ids of the tokens that are likeliest to be drawn; those of probability 0 by their scores."""
        order = np.lexsort((-self.penalised, -self.probabilities))
        return np.asarray(order[:count])

    def draw(self, random: np.random.Generator) -> int:
        """A token, drawn by the probabilities."""
        kept = np.flatnonzero(self.probabilities)
        ends = np.cumsum(self.probabilities[kept].astype(np.float64))
        return int(kept[min(len(kept) - 1, int(np.searchsorted(ends, random.random() * ends[-1], "right")))])


def penalise(scores: Floats, before: Iterable[int], penalty: float) -> Floats:
    """Scores of tokens that were there before, divided by the penalty if above 0, else times it."""
    changed = scores.copy()
    ids = np.unique(np.fromiter(before, np.intp))
    if penalty != 1 and len(ids):
        own = scores[ids]
        changed[ids] = np.where(own > 0, own / np.float32(penalty), own * np.float32(penalty))
    return changed


def scale(scores: Floats, temperature: float) -> Floats:
    """Scores divided by the temperature; of temperature 0 the highest is 0 and all others are -inf."""
    if temperature > 0:
        return np.asarray(scores / np.float32(temperature))
    greedy = np.full(scores.shape, -np.inf, np.float32)
    greedy[int(scores.argmax())] = 0
    return greedy


def top_k(probabilities: Floats, k: int) -> Kept:
    """Which tokens are among the k likeliest, exactly k of them (of equals the lower ids); 0: all are."""
    kept = np.ones(probabilities.shape, bool)
    if 0 < k < len(probabilities):
        kept[np.argsort(-probabilities, kind="stable")[k:]] = False
    return kept


def top_p(probabilities: Floats, p: float, kept: Kept | None = None) -> Kept:
    """Which tokens are among the fewest whose probabilities sum to at least p of the kept ones' sum."""
    inside = np.ones(probabilities.shape, bool) if kept is None else kept.copy()
    if p >= 1:
        return inside
    own = np.where(inside, probabilities, 0).astype(np.float64)
    order = np.argsort(-own, kind="stable")
    before = np.cumsum(own[order]) - own[order]  # the sum of those that are likelier
    inside[order[before >= p * own.sum() - 1e-9]] = False
    inside[order[0]] = True
    return inside


def choose(
    scores: Floats, sampling: Sampling, before: Iterable[int] = (), unguided: Floats | None = None
) -> Choice:
    """The distribution from which the next token is drawn, step by step.

    Args:
        scores: (tokens,), of the model.
        before: ids that were there before, for the repetition penalty.
        unguided: the model's own scores, if `scores` come out of a guidance (`guided`).
    """
    penalised = penalise(scores, before, sampling.repetition_penalty)
    scaled = scale(penalised, sampling.temperature)
    probabilities = softmax(scaled)
    in_top_k = top_k(probabilities, sampling.top_k)
    in_top_p = top_p(probabilities, sampling.top_p, in_top_k)
    drawn = np.where(in_top_p, probabilities, np.float32(0))
    return Choice(
        model=softmax(scores if unguided is None else unguided),
        scores=scores,
        penalised=penalised,
        scaled=scaled,
        softmax=probabilities,
        in_top_k=in_top_k,
        in_top_p=in_top_p,
        probabilities=np.asarray(drawn / drawn.sum(), np.float32),
        sampling=sampling,
    )


def guided(wished: Floats, unwished: Floats, strength: float) -> Floats:
    """Scores moved on, away from those under the opposite wish: wished + strength (wished - unwished)."""
    return np.asarray(wished + np.float32(strength) * (wished - unwished))
