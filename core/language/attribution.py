"""How much each token speaks for "positive" or "negative", asked in several ways.

Every method is a generator: it yields `Progress`, so that a page can show it and stop it, and last the
`Attribution`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from core.language.types import TextModel, Token
from core.types import Floats


@dataclass(frozen=True)
class Progress:
    """How much of the work is done: 0..1."""

    share: float


@dataclass(frozen=True, eq=False)
class Attribution:
    """A score a token. Above 0 it speaks for "positive", below 0 for "negative".

    Attention has no sign: its scores are shares, at least 0, and say only where the network looked.
    """

    name: str  # of the model
    method: str  # one of `METHODS`
    tokens: tuple[Token, ...]
    scores: Floats  # (T,)
    unit: Literal["logit", "share"]  # difference of the two calibrated logits, or a share of the attention
    baseline: str  # message `attribution.baseline.NAME`: what the text is compared with
    total: float  # what the scores of a complete method should add up to; nan if they need not
    group: int = 1  # tokens that were taken away together, 1 if each by itself
    steps: int = 0  # points on the path of integrated gradients

    @property
    def signed(self) -> bool:
        """Whether the scores tell for which side a token speaks."""
        return self.unit == "logit"

    @property
    def gap(self) -> float:
        """By how much the sum of the scores misses `total`; nan for a method that promises no sum."""
        return abs(float(self.scores.sum(dtype=float)) - self.total)


Steps: TypeAlias = Iterator[Progress | Attribution]


@dataclass(frozen=True)
class Method:
    """One way to ask: the messages `attribution.NAME`, `.about`, `.citation` tell of it."""

    name: str
    run: Callable[[TextModel, str, int], Steps]


METHODS: Mapping[str, Method] = {}  # integrated_gradients, leave_one_out, attention, weights


def methods(model: str | TextModel) -> tuple[str, ...]:
    """The methods that make sense for a model, the one to show first in front.

    "integrated_gradients" and "leave_one_out" for all; "attention" for Transformers; "weights" for the
    bag of words.
    """
    raise NotImplementedError


def attribution(method: str, model: str | TextModel, text: str, window: int = 0) -> Steps:
    """Yields `Progress` and, last, the `Attribution` of one window of a text.

    Raises:
        KeyError: no such method, or not for this model.
        GlassboxError: there is nothing to read in the text.
    """
    raise NotImplementedError


def attribute(method: str, model: str | TextModel, text: str, window: int = 0) -> Attribution:
    """The `Attribution` of `attribution`, waited for."""
    raise NotImplementedError
