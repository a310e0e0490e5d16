"""MiniLM, fine-tuned: a Transformer that had read much English before it learned what praise is.

    x      = norm(word vector + position vector)                  (T, 384)
    layer:   x = norm(x + attention(x))     12 heads of 32, every token reads all tokens
             x = norm(x + outer(gelu(inner(x))))                  384 -> 1536 -> 384
    answer = dense(mean over the tokens)

Six layers. The pass that answers is numpy, over arrays that stay in int8 and are made float32 as each layer
is passed; `build` is the Keras twin, with the same arrays under the same names. Chinese words and emoji were added to MiniLM's
vocabulary, each beginning as the mean of the vectors of its English gloss (`training/pretrained.py`).

References:
    Wang et al., "MiniLM: Deep Self-Attention Distillation", 2020; Reimers & Gurevych, "Sentence-BERT", 2019;
    Devlin et al., "BERT", 2019; Hendrycks & Gimpel, "Gaussian error linear units", 2016.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import assets, checksums
from core.language import shipped, windows
from core.language.calibration import softmax
from core.language.narrow import Kernel, Layers, Table
from core.language.shipped import Shipped
from core.language.threads import one_thread
from core.language.types import Ids, Inside, Tokenizer
from core.language.wordpiece import WordPieces
from core.types import Floats, ModelCard

LAYERS, HEADS, WIDTH, INNER, POSITIONS, CLASSES = 6, 12, 384, 1536, 512, 2
EPSILON = np.float32(1e-12)  # of the layer normalisation, as BERT has it
NOWHERE = np.float32(-1e9)  # the score of a token that is not there
EMBEDDING = "embedding"  # its rows stay int8 until they are looked up
_SCALE = "/scale"


class Pretrained(Shipped):
    """The network as numpy arrays; also a sentence encoder (`sentence_vectors`)."""

    budget = 4_096  # the inner layer holds 1,536 numbers a token

    def __init__(
        self,
        name: str,
        weights: Mapping[str, Floats],
        table: Table,
        tokenizer: WordPieces,
        card: ModelCard,
        temperature: float,
    ) -> None:
        self._layers = weights if isinstance(weights, Layers) else Layers(weights)
        super().__init__(name, self._layers, card, temperature)
        self._table = table
        self._pieces = tokenizer

    @property
    def tokenizer(self) -> Tokenizer:
        return self._pieces

    @property
    def weights(self) -> Mapping[str, Floats]:
        """Named arrays, float32, made as they are asked for; the embedding alone is 61 MB."""
        return self._layers.having({EMBEDDING: self._table})

    def with_layers(self, weights: Mapping[str, Floats]) -> Pretrained:
        """The same model with other arrays in some of its layers; the word vectors are shared."""
        own = self._layers.having(weights)
        return Pretrained(self.name, own, self._table, self._pieces, self.card, self.temperature)

    def embed(self, ids: Ids) -> Floats:
        """Word vectors, without the positions: ids (..., T) -> (..., T, 384)."""
        return self._table.rows(ids)

    def forward(self, ids: Ids, mask: Floats) -> Floats:
        return self._linear("head", self.pooled(ids, mask))

    def pooled(self, ids: Ids, mask: Floats) -> Floats:
        """The mean of the last layer's token vectors: ids (n, T), mask (n, T) -> (n, 384)."""
        x = self.placed(self.embed(ids))
        for layer in range(LAYERS):
            x, *_ = self.layer(layer, x, mask)
        return _mean(x, mask)

    @one_thread()
    def sentence_vectors(self, texts: Sequence[str]) -> Floats:
        """One vector of length 1 a text, (n, 384), from its first window.

        Raises:
            GlassboxError: as `predict`.
        """
        rows = [self.pooled(*windows.padded([self.readable(text)[: self.length]])) for text in texts]
        found = np.concatenate(rows) if rows else np.zeros((0, WIDTH), np.float32)
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)

    @one_thread()
    def inside(self, ids: Ids) -> Inside:
        embeddings = self.embed(ids)
        mask = np.ones((1, len(ids)), np.float32)
        x = self.placed(embeddings[np.newaxis])
        vectors, attended = [x], []
        for layer in range(LAYERS):
            x, *parts = self.layer(layer, x, mask)
            vectors.append(x)
            attended.append(parts)
        queries, keys, values, attention = (np.concatenate(part) for part in zip(*attended, strict=True))
        return Inside(
            logits=self._linear("head", _mean(x, mask))[0],
            embeddings=embeddings,
            layers=np.concatenate(vectors),
            attention=attention,
            queries=queries,
            keys=keys,
            values=values,
        )

    def placed(self, words: Floats) -> Floats:
        """Word vectors plus the vectors of their places, normalised: (n, T, 384)."""
        return self._norm("norm", words + self._weights["positions/embeddings"][: words.shape[-2]])

    def layer(self, layer: int, x: Floats, mask: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """One layer, counted from 0: (n, T, 384) -> the same; queries, keys, values (n, heads, T, 32); attention."""
        count, tokens, _ = x.shape
        three = self._linear(f"qkv{layer}", x).reshape(count, tokens, 3, HEADS, WIDTH // HEADS)
        queries, keys, values = three.transpose(2, 0, 3, 1, 4)  # (n, heads, T, 32) each
        scores = queries @ keys.swapaxes(-1, -2) / np.float32(np.sqrt(WIDTH // HEADS))  # (n, heads, T, T)
        if not mask.all():
            scores += np.where(mask[:, np.newaxis, np.newaxis] > 0, np.float32(0), NOWHERE)
        attention = softmax(scores)
        gathered = (attention @ values).swapaxes(1, 2).reshape(count, tokens, WIDTH)
        x = self._norm(f"norm_a{layer}", x + self._linear(f"output{layer}", gathered))
        outer = self._linear(f"outer{layer}", gelu(self._linear(f"inner{layer}", x)))
        return self._norm(f"norm_b{layer}", x + outer), queries, keys, values, attention

    def _linear(self, name: str, x: Floats) -> Floats:
        return self._layers.linear(name, x)

    def _norm(self, name: str, x: Floats) -> Floats:
        """Each token's vector to mean 0 and variance 1, then scaled and shifted as learned."""
        x = x - x.mean(axis=-1, keepdims=True)
        variance: Floats = np.einsum("...d,...d->...", x, x)[..., np.newaxis] / np.float32(WIDTH)
        x *= 1 / np.sqrt(variance + EPSILON)
        return np.asarray(x * self._weights[f"{name}/gamma"] + self._weights[f"{name}/beta"], np.float32)

    def _build(self) -> Any:
        return build()


def _mean(x: Floats, mask: Floats) -> Floats:
    """The mean of the token vectors that are there: (n, T, width), mask (n, T) -> (n, width)."""
    there = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return np.asarray(np.einsum("ntd,nt->nd", x, mask) / there, np.float32)


def gelu(x: Floats) -> Floats:
    """x times the share of a normal distribution below x, exact to 1e-6.

    Notes:
        x * (1 + erf(x / sqrt(2))) / 2, with erf as in Abramowitz & Stegun, "Handbook of mathematical
        functions", 7.1.26 (error at most 1.5e-7): numpy has none.
    """
    scaled = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * scaled)
    series = np.float32(1.061405429) * t
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(coefficient)) * t
    tail = np.float32(0.5) * series * np.exp(-scaled * scaled)  # the share beyond |x|
    return np.asarray(x * np.where(x > 0, 1 - tail, tail), np.float32)


def build(*, dropout: float = 0.0, classes: int = CLASSES, approximate: bool = False) -> Any:
    """The Keras network with new weights: (word vectors (n, T, 384), mask (n, T)) -> logits (n, classes).

    Args:
        dropout: the share of the width that is hidden while training, the same for all tokens of a text.
        classes: 0 ends the network at the mean of the token vectors; with MiniLM's own weights that is
            MiniLM's sentence vector.
        approximate: GELU by its tanh form: within 5e-4, and faster in a training step.
    """
    import keras
    from keras import layers, ops

    def dropped(x: Any) -> Any:
        return layers.Dropout(dropout, noise_shape=(None, 1, WIDTH))(x) if dropout else x

    def norm(name: str, x: Any) -> Any:
        return layers.LayerNormalization(epsilon=float(EPSILON), name=name)(x)

    words = keras.Input((None, WIDTH), name="words")
    mask = keras.Input((None,), name="mask")
    absent = (1 - mask)[:, None, None, :] * float(NOWHERE)
    places = ops.cumsum(ops.ones_like(mask, dtype="int32"), axis=1) - 1
    x = dropped(norm("norm", words + layers.Embedding(POSITIONS, WIDTH, name="positions")(places)))
    for layer in range(LAYERS):
        three = layers.Dense(3 * WIDTH, name=f"qkv{layer}")(x)
        three = layers.Reshape((-1, 3, HEADS, WIDTH // HEADS))(three)
        queries, keys, values = ops.unstack(ops.transpose(three, (2, 0, 3, 1, 4)), 3)  # (n, heads, T, 32)
        scores = ops.matmul(queries * (WIDTH // HEADS) ** -0.5, ops.swapaxes(keys, 2, 3))  # (n, heads, T, T)
        scores = scores + ops.cast(absent, scores.dtype)
        attention = layers.Softmax(name=f"attention{layer}")(scores)
        gathered = ops.transpose(ops.matmul(attention, values), (0, 2, 1, 3))
        gathered = layers.Reshape((-1, WIDTH))(gathered)
        x = norm(f"norm_a{layer}", x + dropped(layers.Dense(WIDTH, name=f"output{layer}")(gathered)))
        inner = ops.gelu(layers.Dense(INNER, name=f"inner{layer}")(x), approximate=approximate)
        x = norm(f"norm_b{layer}", x + dropped(layers.Dense(WIDTH, name=f"outer{layer}")(inner)))
    there = ops.cast(mask, "float32")[:, :, None]
    x = ops.sum(ops.cast(x, "float32") * there, axis=1) / ops.maximum(ops.sum(there, axis=1), 1.0)
    if classes:
        x = layers.Dropout(dropout, dtype="float32")(x) if dropout else x
        x = layers.Dense(classes, dtype="float32", name="head")(x)
    return keras.Model([words, mask], x, name="pretrained")


def quantised(values: Floats, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """int8 numbers and a float16 scale for each slice across `axis`: numbers * scale is near the values."""
    scale = np.maximum(np.abs(values).max(axis=axis, keepdims=True), 1e-5) / 127
    scale = scale.astype(np.float16)
    numbers = np.rint(values / scale.astype(np.float32))
    return np.clip(numbers, -127, 127).astype(np.int8), scale


def write_weights(file: Path, weights: Mapping[str, Floats]) -> None:
    """A compressed npz: kernels int8 with a scale an output unit, vectors int8 with a scale each, the rest
    (norms, biases, positions, the last layer) as it is or float16.
    """
    stored: dict[str, np.ndarray] = {}
    for key, values in weights.items():
        if key == EMBEDDING or (key.endswith("/kernel") and not key.startswith("head")):
            stored[key], stored[key + _SCALE] = quantised(values, 1 if key == EMBEDDING else 0)
        else:
            stored[key] = values.astype(np.float16 if key.startswith("positions") else np.float32)
    np.savez_compressed(file, **stored)  # type: ignore[arg-type]


def read_weights(file: Path) -> tuple[Layers, Table]:
    """The layers' arrays and the table of word vectors of a file that `write_weights` wrote."""
    with np.load(file, allow_pickle=False) as stored:
        found = {key: stored[key] for key in stored.files}
    table = Table(found.pop(EMBEDDING), found.pop(EMBEDDING + _SCALE))
    arrays: dict[str, Floats | Kernel | Table] = {}
    for key, values in found.items():
        if key + _SCALE in found:
            arrays[key] = Kernel(values, found[key + _SCALE].astype(np.float32))
        elif not key.endswith(_SCALE):
            arrays[key] = values.astype(np.float32)
    return Layers(arrays), table


@functools.cache
def load() -> Pretrained:
    """The shipped model, one a process."""
    weights, table = read_weights(checksums.whole("language", "pretrained.npz"))
    tokenizer = WordPieces.read(assets.path("language", "pretrained.vocabulary.json"))
    card, temperature = shipped.read_card("pretrained")
    return Pretrained("pretrained", weights, table, tokenizer, card, temperature)
