"""A recurrent language model: Embedding, GRU, and the embedding once more as the dense layer.

    h_t    = GRU(embedding of token t, h_{t-1})     all that it knows of the text is in these numbers
    scores = norm(h_t P) E^T                        P brings the state to the embedding's width

The cell is the sentiment page's (`core.language.recurrent`), its equations stand there. The state is the
cache: a new token costs one step, however long the text is.

References:
    Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014; Press and Wolf, "Using the
    output embedding to improve language models", 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.language.generation.types import Inside, NetworkModel, Reader
from core.language.shipped import sigmoid
from core.language.threads import one_thread
from core.language.types import Ids
from core.types import Floats

EPSILON = 1e-5  # of the norm
BLOCK = 256  # tokens whose scores are given at a time


@dataclass(frozen=True)
class Shape:
    """How large a network is."""

    tokens: int  # rows of the embedding
    width: int = 192
    units: int = 512


class Recurrent(NetworkModel):
    """The GRU with its weights as numpy arrays."""

    kind = "gru"

    @property
    def shape(self) -> Shape:
        """The sizes, read off the weights."""
        tokens, width = self._weights["embedding/embeddings"].shape
        return Shape(tokens, width, len(self._weights["project/kernel"]))

    def blocks(self, ids: Ids) -> Iterator[Floats]:
        hidden = self.silence()
        for begin in range(0, len(ids), BLOCK):
            with one_thread():
                states = list(self.steps(ids[begin : begin + BLOCK], hidden))
                hidden = states[-1]["hidden"]
                scores = self.head(np.stack([state["hidden"] for state in states]))
            yield scores

    @one_thread()
    def inside(self, ids: Ids) -> Inside:
        states = list(self.steps(ids, self.silence()))
        kept = {name: np.stack([state[name] for state in states]) for name in states[0]}
        return Inside(self.head(kept["hidden"]), states=kept)

    def begin(self, ids: Sequence[int], *, cached: bool = True) -> Reader:
        """A reader that has read these tokens, at least one. Without `cached` it starts anew each time."""
        return RecurrentReader(self, ids, cached)

    def silence(self) -> Floats:
        """The state before the first token."""
        return np.zeros(len(self._weights["project/kernel"]), np.float32)

    def steps(self, ids: Ids, hidden: Floats) -> Iterator[dict[str, Floats]]:
        """What happens at each token: "hidden", "update", "reset", "candidate", (units,) each."""
        units = len(hidden)
        bias, recurrent_bias = self._weights["gru/bias"]
        recurrent = self._weights["gru/recurrent_kernel"]
        inputs = self._weights["embedding/embeddings"][ids] @ self._weights["gru/kernel"] + bias
        for own in inputs:
            before = hidden @ recurrent + recurrent_bias
            gates = sigmoid(own[: 2 * units] + before[: 2 * units])
            update, reset = gates[:units], gates[units:]
            candidate = np.tanh(own[2 * units :] + reset * before[2 * units :])
            hidden = update * hidden + (1 - update) * candidate
            yield {"hidden": hidden, "update": update, "reset": reset, "candidate": candidate}

    def head(self, hidden: Floats) -> Floats:
        """Scores (..., tokens) of states (..., units)."""
        x = hidden @ self._weights["project/kernel"]
        size = np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
        return np.asarray(
            x / size * self._weights["last_norm/scale"] @ self._weights["embedding/embeddings"].T
        )

    def _build(self) -> Any:
        return build(self.shape)


class RecurrentReader(Reader):
    """A GRU that reads along, with the state after each token; or without, all anew each time."""

    def __init__(self, model: Recurrent, ids: Sequence[int], cached: bool) -> None:
        self._model, self._cached = model, cached
        self.ids: list[int] = []
        self._states = [model.silence()]
        self._read(ids)

    @one_thread()
    def _read(self, ids: Sequence[int]) -> None:
        self.ids.extend(ids)
        new, before = (ids, self._states[-1]) if self._cached else (self.ids, self._states[0])
        states = [state["hidden"] for state in self._model.steps(np.array(new, np.int32), before)]
        self._states += states if self._cached else []
        self.logits = self._model.head(states[-1])

    def read(self, id: int) -> None:
        self._read([id])

    def back(self, count: int = 1) -> None:
        if count >= len(self.ids):
            raise ValueError(f"{count} of {len(self.ids)} tokens cannot be forgotten")
        del self.ids[len(self.ids) - count :]
        if not self._cached:
            self._read(())
            return
        del self._states[len(self._states) - count :]
        with one_thread():
            self.logits = self._model.head(self._states[-1])


def build(shape: Shape, dropout: float = 0.0) -> Any:
    """The Keras network with new weights: ids (n, T) int32 -> logits (n, T, tokens) float32."""
    import keras
    from keras import layers, ops

    ids = keras.Input((None,), dtype="int32", name="ids")
    start = keras.initializers.RandomNormal(stddev=0.02)
    embedding = layers.ReversibleEmbedding(
        shape.tokens, shape.width, embeddings_initializer=start, name="embedding"
    )

    def dropped(x: Any) -> Any:
        return layers.Dropout(dropout)(x) if dropout else x

    gru = layers.GRU(shape.units, return_sequences=True, reset_after=True, use_cudnn=False, name="gru")
    hidden = gru(dropped(embedding(ids)))
    x = layers.Dense(shape.width, use_bias=False, name="project")(dropped(hidden))
    x = dropped(layers.RMSNormalization(epsilon=EPSILON, name="last_norm")(x))
    return keras.Model(ids, ops.cast(embedding(x, reverse=True), "float32"), name="gru")
