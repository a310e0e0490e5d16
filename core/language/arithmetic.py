"""The arithmetic of one number in a text model, with real numbers, recomputed and held against the network.

`recurrent` tells one unit of the SimpleRNN or the GRU at one step, `attention` one row of one attention
head. Everything is recomputed in float64 from the weights and from what the network read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.language.reading import chosen, part_of
from core.language.types import TextModel, Token
from core.types import Floats

Doubles: TypeAlias = NDArray[np.float64]

TOLERANCE = 1e-4
LARGEST = 6  # products of a sum that are listed by themselves


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


def products(weights: Floats, values: Floats, largest: int = LARGEST) -> Sum:
    """The sum of weights times values, (n,) each, in float64; the largest products by themselves."""
    each = weights.astype(np.float64) * values.astype(np.float64)
    order = np.argsort(-np.abs(each), kind="stable")
    terms = tuple(Term(int(k), float(weights[k]), float(values[k])) for k in order[:largest])
    return Sum(terms, float(each[order[largest:]].sum()), len(order) - len(terms))


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

    def dot(self, other: int, largest: int = LARGEST) -> Sum:
        """`q k_j` for one other token, term by term: weight is q's number, value the key's."""
        return products(self.query, self.keys[other], largest)


def recurrent(
    model: str | TextModel, text: str, step: int, unit: int, window: int = 0, *, largest: int = LARGEST
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
    found = chosen(model)
    part = part_of(found, text, window)
    inside = found.inside(part.ids)
    if "hidden" not in inside.states:
        raise KeyError(f"{found.name} is not recurrent")
    states = inside.states["hidden"]  # (T, units)
    if not (0 <= step < states.shape[0] and 0 <= unit < states.shape[1]):
        raise IndexError(f"step {step} or unit {unit} of {states.shape}")
    previous = states[step - 1] if step else np.zeros_like(states[0])
    cell = _Cell(
        found.weights,
        inside.embeddings[step],
        previous,
        {name: float(values[step, unit]) for name, values in inside.states.items()},
        unit,
        largest,
    )
    gates = cell.gated() if "candidate" in inside.states else cell.simple()
    value = gates[0].value
    if len(gates) == 3:
        update, _, candidate = (gate.value for gate in gates)
        value = update * float(previous[unit]) + (1 - update) * candidate
    return Recurrent(
        token=part.tokens[step],
        step=step,
        unit=unit,
        gates=gates,
        previous=float(previous[unit]),
        value=value,
        network=float(states[step, unit]),
    )


@dataclass(frozen=True)
class _Cell:
    """One unit of a recurrent layer at one step."""

    weights: Mapping[str, Floats]
    word: Floats  # (width,) the vector read
    previous: Floats  # (units,) the state before
    network: Mapping[str, float]  # the unit's own numbers by the names of the states
    unit: int
    largest: int

    def simple(self) -> tuple[Gate, ...]:
        return (self.gate("hidden", "rnn", self.unit, float(self.weights["rnn/bias"][self.unit])),)

    def gated(self) -> tuple[Gate, ...]:
        units = len(self.previous)
        columns = [self.unit + units * block for block in range(3)]  # U_z, U_r and U_g lie side by side
        bias, state_bias = self.weights["gru/bias"].astype(float)
        update, reset = (
            self.gate(name, "gru", column, bias[column], state_bias[column], activation="sigmoid")
            for name, column in zip(("update", "reset"), columns, strict=False)
        )
        last = columns[2]
        candidate = self.gate("candidate", "gru", last, bias[last], state_bias[last], reset.value)
        return update, reset, candidate

    def gate(
        self,
        name: str,
        layer: str,
        column: int,
        bias: float,
        state_bias: float = 0.0,
        factor: float = 1.0,
        activation: str = "tanh",
    ) -> Gate:
        """One sum with its activation; the column is that of the layer's kernels."""
        from_input = products(self.weights[f"{layer}/kernel"][:, column], self.word, self.largest)
        from_state = products(
            self.weights[f"{layer}/recurrent_kernel"][:, column], self.previous, self.largest
        )
        before = from_input.total + bias + factor * (from_state.total + state_bias)
        value = float(_ACTIVATE[activation](np.float64(before)))
        return Gate(
            name=name,
            from_input=from_input,
            from_state=from_state,
            bias=float(bias),
            state_bias=float(state_bias),
            factor=factor,
            before=before,
            activation=activation,
            value=value,
            network=self.network[name],
        )


_ACTIVATE: Mapping[str, Callable[[np.float64], np.float64]] = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def attention(
    model: str | TextModel, text: str, layer: int, head: int, token: int, window: int = 0
) -> Attention:
    """The arithmetic of one row of an attention head of "transformer" or "pretrained".

    Raises:
        KeyError: the model has no attention.
        IndexError: no such layer, head or token.
        GlassboxError: there is nothing to read in the text.
    """
    found = chosen(model)
    part = part_of(found, text, window)
    inside = found.inside(part.ids)
    if inside.attention is None or inside.queries is None or inside.keys is None or inside.values is None:
        raise KeyError(f"{found.name} has no attention")
    layers, heads, tokens = inside.attention.shape[:3]
    if not (0 <= layer < layers and 0 <= head < heads and 0 <= token < tokens):
        raise IndexError(f"layer {layer}, head {head} or token {token} of {inside.attention.shape}")
    query: Doubles = inside.queries[layer, head, token].astype(np.float64)  # (d,)
    keys: Doubles = inside.keys[layer, head].astype(np.float64)  # (T, d)
    values: Doubles = inside.values[layer, head].astype(np.float64)
    dots = keys @ query
    scale = float(np.sqrt(len(query)))
    exponentials = np.exp((dots - dots.max()) / scale)
    weights = exponentials / exponentials.sum()
    return Attention(
        tokens=part.tokens,
        layer=layer,
        head=head,
        token=token,
        query=query.astype(np.float32),
        keys=keys.astype(np.float32),
        dots=dots.astype(np.float32),
        scale=scale,
        scores=(dots / scale).astype(np.float32),
        exponentials=exponentials.astype(np.float32),
        weights=weights.astype(np.float32),
        network=inside.attention[layer, head, token],
        values=values.astype(np.float32),
        output=(weights @ values).astype(np.float32),
    )
