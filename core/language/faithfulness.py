"""What an attribution is worth: take its most important tokens away and watch the probability fall."""

from __future__ import annotations

from dataclasses import dataclass

from core.language.attribution import Attribution
from core.language.types import TextModel
from core.types import Floats


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """Probability of the window's own verdict as tokens go, or as only they stay. F fractions and 0."""

    label_index: int  # 1 is positive: the verdict whose probability is watched
    fractions: Floats  # (F + 1,) of the tokens, 0..1, beginning with 0
    removed: Floats  # (F + 1,) without the most important tokens
    kept: Floats  # (F + 1,) with nothing but the most important tokens; kept[0] is of the whole text
    random: Floats  # (F + 1,) without random tokens: mean over the orders
    random_low: Floats  # (F + 1,) lower end of the 95 % interval of that mean
    random_high: Floats  # (F + 1,)
    orders: int  # how many random orders

    @property
    def comprehensiveness(self) -> float:
        """How far the probability falls without the most important tokens, mean over the fractions."""
        return float((self.removed[0] - self.removed[1:]).mean())

    @property
    def random_comprehensiveness(self) -> float:
        """The same for random tokens: what an attribution has to beat."""
        return float((self.random[0] - self.random[1:]).mean())

    @property
    def sufficiency(self) -> float:
        """How far it falls if only the most important tokens stay: the nearer to 0, the better."""
        return float((self.kept[0] - self.kept[1:]).mean())


def faithfulness(
    model: str | TextModel, attribution: Attribution, *, orders: int = 10, seed: int = 0
) -> Faithfulness:
    """Deletes the top 10, 20, 30, 40 and 50 % of the tokens in the order of an attribution.

    First go the tokens that speak most for the window's verdict. Beside it the same numbers of random
    tokens. The remaining tokens move together; nothing is put in the place of those that go.

    References:
        DeYoung et al., "ERASER: A Benchmark to Evaluate Rationalized NLP Models", ACL 2020, section 4.2
        (comprehensiveness and sufficiency).
    """
    raise NotImplementedError
