"""A text read back: how surprising each token is to a model, and what it had expected in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import GlassboxError
from core.language.calibration import softmax
from core.language.generation.ngram import NGram
from core.language.generation.types import Inside, LanguageModel, NetworkModel
from core.language.generation.vocabulary import Pieces, cleaned
from core.language.generation.writing import prompt, readable
from core.language.tokenizer import UNKNOWN
from core.language.types import Ids, Token
from core.types import Floats

LONGEST = 4_000  # tokens of a text that are read back


@dataclass(frozen=True)
class Expected:
    """A token that a model held likely."""

    id: int
    piece: str
    probability: float


@dataclass(frozen=True)
class Surprise:
    """A token of a text, and how it came to the model."""

    token: Token  # its span is in `ReadBack.text`
    probability: float
    bits: float  # -log2 of the probability
    rank: int  # 1: nothing was likelier
    expected: tuple[Expected, ...]  # the likeliest in its place


@dataclass(frozen=True)
class ReadBack:
    """A text as a model read it.

    A character that the model has never met has a span and a surprisal like the others: those of the unknown
    token; `unknown` says how many there are.
    """

    text: str  # that was read: control characters taken out
    tokens: tuple[Surprise, ...]
    bits: float  # of all tokens
    characters: int  # that the bits are shared by: those of the text, for the reviews without spaces
    whole: bool  # False: the text is longer, only its beginning was read
    unknown: int

    @property
    def bits_per_character(self) -> float:
        """Bits a character: the same unit for all models and vocabularies."""
        return self.bits / max(1, self.characters)

    @property
    def perplexity(self) -> float:
        """2 to the bits a token: among so many equally likely tokens the model chose, on average."""
        return float(2 ** (self.bits / max(1, len(self.tokens))))


def read_back(model: LanguageModel, text: str, form: str | None = None, *, expected: int = 5) -> ReadBack:
    """The surprisal of a text, token by token.

    Args:
        model: who reads.
        text: as pasted; the first `LONGEST` tokens are read.
        form: see `writing.prompt`.
        expected: how many likely tokens are told in place of each.

    Raises:
        GlassboxError: `language_model.error.nothing_to_read`, or `.unknown_script`.
    """
    shown = readable(model, text[: 8 * LONGEST])
    tokens = model.vocabulary.encode(shown)
    if not tokens:
        raise GlassboxError("language_model.error.nothing_to_read")
    if all(token.id == UNKNOWN for token in tokens):
        raise GlassboxError("language_model.error.unknown_script", text=shown.strip()[:40])
    whole = len(text) <= 8 * LONGEST and len(tokens) <= LONGEST
    tokens = tokens[:LONGEST]
    leading = prompt(model, "", form)
    ids = np.array([*leading, *(token.id for token in tokens)], np.int32)
    found: list[Surprise] = []
    place = 1 - len(leading)  # of the token that a row of scores is about
    for block in model.blocks(ids[:-1]):
        for row in softmax(block):
            if place >= 0:
                found.append(_surprise(model, tokens[place], row, expected))
            place += 1
    shown = shown[: tokens[-1].end]
    characters = len(cleaned(shown)) if isinstance(model.vocabulary, Pieces) else len(shown)
    return ReadBack(
        text=shown,
        tokens=tuple(found),
        bits=float(sum(one.bits for one in found)),
        characters=characters,
        whole=whole,
        unknown=sum(token.id == UNKNOWN for token in tokens),
    )


def _surprise(model: LanguageModel, token: Token, row: Floats, expected: int) -> Surprise:
    probability = float(row[token.id])
    return Surprise(
        token,
        probability,
        float(-np.log2(max(probability, 1e-30))),
        1 + int((row > row[token.id]).sum()),
        likely(model, row, expected),
    )


def bits_of(model: LanguageModel, ids: Ids) -> Floats:
    """The surprisal in bits of each token after those before it, (T,); the first one's is 0."""
    if isinstance(model, NGram):
        found = -np.log2(model.of(ids))
    else:
        rows = [
            np.take_along_axis(log_softmax(block), goal[:, np.newaxis], axis=1)[:, 0]
            for block, goal in paired(model.blocks(ids[:-1]), ids[1:])
        ]
        found = np.concatenate([np.zeros(1), *rows]) / -np.log(2)
    found[0] = 0
    return np.asarray(found, np.float32)


def paired(blocks: Iterable[Floats], ids: Ids) -> Iterator[tuple[Floats, Ids]]:
    """Blocks of scores, each with the tokens that came."""
    place = 0
    for block in blocks:
        yield block, ids[place : place + len(block)]
        place += len(block)


def log_softmax(scores: Floats) -> Floats:
    """Logarithms of the probabilities, along the last axis."""
    moved = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(moved - np.log(np.exp(moved).sum(axis=-1, keepdims=True)))


def likely(model: LanguageModel, row: Floats, count: int) -> tuple[Expected, ...]:
    """The likeliest tokens of a distribution (tokens,)."""
    count = min(count, len(row))
    if not count:
        return ()
    best = np.argpartition(-row, count - 1)[:count]
    best = best[np.argsort(-row[best], kind="stable")]
    return tuple(Expected(int(id), model.vocabulary.piece(int(id)), float(row[id])) for id in best)


@dataclass(frozen=True)
class Lens:
    """What each layer of a Transformer would have said, had it been the last."""

    probabilities: Floats  # (1 + layers, T, tokens): row 0 is the embedding's
    best: tuple[tuple[Expected, ...], ...]  # (1 + layers) x T: the likeliest token


def inside(model: NetworkModel, ids: Sequence[int]) -> Inside:
    """Everything that one pass over the last tokens leaves behind: as many as the model has in sight."""
    kept = np.array(ids[-model.context :] if model.context else ids, np.int32)
    return model.inside(kept)


def logit_lens(model: NetworkModel, what: Inside) -> Lens:
    """Every layer's token vectors through the last norm and the tied embedding (nostalgebraist, 2020)."""
    from core.language.generation.decoder import Decoder

    if not isinstance(model, Decoder) or what.layers is None:
        raise TypeError("the logit lens looks into a Transformer")
    probabilities = softmax(model.head(what.layers))
    best = tuple(tuple(likely(model, row, 1)[0] for row in layer) for layer in probabilities)
    return Lens(probabilities, best)
