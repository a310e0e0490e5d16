"""A small Transformer encoder of our own: everything between the token and the verdict, in one file.

    x      = token embedding + positional embedding              (T, width)
    layer:   x = x + attention(norm(x))     every token reads all tokens, several heads side by side
             x = x + feed_forward(norm(x))  then thinks about it alone
    answer = dense(mean over the tokens of norm(x))

The pass that answers is numpy; `build` is the Keras twin that was trained, with the same arrays under the
same names.

References:
    Vaswani et al., "Attention is all you need", 2017; the norm before each half as in Xiong et al.,
    "On layer normalization in the Transformer architecture", 2020; GELU by its tanh form, Hendrycks and
    Gimpel 2016.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.language import shipped
from core.language.calibration import softmax
from core.language.shipped import Shipped
from core.language.threads import one_thread
from core.language.types import Ids, Inside
from core.types import Floats

EPSILON = 1e-5  # of the norms
HEADS = 4
NOWHERE = np.float32(-1e9)  # the score of a token that is not there


@dataclass(frozen=True)
class Shape:
    """How large a network is."""

    length: int = 128  # tokens, and rows of the positional embedding
    width: int = 64
    layers: int = 2
    inner: int = 128  # width inside of the feed-forward half


@dataclass(frozen=True)
class Attended:
    """What the attention of one layer did: all heads, (n, heads, T, ...)."""

    queries: Floats  # (n, heads, T, width of a head)
    keys: Floats
    values: Floats
    weights: Floats  # (n, heads, T, T): row i is what token i reads, sums to 1
    output: Floats  # (n, T, width)


class Transformer(Shipped):
    """The encoder with its weights as numpy arrays."""

    budget = 8_192  # the attention of 512 tokens holds 512 x 512 numbers a head

    @property
    def shape(self) -> Shape:
        """The sizes, read off the weights."""
        length, width = self._weights["positions/embeddings"].shape
        layers = sum(key.endswith(".query/kernel") for key in self._weights)
        return Shape(length, width, layers, self._weights["layer1.inner/kernel"].shape[1])

    def embed(self, ids: Ids) -> Floats:
        """Rows of the token embedding, without the positions: ids (..., T) -> (..., T, width)."""
        return self._weights["embedding"][ids]

    def forward(self, ids: Ids, mask: Floats) -> Floats:
        x = self.placed(self.embed(ids))
        for layer in range(1, self.shape.layers + 1):
            x, _ = self.layer(layer, x, mask)
        return self.head(x, mask)

    @one_thread()
    def inside(self, ids: Ids) -> Inside:
        embeddings = self.embed(ids)
        mask = np.ones((1, len(ids)), np.float32)
        x = self.placed(embeddings[np.newaxis])
        vectors, attended = [x], []
        for layer in range(1, self.shape.layers + 1):
            x, what = self.layer(layer, x, mask)
            vectors.append(x)
            attended.append(what)
        return Inside(
            logits=self.head(x, mask)[0],
            embeddings=embeddings,
            layers=np.concatenate(vectors),
            attention=np.concatenate([what.weights for what in attended]),
            queries=np.concatenate([what.queries for what in attended]),
            keys=np.concatenate([what.keys for what in attended]),
            values=np.concatenate([what.values for what in attended]),
        )

    def placed(self, embeddings: Floats) -> Floats:
        """Token vectors plus the vector of their place: (n, T, width)."""
        return embeddings + self._weights["positions/embeddings"][: embeddings.shape[-2]]

    def layer(self, number: int, x: Floats, mask: Floats) -> tuple[Floats, Attended]:
        """One layer, counted from 1: (n, T, width) -> (n, T, width), and what its attention did."""
        attended = self.attend(number, self.norm(f"layer{number}.attention_norm", x), mask)
        x = x + attended.output
        inner = self.linear(f"layer{number}.inner", self.norm(f"layer{number}.inner_norm", x))
        return x + self.linear(f"layer{number}.outer", gelu(inner)), attended

    def attend(self, number: int, x: Floats, mask: Floats) -> Attended:
        """Multi-head attention: softmax(Q K^T / sqrt(width of a head)) V in each head, then one dense layer."""
        queries, keys, values = (
            self.split(self.linear(f"layer{number}.{part}", x)) for part in ("query", "key", "value")
        )
        scores = queries @ keys.swapaxes(-1, -2) / np.float32(np.sqrt(queries.shape[-1]))
        scores += np.where(mask[:, np.newaxis, np.newaxis, :] > 0, np.float32(0), NOWHERE)
        weights = softmax(scores)
        read = (weights @ values).swapaxes(1, 2).reshape(x.shape)  # the heads side by side again
        return Attended(queries, keys, values, weights, self.linear(f"layer{number}.output", read))

    def split(self, x: Floats) -> Floats:
        """(n, T, width) -> (n, heads, T, width of a head)."""
        n, tokens, width = x.shape
        heads = HEADS
        return x.reshape(n, tokens, heads, width // heads).swapaxes(1, 2)

    def norm(self, name: str, x: Floats) -> Floats:
        """Each token's vector to mean 0 and variance 1, then scaled and shifted as learned."""
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
        return np.asarray(
            centred / deviation * self._weights[f"{name}/gamma"] + self._weights[f"{name}/beta"]
        )

    def linear(self, name: str, x: Floats) -> Floats:
        """A dense layer."""
        return x @ self._weights[f"{name}/kernel"] + self._weights[f"{name}/bias"]

    def head(self, x: Floats, mask: Floats) -> Floats:
        """Logits (n, 2) of the last layer's token vectors: the mean over the tokens that are there, dense."""
        x = self.norm("last_norm", x) * mask[..., np.newaxis]
        return self.linear("dense", x.sum(axis=1) / mask.sum(axis=1, keepdims=True))

    def _build(self) -> Any:
        return build(self.shape)


