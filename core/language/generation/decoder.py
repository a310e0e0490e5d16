"""A decoder-only Transformer: everything between the tokens so far and the scores of the next, in one file.

    x      = token embedding                                          (T, width)
    layer:   x = x + attention(norm(x))     a token reads itself and what stands before it, never what follows
             x = x + feed_forward(norm(x))  then thinks about it alone
    scores = norm(x) E^T                    the embedding E once more: the dense layer is tied to it

Where a token stands is told by turning its queries and keys (rotary positions): two numbers of them are a
point, and it is turned by an angle proportional to the place, so that the product of a query and a key knows
how far apart the two are. The keys and values of tokens that have been read do not change any more: kept in
a cache, a new token costs one row instead of the whole triangle.

The pass that answers is numpy; `build` is the Keras twin that was trained, with the same arrays under the
same names.

References:
    Vaswani et al., "Attention is all you need", 2017; Radford et al., "Language models are unsupervised
    multitask learners", 2019 (the norm before each half); Su et al., "RoFormer", 2021 (rotary positions);
    Press and Wolf, "Using the output embedding to improve language models", 2017 (tied embedding); Zhang
    and Sennrich, "Root mean square layer normalization", 2019; So et al., "Primer", 2021 (ReLU squared).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.language.calibration import softmax
from core.language.generation.types import Inside, NetworkModel, Reader
from core.language.threads import one_thread
from core.language.types import Ids
from core.types import Floats

EPSILON = 1e-5  # of the norms
PART = 32  # width of a head
TURNS = 10_000.0  # the slowest point of a head turns so many times slower than the fastest
NOWHERE = np.float32(-1e9)  # the score of a token that is still to come


@dataclass(frozen=True)
class Shape:
    """How large a network is."""

    tokens: int  # rows of the embedding
    width: int = 192
    layers: int = 4
    inner: int = 768  # width inside of the feed-forward half

    @property
    def heads(self) -> int:
        """How many heads each layer has."""
        return self.width // PART


@dataclass(frozen=True)
class Attended:
    """What the attention of one layer did: all heads, (heads, T, ...)."""

    weights: Floats  # (heads, T, tokens read): row i is what token i reads, sums to 1
    output: Floats  # (T, width)


class Decoder(NetworkModel):
    """The Transformer with its weights as numpy arrays."""

    kind = "transformer"

    @functools.cached_property
    def shape(self) -> Shape:
        """The sizes, read off the weights."""
        tokens, width = self._weights["embedding/embeddings"].shape
        layers = sum(key.endswith(".query/kernel") for key in self._weights)
        return Shape(tokens, width, layers, self._weights["layer1.inner/kernel"].shape[1])

    def blocks(self, ids: Ids) -> Iterator[Floats]:
        head, half = self.leading(ids), self.context // 2
        yield self._window(ids[: self.context])
        for begin in range(
            self.context, len(ids), self.context - half
        ):  # as a reader goes along: see `begin`
            end = begin + self.context - half
            yield self._window(np.concatenate([ids[:head], ids[begin - half + head : end]]))[half:]

    @one_thread()
    def _window(self, ids: Ids) -> Floats:
        """Scores (T, tokens) of tokens that are all in sight of each other."""
        return self.head(self.through(ids, Cache(self.shape, len(ids))))

    @one_thread()
    def inside(self, ids: Ids) -> Inside:
        cache = Cache(self.shape, len(ids))
        x = self._weights["embedding/embeddings"][ids]
        vectors, attended = [x], []
        for layer in range(1, self.shape.layers + 1):
            x, what = self.layer(layer, x, cache)
            vectors.append(x)
            attended.append(what.weights)
        return Inside(self.head(x), np.stack(vectors), np.stack(attended))

    def begin(self, ids: Sequence[int], *, cached: bool = True) -> Reader:
        """A reader that has read these tokens, at least one.

        When `context` tokens are in sight, the older half goes out of sight (the leading special token stays)
        and the others are read anew: so every token is read with at least half of the context before it.
        """
        return DecoderReader(self, ids, cached)

    def through(self, ids: Ids, cache: Cache) -> Floats:
        """The last layer's vectors (T, width) of T tokens that follow those in the cache, and go into it."""
        x = self._weights["embedding/embeddings"][ids]
        for layer in range(1, self.shape.layers + 1):
            x, _ = self.layer(layer, x, cache)
        cache.length += len(ids)
        return x

    def layer(self, number: int, x: Floats, cache: Cache) -> tuple[Floats, Attended]:
        """One layer, counted from 1: (T, width) -> (T, width), and what its attention did."""
        attended = self.attend(number, self.norm(f"layer{number}.attention_norm", x), cache)
        x = x + attended.output
        inner = self.linear(f"layer{number}.inner", self.norm(f"layer{number}.inner_norm", x))
        inner = np.square(np.maximum(inner, 0))
        return x + self.linear(f"layer{number}.outer", inner), attended

    def attend(self, number: int, x: Floats, cache: Cache) -> Attended:
        """Multi-head attention: softmax(Q K^T / sqrt(width of a head)) V in each head, then one dense layer.

        K and V are those of the cache with the new tokens' own behind them.
        """
        queries, keys, values = (
            self.split(self.linear(f"layer{number}.{part}", x)) for part in ("query", "key", "value")
        )
        old, new = cache.length, len(x)
        keys, values = cache.put(number, turn(keys, old), values)  # (heads, old + new, width of a head)
        scores = turn(queries, old) @ keys.swapaxes(-1, -2) / np.float32(np.sqrt(PART))
        if new > 1:  # a single token may read all that is there
            scores += np.triu(np.full((new, old + new), NOWHERE), k=old + 1)
        weights = softmax(scores)
        read = (weights @ values).swapaxes(0, 1).reshape(x.shape)  # the heads side by side again
        return Attended(weights, self.linear(f"layer{number}.output", read))

    def split(self, x: Floats) -> Floats:
        """(T, width) -> (heads, T, width of a head)."""
        return x.reshape(len(x), -1, PART).swapaxes(0, 1)

    def norm(self, name: str, x: Floats) -> Floats:
        """Each token's vector to a mean square of 1, then scaled as learned."""
        size = np.sqrt(np.square(x).mean(axis=-1, keepdims=True) + np.float32(EPSILON))
        return np.asarray(x / size * self._weights[f"{name}/scale"])

    def linear(self, name: str, x: Floats) -> Floats:
        """A dense layer without a bias."""
        return x @ self._weights[f"{name}/kernel"]

    def head(self, x: Floats) -> Floats:
        """Scores (..., tokens) of token vectors (..., width), of the last layer or, as a lens, of any."""
        return self.norm("last_norm", x) @ self._weights["embedding/embeddings"].T

    def _build(self) -> Any:
        return build(self.shape)


