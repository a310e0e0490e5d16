"""What an attribution is worth: take its most important tokens away and watch the probability fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.language.attribution import Attribution
from core.language.reading import chosen, margins, passes_within, probability
from core.language.types import TextModel
from core.types import Floats

FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5)  # of the tokens
ORDERS = 20  # random ones
FEWEST_ORDERS = 5
WORK = 1e11  # multiplications that the random orders may take: a few seconds
DRAWS = 2_000  # of the bootstrap


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Probability of the window's own verdict as tokens go, or as only they stay. F fractions and 0."""

    label_index: int  # the verdict whose probability is watched: 1 is positive
    fractions: Floats  # (F + 1,) of the tokens, 0..1, beginning with 0
    removed: Floats  # (F + 1,) without the most important tokens
    kept: Floats  # (F + 1,) with nothing but the most important tokens; kept[0] is of the whole window
    random: Floats  # (F + 1,) without random tokens: mean over the orders
    random_low: Floats  # (F + 1,) lower end of that mean's 95 % interval (bootstrap over the orders)
    random_high: Floats  # (F + 1,)
    random_falls: Floats  # (orders,) what `comprehensiveness` would be for each random order

    @property
    def comprehensiveness(self) -> float:
        """How far the probability falls without the most important tokens, mean over the fractions."""
        return _fall(self.removed)

    @property
    def sufficiency(self) -> float:
        """How far it falls if nothing but the most important tokens stays: the nearer to 0, the better."""
        return _fall(self.kept)

    @property
    def random_comprehensiveness(self) -> float:
        """How far it falls without random tokens: what an attribution has to beat."""
        return float(self.random_falls.mean())

    @property
    def beaten(self) -> float:
        """The share of the random orders that make it fall less."""
        return float((self.random_falls < self.comprehensiveness).mean())


def faithfulness(model: str | TextModel, attribution: Attribution, *, seed: int = 0) -> Faithfulness:
    """Deletes the top 10, 20, 30, 40 and 50 % of a window's tokens in the order of an attribution.

    First go the tokens that speak most for the window's verdict, at least one. The remaining ones move
    together; nothing is put in the place of those that go, and a window without a token is even. Beside it
    the same of `ORDERS` random orders, of fewer where a long text would take long.

    References:
        DeYoung et al., "ERASER: A Benchmark to Evaluate Rationalized NLP Models", ACL 2020, section 4.2
        (comprehensiveness and sufficiency).
    """
    found = chosen(model)
    ids = np.array([token.id for token in attribution.tokens], np.int32)
    label_index = int(margins(found, [ids])[0] >= 0)
    towards = attribution.scores if label_index or not attribution.signed else -attribution.scores
    best = np.argsort(-towards, kind="stable")

    draw = np.random.default_rng(seed)
    passes = passes_within(found, found.inside(ids), len(ids), WORK)
    orders = min(max(passes // len(FRACTIONS), FEWEST_ORDERS), ORDERS)
    chance = [draw.permutation(len(ids)) for _ in range(orders)]

    counts = [int(np.ceil(fraction * len(ids))) for fraction in FRACTIONS]
    without = [np.delete(ids, order[:count]) for order in (best, *chance) for count in counts]
    only = [ids[np.sort(best[:count])] for count in counts]
    positive = probability(margins(found, [ids, *only, *without]))
    watched = positive if label_index else 1 - positive
    whole, kept, removed = watched[0], watched[1 : 1 + len(counts)], watched[1 + len(counts) :]
    curves = np.insert(removed.reshape(1 + orders, len(counts)), 0, whole, axis=1)

    means = curves[1:][draw.integers(0, orders, (DRAWS, orders))].mean(axis=1)  # (draws, F + 1)
    low, high = np.percentile(means, (2.5, 97.5), axis=0).astype(np.float32)
    return Faithfulness(
        label_index=label_index,
        fractions=np.array((0, *FRACTIONS), np.float32),
        removed=curves[0],
        kept=np.insert(kept, 0, whole),
        random=curves[1:].mean(axis=0),
        random_low=low,
        random_high=high,
        random_falls=np.array([_fall(curve) for curve in curves[1:]], np.float32),
    )


def _fall(curve: NDArray[np.floating]) -> float:
    """How far a curve is below its beginning, on average."""
    return float((curve[0] - curve[1:]).mean())