def gelu(x: Floats) -> Floats:
    """x times the share of a normal distribution below x, by its tanh form."""
    slope = np.float32(np.sqrt(2 / np.pi))
    return np.asarray(0.5 * x * (1 + np.tanh(slope * (x + np.float32(0.044715) * x * x * x))), np.float32)


def build(shape: Shape, dropout: float = 0.0) -> Any:
    """The Keras network with new weights: (embeddings (n, T, width), mask (n, T)) -> logits (n, 2)."""
    import keras
    from keras import layers, ops

    embeddings = keras.Input((None, shape.width), name="embeddings")
    mask = keras.Input((None,), name="mask")
    part = shape.width // HEADS

    def split(x: Any) -> Any:  # (n, T, width) -> (n, heads, T, width of a head)
        return ops.transpose(layers.Reshape((-1, HEADS, part))(x), (0, 2, 1, 3))

    def dropped(x: Any) -> Any:
        return layers.Dropout(dropout)(x) if dropout else x

    places = ops.cumsum(ops.ones_like(mask, dtype="int32"), axis=1) - 1
    positions = layers.Embedding(shape.length, shape.width, name="positions")
    x = dropped(embeddings + positions(places))
    absent = (1 - mask)[:, None, None, :] * float(NOWHERE)
    for number in range(1, shape.layers + 1):
        name = f"layer{number}"
        inner = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}.attention_norm")(x)
        queries, keys, values = (
            split(layers.Dense(shape.width, name=f"{name}.{kind}")(inner))
            for kind in ("query", "key", "value")
        )
        scores = ops.matmul(queries, ops.transpose(keys, (0, 1, 3, 2))) / np.sqrt(part) + absent
        read = ops.matmul(layers.Softmax(name=f"{name}.attention")(scores), values)
        read = layers.Reshape((-1, shape.width))(ops.transpose(read, (0, 2, 1, 3)))
        x = x + dropped(layers.Dense(shape.width, name=f"{name}.output")(read))
        inner = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}.inner_norm")(x)
        inner = ops.gelu(layers.Dense(shape.inner, name=f"{name}.inner")(inner), approximate=True)
        x = x + dropped(layers.Dense(shape.width, name=f"{name}.outer")(inner))
    x = layers.LayerNormalization(epsilon=EPSILON, name="last_norm")(x) * mask[..., None]
    mean = ops.sum(x, axis=1) / ops.sum(mask, axis=1, keepdims=True)
    return keras.Model([embeddings, mask], layers.Dense(2, name="dense")(dropped(mean)), name="transformer")


@functools.cache
def load() -> Transformer:
    """The shipped network, one a process."""
    return Transformer("transformer", *shipped.read("transformer"))