class Cache:
    """Keys (turned) and values of the tokens that have been read, in every layer."""

    def __init__(self, shape: Shape, room: int) -> None:
        self.length = 0  # tokens in it
        self._keys = np.empty((shape.layers, shape.heads, room, PART), np.float32)
        self._values = np.empty_like(self._keys)

    def put(self, layer: int, keys: Floats, values: Floats) -> tuple[Floats, Floats]:
        """Put new keys and values (heads, T, width of a head) behind; those of all tokens."""
        end = self.length + keys.shape[1]
        self._keys[layer - 1, :, self.length : end] = keys
        self._values[layer - 1, :, self.length : end] = values
        return self._keys[layer - 1, :, :end], self._values[layer - 1, :, :end]


class DecoderReader(Reader):
    """A Transformer that reads along, with its cache; or without, the whole window anew each time."""

    def __init__(self, model: Decoder, ids: Sequence[int], cached: bool) -> None:
        self._model, self._cached = model, cached
        self._head, self._half = model.leading(ids), model.context // 2
        self._begin(list(ids))

    def _begin(self, ids: list[int]) -> None:
        """Read all tokens, in the window that belongs to so many."""
        self.ids = ids
        self._window = ids[: self._head] + ids[self._hidden(len(ids)) + self._head :]
        self._read_window()

    def _hidden(self, count: int) -> int:
        """How many of so many tokens are out of sight: whole steps of half a context."""
        step = self._model.context - self._half
        return -(-max(0, count - self._model.context) // step) * step

    @one_thread()
    def _read_window(self) -> None:
        self._cache = Cache(self._model.shape, self._model.context)
        vectors = self._model.through(np.array(self._window, np.int32), self._cache)
        self.logits = self._model.head(vectors[-1])

    def read(self, id: int) -> None:
        self.ids.append(id)
        if len(self._window) == self._model.context:
            self._begin(self.ids)
            return
        self._window.append(id)
        if not self._cached:
            self._read_window()
            return
        with one_thread():
            vectors = self._model.through(np.array([id], np.int32), self._cache)
            self.logits = self._model.head(vectors[-1])

    def back(self, count: int = 1) -> None:
        kept = len(self.ids) - count
        if kept < 1:
            raise ValueError(f"{count} of {len(self.ids)} tokens cannot be forgotten")
        other = self._hidden(kept) != self._hidden(len(self.ids))  # then more is in sight again
        if not self._cached or other or len(self._window) <= count + self._head + 1:
            self._begin(self.ids[:kept])
            return
        del self.ids[kept:], self._window[len(self._window) - count :]
        self._cache.length -= count + 1
        with one_thread():  # the last one once more, for its scores
            last = np.array(self._window[-1:], np.int32)
            self.logits = self._model.head(self._model.through(last, self._cache)[-1])


@functools.lru_cache(4)
def angles(places: int) -> tuple[Floats, Floats]:
    """Cosines and sines (places, width of a head / 2) of the angles by which a place turns its points."""
    speeds = TURNS ** -(np.arange(0, PART, 2) / PART)
    found = np.arange(places)[:, np.newaxis] * speeds
    return np.cos(found).astype(np.float32), np.sin(found).astype(np.float32)


def turn(x: Floats, first: int = 0) -> Floats:
    """Turn queries or keys (heads, T, width of a head) by their places, the first of which is given.

    Number i and number i + half of a head make a point.
    """
    length = first + x.shape[-2]
    cosines, sines = (table[first:length] for table in angles(1 << (length - 1).bit_length()))
    left, right = np.split(x, 2, axis=-1)
    return np.concatenate([left * cosines - right * sines, right * cosines + left * sines], axis=-1)


def build(shape: Shape, dropout: float = 0.0) -> Any:
    """The Keras network with new weights: ids (n, T) int32 -> logits (n, T, tokens) float32."""
    import keras
    from keras import layers, ops

    ids = keras.Input((None,), dtype="int32", name="ids")
    start = keras.initializers.RandomNormal(stddev=0.02)
    embedding = layers.ReversibleEmbedding(
        shape.tokens, shape.width, embeddings_initializer=start, name="embedding"
    )

    def dense(width: int, name: str, scale: float = 1.0) -> Any:
        begin = keras.initializers.VarianceScaling(0.5 * scale, "fan_in", "truncated_normal")
        return layers.Dense(width, use_bias=False, kernel_initializer=begin, name=name)

    def split(x: Any) -> Any:  # (n, T, width) -> (n, heads, T, width of a head)
        return ops.transpose(layers.Reshape((-1, shape.heads, PART))(x), (0, 2, 1, 3))

    def dropped(x: Any) -> Any:
        return layers.Dropout(dropout)(x) if dropout else x

    def norm(name: str, x: Any) -> Any:
        return layers.RMSNormalization(epsilon=EPSILON, name=name)(x)

    x = dropped(embedding(ids))
    places = ops.take(ops.cumsum(ops.ones_like(ids), axis=1), 0, axis=0)  # (T,) 1, 2, ...
    places = ops.cast(places, "float32")
    speeds = np.float32(TURNS) ** -(np.arange(0, PART, 2, dtype=np.float32) / PART)
    found = ops.expand_dims(places, 1) * speeds
    cosines, sines = ops.cast(ops.cos(found), x.dtype), ops.cast(ops.sin(found), x.dtype)
    ahead = ops.cast(ops.expand_dims(places, 0) > ops.expand_dims(places, 1), x.dtype) * float(
        NOWHERE
    )  # (T, T)

    def turned(x: Any) -> Any:
        left, right = ops.split(x, 2, axis=-1)
        return ops.concatenate([left * cosines - right * sines, right * cosines + left * sines], axis=-1)

    for number in range(1, shape.layers + 1):
        name, quiet = f"layer{number}", 1 / (2 * shape.layers)
        inner = norm(f"{name}.attention_norm", x)
        queries, keys, values = (
            split(dense(shape.width, f"{name}.{kind}")(inner)) for kind in ("query", "key", "value")
        )
        scores = ops.matmul(turned(queries), ops.transpose(turned(keys), (0, 1, 3, 2)))
        weights = layers.Softmax(name=f"{name}.attention")(scores * float(PART**-0.5) + ahead)
        read = ops.transpose(ops.matmul(weights, values), (0, 2, 1, 3))
        read = layers.Reshape((-1, shape.width))(read)
        x = x + dropped(dense(shape.width, f"{name}.output", quiet)(read))
        inner = ops.square(ops.relu(dense(shape.inner, f"{name}.inner")(norm(f"{name}.inner_norm", x))))
        x = x + dropped(dense(shape.width, f"{name}.outer", quiet)(inner))
    x = norm("last_norm", x)
    return keras.Model(ids, ops.cast(embedding(x, reverse=True), "float32"), name="transformer")
