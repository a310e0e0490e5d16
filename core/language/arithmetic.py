"""The arithmetic of one number in a text model, with real numbers, recomputed and held against the network.

`recurrent` tells one unit of the SimpleRNN or the GRU at one step, `attention` one row of one attention
head. Everything is recomputed in float64 from the weights and from what the network read.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.language.types import TextModel, Token
from core.types import Floats

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Term:
    """One product of a sum: `weight * value`."""

    index: int  # of the input or of the hidden unit
    weight: float
    value: float

    @property
    def product(self) -> float:
        """weight * value."""
        return self.weight * self.value


@dataclass(frozen=True)
class Sum:
    """A sum of products, the largest ones by themselves: `total = products of the terms + rest`."""

    terms: tuple[Term, ...]  # the largest products first
    rest: float  # all others added up
    others: int  # how many they are

    @property
    def total(self) -> float:
        """The whole sum."""
        return sum(term.product for term in self.terms) + self.rest


@dataclass(frozen=True)
class Gate:
    """`value = activation(from_input + bias + factor * (from_state + state_bias))` for one unit.

    `factor` is 1, except for a GRU's candidate, where it is the reset gate's value.
    """

    name: str  # "hidden" (SimpleRNN), "update", "reset", "candidate" (GRU)
    from_input: Sum  # W x_t
    from_state: Sum  # U h_{t-1}
    bias: float
    state_bias: float  # 0 for the SimpleRNN
    factor: float
    before: float  # what the activation gets
    activation: str  # "tanh" or "sigmoid"
    value: float  # recomputed
    network: float  # the network's own number

    @property
    def difference(self) -> float:
        """How far the recomputed number is from the network's."""
        return abs(self.value - self.network)


@dataclass(frozen=True, eq=False)
class Recurrent:
    """How one unit of the hidden state comes about at one step.

    SimpleRNN: one gate, "hidden", is the new state. GRU: `h_t = z h_{t-1} + (1 - z) candidate` with the
    gates "update" (z), "reset" and "candidate", in that order.
    """

    token: Token  # read at this step
    step: int
    unit: int
    gates: tuple[Gate, ...]
    previous: float  # the unit's h_{t-1}; 0 at the first step
    value: float  # recomputed h_t
    network: float

    @property
    def difference(self) -> float:
        """The largest difference between a recomputed number and the network's."""
        return max(abs(self.value - self.network), *(gate.difference for gate in self.gates), 0.0)

    @property
    def agrees(self) -> bool:
        """Whether the difference is within `TOLERANCE`."""
        return self.difference <= TOLERANCE


@dataclass(frozen=True, eq=False)
class Attention:
    """How one token of one head reads the others: `softmax(q K^T / sqrt(d))`, one row."""

    tokens: tuple[Token, ...]
    layer: int
    head: int
    token: int  # the place of the one that reads
    query: Floats  # (d,) of that token
    keys: Floats  # (T, d)
    dots: Floats  # (T,) q k_j
    scale: float  # sqrt(d), what the dots are divided by
    scores: Floats  # (T,) dots / scale
    exponentials: Floats  # (T,) exp(score - largest score)
    weights: Floats  # (T,) recomputed, add up to 1
    network: Floats  # (T,) the network's own row
    values: Floats  # (T, d)
    output: Floats  # (d,) the values, weighted and added up

    @property
    def difference(self) -> float:
        """The largest difference between a recomputed weight and the network's."""
        return float(abs(self.weights - self.network).max())

    @property
    def agrees(self) -> bool:
        """Whether the difference is within `TOLERANCE`."""
        return self.difference <= TOLERANCE

    def dot(self, other: int, largest: int = 6) -> Sum:
        """`q k_j` for one other token, term by term: weight is q's number, value the key's."""
        raise NotImplementedError


def recurrent(
    model: str | TextModel, text: str, step: int, unit: int, window: int = 0, *, largest: int = 6
) -> Recurrent:
    """The arithmetic of one unit of "rnn" or "gru" at one step.

    Args:
        model: a shipped model's name or a `TextModel` whose states are "hidden" (and a GRU's gates).
        text: as the visitor typed it.
        step: the token's place in the window, from 0.
        unit: of the hidden state, from 0.
        window: which window of a long text.
        largest: how many products of each sum are listed.

    Raises:
        KeyError: the model is not recurrent.
        IndexError: no such step or unit.
        GlassboxError: there is nothing to read in the text.
    """
    raise NotImplementedError


def attention(
    model: str | TextModel, text: str, layer: int, head: int, token: int, window: int = 0
) -> Attention:
    """The arithmetic of one row of an attention head of "transformer" or "pretrained".

    Raises:
        KeyError: the model has no attention.
        IndexError: no such layer, head or token.
        GlassboxError: there is nothing to read in the text.
    """
    raise NotImplementedError
