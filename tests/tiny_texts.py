"""Tiny text models with random weights: the shipped ones' own classes, a vocabulary of a hundred pieces."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from core.language.bag_of_words import BagOfWords, pack
from core.language.recurrent import Gated, Recurrent, SimpleRecurrent
from core.language.tokenizer import PairTokenizer
from core.language.transformer import Shape, Transformer
from core.language.types import TextModel
from core.types import Floats, ModelCard

WORDS = [
    "this",
    "is",
    "not",
    "good",
    "bad",
    "film",
    "movie",
    "great",
    "awful",
    "very",
    "i",
    "love",
    "hate",
    "it",
    "the",
    "a",
    "and",
    "but",
    "plot",
    "really",
    "wonderful",
    "boring",
    "好",
    "坏",
    "电影",
    "喜欢",
    "不",
    "很",
    "我",
    "精彩",
    "难看",
    "一般",
    "的",
    "了",
    "这",
    "部",
    "👍",
]


@functools.cache
def tokenizer() -> PairTokenizer:
    """Pieces of one character each, and `WORDS` whole."""
    joins: dict[tuple[str, str], None] = {}
    for word in WORDS:
        for end in range(1, len(word)):
            joins[(word[:end], word[end])] = None
    alphabet = dict.fromkeys([*"abcdefghijklmnopqrstuvwxyz0123456789.,!?'", *"".join(WORDS)])
    return PairTokenizer(tuple(alphabet), tuple(joins))


class _Own:
    """Cuts with the tokenizer above in the place of the shipped one."""

    @property
    def _pairs(self) -> PairTokenizer:
        return tokenizer()


class TinyRecurrent(_Own, SimpleRecurrent): ...


class TinyGated(_Own, Gated): ...


class TinyTransformer(_Own, Transformer): ...


def card(name: str, length: int, weights: Mapping[str, Floats]) -> ModelCard:
    parameters = sum(array.size for array in weights.values())
    return ModelCard(name, (length,), parameters, "random", "none", "tests/tiny_texts.py")


@functools.cache
def recurrent(name: str, length: int = 512, units: int = 5, width: int = 4, seed: int = 0) -> Recurrent:
    """A SimpleRNN ("rnn") or a GRU ("gru")."""
    draw = np.random.default_rng(seed)
    several = 3 if name == "gru" else 1

    def some(*shape: int) -> Floats:
        return draw.normal(0, 0.7, shape).astype(np.float32)

    weights = {
        "embedding": some(tokenizer().size, width),
        f"{name}/kernel": some(width, several * units),
        f"{name}/recurrent_kernel": some(units, several * units),
        f"{name}/bias": some(2, several * units) if name == "gru" else some(units),
        "dense/kernel": some(units, 2),
        "dense/bias": some(2),
    }
    return {"rnn": TinyRecurrent, "gru": TinyGated}[name](name, weights, card(name, length, weights), 1.3)


@functools.cache
def transformer(length: int = 512, seed: int = 0) -> Transformer:
    """Two layers of four heads, each two wide."""
    draw = np.random.default_rng(seed)
    shape = Shape(length=length, width=8, layers=2, inner=12)
    sizes: dict[str, tuple[int, ...]] = {
        "embedding": (tokenizer().size, shape.width),
        "positions/embeddings": (length, shape.width),
        "dense/kernel": (shape.width, 2),
        "dense/bias": (2,),
    }
    norms = ["last_norm"]
    for layer in ("layer1", "layer2"):
        norms += [f"{layer}.attention_norm", f"{layer}.inner_norm"]
        for part in ("query", "key", "value", "output"):
            sizes[f"{layer}.{part}/kernel"] = (shape.width, shape.width)
            sizes[f"{layer}.{part}/bias"] = (shape.width,)
        sizes[f"{layer}.inner/kernel"], sizes[f"{layer}.inner/bias"] = (shape.width, 12), (12,)
        sizes[f"{layer}.outer/kernel"], sizes[f"{layer}.outer/bias"] = (12, shape.width), (shape.width,)
    for norm in norms:
        sizes[f"{norm}/gamma"] = sizes[f"{norm}/beta"] = (shape.width,)
    weights: dict[str, Any] = {
        key: draw.normal(0, 0.6, size).astype(np.float32) for key, size in sizes.items()
    }
    return TinyTransformer("transformer", weights, card("transformer", length, weights), 0.8)


@functools.cache
def bag() -> BagOfWords:
    """A bag of words with weights that can be added up by hand: "good" 2, "bad" -2, "not" -1, "not good" -3 …"""
    units = ["good", "bad", "not", "film", "the", "is", "this", "好", "差"]
    row = {unit: place for place, unit in enumerate(units, start=1)}
    size = 1 + len(units)
    grams = {
        row["good"]: 2.0,
        row["bad"]: -2.0,
        row["not"]: -1.0,
        row["好"]: 1.5,
        row["差"]: -1.5,
        row["not"] * size + row["good"]: -3.0,
        row["not"] * size + row["bad"]: 3.0,
        (row["is"] * size + row["not"]) * size + row["good"]: -0.5,
    }
    weights = pack(units, grams, bias=0.25)
    return BagOfWords("bag_of_words", weights, card("bag_of_words", 100_000, weights), 0.5)


def every() -> list[TextModel]:
    """One of each kind."""
    return [bag(), recurrent("rnn"), recurrent("gru"), transformer()]
