"""Which words a model takes for alike: neighbours in its embedding, and a map of words."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core import assets
from core.errors import GlassboxError
from core.language.reading import chosen
from core.language.types import TextModel
from core.types import Floats

FEWEST = 3  # words on a map


@dataclass(frozen=True)
class Neighbour:
    """A token near another one."""

    id: int
    piece: str
    cosine: float  # -1..1


@dataclass(frozen=True, eq=False)
class WordMap:
    """Words as points: the first principal components of their embeddings."""

    words: tuple[str, ...]
    pieces: tuple[tuple[str, ...], ...]  # what each word is made of; its point is their mean
    points: Floats  # (n, dimensions)
    explained: Floats  # (dimensions,) share of the variance of these words that each axis shows


def has_embedding(model: str | TextModel) -> bool:
    """Whether the model gives each token a vector: all but the bag of words."""
    return _embedding(chosen(model)) is not None


def neighbours(model: str | TextModel, token: int, n: int = 10) -> tuple[Neighbour, ...]:
    """The `n` tokens of the vocabulary with the largest cosine to a token's embedding, itself left out.

    Only pieces that can be read: with a letter, a digit or a symbol in them.

    Args:
        model: a shipped model's name or a `TextModel` with an embedding.
        token: the id, as `Token.id`.
        n: how many.

    Raises:
        KeyError: the model has no embedding.
        IndexError: no such token.
    """
    found = chosen(model)
    table = _table(found)
    if not 0 <= token < len(table):
        raise IndexError(f"token {token} of {len(table)}")
    lengths = np.linalg.norm(table, axis=1) + np.float32(1e-12)
    cosines = table @ table[token] / (lengths * lengths[token])
    order = (int(id) for id in np.argsort(-cosines, kind="stable") if id != token)
    pieces = ((id, found.tokenizer.piece(id)) for id in order)
    readable = (Neighbour(id, piece, float(cosines[id])) for id, piece in pieces if is_readable(piece))
    return tuple(neighbour for neighbour, _ in zip(readable, range(n), strict=False))


def is_readable(piece: str) -> bool:
    """Whether a piece is worth showing as a word: not a bare mark, and not a tokenizer's own sign ("[PAD]")."""
    if len(piece) > 2 and piece[0] == "[" and piece[-1] == "]":
        return False
    return any(unicodedata.category(character)[0] in "LNS" for character in piece)


def default_words(language: str) -> tuple[str, ...]:
    """Words worth looking at, "en" or "zh": good ones, bad ones, and some that are neither."""
    return tuple(assets.read_json("language", "map_words.json")[language])


def word_map(model: str | TextModel, words: Sequence[str], dimensions: int = 2) -> WordMap:
    """Words in the plane or in space: the first principal components of their embeddings.

    A word of several tokens is their mean. Repeated words and those that the model cannot read are left out.

    Raises:
        KeyError: the model has no embedding.
        GlassboxError: fewer than three words are left.

    References:
        Pearson, "On Lines and Planes of Closest Fit to Systems of Points in Space", 1901 (PCA).
    """
    found = chosen(model)
    table = _table(found)
    cut = {word: found.tokenizer.encode(word) for word in dict.fromkeys(word.strip() for word in words)}
    known = {
        word: [token for token in tokens if is_readable(found.tokenizer.piece(token.id))]
        for word, tokens in cut.items()
    }
    known = {word: tokens for word, tokens in known.items() if tokens}
    if len(known) < FEWEST:
        raise GlassboxError("embedding.few", got=len(known), wanted=FEWEST)
    vectors = np.stack([table[[token.id for token in tokens]].mean(axis=0) for tokens in known.values()])
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    upright = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])  # axes have no direction
    points = np.zeros((len(known), dimensions))
    explained = np.zeros(dimensions)
    shown = min(dimensions, len(sizes))
    points[:, :shown] = (left * sizes * upright)[:, :shown]
    if sizes.any():
        explained[:shown] = (sizes**2 / (sizes**2).sum())[:shown]
    return WordMap(
        words=tuple(known),
        pieces=tuple(tuple(token.piece for token in tokens) for tokens in known.values()),
        points=points.astype(np.float32),
        explained=explained.astype(np.float32),
    )


def _table(model: TextModel) -> Floats:
    """The vectors of all tokens, (vocabulary, width)."""
    table = _embedding(model)
    if table is None:
        raise KeyError(f"{model.name} has no embedding")
    return table


def _embedding(model: TextModel) -> Floats | None:
    size = model.tokenizer.size
    return next((w for w in model.weights.values() if w.ndim == 2 and w.shape[0] == size), None)
