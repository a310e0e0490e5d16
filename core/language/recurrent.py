"""The article's recurrent network, and the same with gates: Embedding, SimpleRNN or GRU, Dense.

The pass that answers is numpy, a few lines a cell. `build` is the Keras twin that was trained; both hold
the same arrays under Keras's names ("rnn/kernel" is W, "rnn/recurrent_kernel" is U, "rnn/bias" is b).

References:
    Elman, "Finding structure in time", 1990; Cho et al., "Learning phrase representations using RNN
    encoder-decoder", 2014 (the GRU; here with the reset after the multiplication, as Keras has it).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from core.language import shipped
from core.language.shipped import Shipped, sigmoid
from core.language.threads import one_thread
from core.language.types import Ids, Inside
from core.types import Floats

LAYERS = {"rnn": ("embedding", "rnn", "dense"), "gru": ("embedding", "gru", "dense")}


class Recurrent(Shipped):
    """Embedding, one recurrent layer, a dense layer that reads the last hidden state."""

    def embed(self, ids: Ids) -> Floats:
        """Rows of the embedding: ids (..., T) -> (..., T, width)."""
        return self._weights["embedding"][ids]

    def forward(self, ids: Ids, mask: Floats) -> Floats:
        hidden = np.zeros((len(ids), self.units), np.float32)
        going_on = mask.astype(bool)
        for t, state in enumerate(self.steps(self.embed(ids))):
            if t and not going_on[:, t].all():  # a text that is over keeps its last state
                state["hidden"][~going_on[:, t]] = hidden[~going_on[:, t]]
            hidden = state["hidden"]
        return self.dense(hidden)

    @one_thread()
    def inside(self, ids: Ids) -> Inside:
        embeddings = self.embed(ids)
        steps = list(self.steps(embeddings[np.newaxis]))
        states = {key: np.concatenate([step[key] for step in steps]) for key in steps[0]}
        return Inside(self.dense(states["hidden"][-1:])[0], embeddings, states)

    def dense(self, hidden: Floats) -> Floats:
        """Logits (n, 2) of hidden states (n, units): also what the network would say after any step."""
        return hidden @ self._weights["dense/kernel"] + self._weights["dense/bias"]

    @property
    def units(self) -> int:
        """The length of the hidden state."""
        return len(self._weights["dense/kernel"])

    def steps(self, embeddings: Floats) -> Iterator[dict[str, Floats]]:
        """What happens at each of the T steps of (n, T, width): arrays (n, units), "hidden" among them.

        The caller may change a step's "hidden" in place: the next step goes on from it.
        """
        raise NotImplementedError

    def _build(self) -> Any:
        return build(self.name, self._weights["embedding"].shape[1], self.units)


class SimpleRecurrent(Recurrent):
    """The article's: h_t = tanh(W x_t + U h_{t-1} + b)."""

    def steps(self, embeddings: Floats) -> Iterator[dict[str, Floats]]:
        recurrent = self._weights["rnn/recurrent_kernel"]  # U
        inputs = embeddings @ self._weights["rnn/kernel"] + self._weights["rnn/bias"]  # W x_t + b of all t
        hidden = np.zeros((len(embeddings), self.units), np.float32)
        for t in range(embeddings.shape[1]):
            hidden = np.tanh(inputs[:, t] + hidden @ recurrent)
            yield {"hidden": hidden}


class Gated(Recurrent):
    """The GRU: h_t = z h_{t-1} + (1 - z) g, with gates between 0 and 1.

    update    z = sigmoid(W_z x_t + b_z + U_z h_{t-1} + c_z)   how much of the old state stays
    reset     r = sigmoid(W_r x_t + b_r + U_r h_{t-1} + c_r)   how much of it the candidate sees
    candidate g = tanh(W_g x_t + b_g + r (U_g h_{t-1} + c_g))
    """

    def steps(self, embeddings: Floats) -> Iterator[dict[str, Floats]]:
        recurrent = self._weights["gru/recurrent_kernel"]  # (units, 3 units): U_z, U_r, U_g side by side
        bias, recurrent_bias = self._weights["gru/bias"]
        inputs = embeddings @ self._weights["gru/kernel"] + bias
        units = self.units
        hidden = np.zeros((len(embeddings), units), np.float32)
        for t in range(embeddings.shape[1]):
            before = hidden @ recurrent + recurrent_bias
            gates = sigmoid(inputs[:, t, : 2 * units] + before[:, : 2 * units])
            update, reset = gates[:, :units], gates[:, units:]
            candidate = np.tanh(inputs[:, t, 2 * units :] + reset * before[:, 2 * units :])
            hidden = update * hidden + (1 - update) * candidate
            yield {"hidden": hidden, "update": update, "reset": reset, "candidate": candidate}


def build(name: str, width: int, units: int, dropout: float = 0.0) -> Any:
    """The Keras network with new weights: (embeddings (n, T, width), mask (n, T)) -> logits (n, 2).

    The softmax is left to the caller, who divides the logits by the temperature first.
    """
    import keras
    from keras import layers

    embeddings = keras.Input((None, width), name="embeddings")
    mask = keras.Input((None,), dtype="bool", name="mask")
    layer = (
        layers.SimpleRNN(units, recurrent_initializer="orthogonal", name="rnn")
        if name == "rnn"
        else layers.GRU(units, reset_after=True, use_cudnn=False, name="gru")
    )
    hidden = layer(embeddings, mask=mask)  # the state after the last token that counts
    if dropout:
        hidden = layers.Dropout(dropout, name="dropout")(hidden)
    return keras.Model([embeddings, mask], layers.Dense(2, name="dense")(hidden), name=name)


@functools.cache
def load(name: str) -> Recurrent:
    """The shipped network "rnn" or "gru", one a process."""
    return {"rnn": SimpleRecurrent, "gru": Gated}[name](name, *shipped.read(name))
