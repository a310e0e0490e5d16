"""Which words a model takes for alike: neighbours in its embedding, and a map of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.language.types import TextModel
from core.types import Floats


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


def neighbours(model: str | TextModel, token: int, n: int = 10) -> tuple[Neighbour, ...]:
    """The `n` tokens of the vocabulary with the largest cosine to a token's embedding, itself left out.

    Only pieces that can be read: with a letter, a digit or a symbol in them.

    Args:
        model: a shipped model's name or a `TextModel` with an embedding.
        token: the id, as `Token.id`.
        n: how many.

    Raises:
        IndexError: no such token.
    """
    raise NotImplementedError


def default_words(language: str) -> tuple[str, ...]:
    """Words worth looking at, "en" or "zh": good ones, bad ones, and some that are neither."""
    raise NotImplementedError


def word_map(model: str | TextModel, words: Sequence[str], dimensions: int = 2) -> WordMap:
    """Words in the plane or in space. Words without a token and repeated ones are left out.

    Raises:
        GlassboxError: fewer than three words are left.

    References:
        Pearson, "On Lines and Planes of Closest Fit to Systems of Points in Space", 1901 (PCA).
    """
    raise NotImplementedError
