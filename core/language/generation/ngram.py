"""The n-gram model: what came after the last few tokens in the training texts, by Kneser-Ney smoothing.

After a context h (the last tokens, up to order - 1 of them) the probability of a token w is

    p(w | h) = (c(h w) - D) / c(h)  +  g(h) p(w | h without its first token)

c counts how often; D is taken off each count and what it saves, g(h), is handed down to the shorter context.
In the shorter contexts c counts after how many different tokens (h w) was met, not how often: "Francisco" is
frequent but comes after "San" alone, and is unlikely elsewhere. D depends on whether the count is 1, 2 or
more (Chen and Goodman's "modified" Kneser-Ney).

The n-grams are a tree: under a context's node, the tokens that came after it, sorted. Plain arrays hold it,
so that a million n-grams are counted in seconds and a file of them is small; a test holds that the
probabilities are those of `nltk.lm.KneserNeyInterpolated`, which keeps dictionaries and looks at all of them
for one probability.

References:
    Kneser and Ney, "Improved backing-off for m-gram language modeling", 1995; Chen and Goodman, "An empirical
    study of smoothing techniques for language modeling", 1999.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.language.generation.types import LanguageModel, Reader, Vocabulary
from core.language.types import Ids
from core.types import Floats, ModelCard

Ints = NDArray[np.int64]
FINEST = 1e-7  # a stored share is at least so large
LEAST = 1e-12  # a probability is at least so large
STEPS = 255  # of a stored share: one byte
ROWS = 256  # of a block of scores


@dataclass(frozen=True)
class Level:
    """All n-grams of one length; those under one context stand together, sorted by token.

    The contexts are the n-grams of the level before, in their order (one context, the empty, at level 1).
    """

    starts: Ints  # (contexts + 1,): the n-grams of context i are starts[i]:starts[i + 1]
    tokens: Ids  # (n,): their last tokens
    shares: Floats  # (n,): (c(h w) - D) / c(h)
    rest: Floats  # (contexts,): g(h), what is handed down

    def find(self, contexts: Ints, tokens: NDArray[np.integer], size: int) -> Ints:
        """The places of n-grams, -1 where there is none (or where the context is -1)."""
        if not len(self.tokens):
            return np.full(len(contexts), -1, np.int64)
        wanted = contexts * size + tokens
        places = np.minimum(np.searchsorted(self.keys(size), wanted), len(self.tokens) - 1)
        return np.where((contexts >= 0) & (self.keys(size)[places] == wanted), places, -1)

    def keys(self, size: int) -> Ints:
        """Context and token of each n-gram as one number, rising."""
        found = self.__dict__.get("_keys")
        if found is None:
            owner = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
            found = owner * size + self.tokens
            self.__dict__["_keys"] = found  # made once
        return np.asarray(found)


class NGram(LanguageModel):
    """A tree of n-grams with their shares. Reads along by looking at the last order - 1 tokens."""

    kind = "ngram"

    def __init__(
        self, training: str, vocabulary: Vocabulary, card: ModelCard, levels: Sequence[Level]
    ) -> None:
        super().__init__(training, vocabulary, card)
        self.levels = tuple(levels)

    @property
    def order(self) -> int:
        """How long the longest n-grams are: one token after a context of order - 1."""
        return len(self.levels)

    def blocks(self, ids: Ids) -> Iterator[Floats]:
        for begin in range(0, len(ids), ROWS):
            yield np.stack([self.scores(ids[: end + 1]) for end in range(begin, min(len(ids), begin + ROWS))])

    def begin(self, ids: Sequence[int], *, cached: bool = True) -> Reader:
        """A reader that has read these tokens, at least one; there is nothing to cache."""
        return NGramReader(self, ids)

    def scores(self, ids: Sequence[int] | Ids) -> Floats:
        """Log-probabilities (tokens,), nats, of what comes after all these tokens."""
        size = self.vocabulary.size
        found = np.full(size, 1 / size)
        for length, level in enumerate(self.levels):  # of the context
            context = self._place(ids, length)
            if context < 0:
                break
            start, end = level.starts[context], level.starts[context + 1]
            found *= level.rest[context]
            found[level.tokens[start:end]] += level.shares[start:end]
        return np.asarray(np.log(np.maximum(found, LEAST)), np.float32)

    def _place(self, ids: Sequence[int] | Ids, length: int) -> int:
        """The place of the last `length` tokens as a context; -1 if they never came so."""
        if length > len(ids):
            return -1
        place = 0
        for level, id in zip(self.levels, ids[len(ids) - length :], strict=False):
            start, end = level.starts[place], level.starts[place + 1]
            found = start + int(np.searchsorted(level.tokens[start:end], id))
            if found == end or level.tokens[found] != id:
                return -1
            place = int(found)
        return place

    def of(self, ids: Ids) -> Floats:
        """The probability of each token after those before it, (T,): as `scores` has them, all at once."""
        size = self.vocabulary.size
        found = np.full(len(ids), 1 / size)
        every = np.arange(len(ids))
        for length, level in enumerate(self.levels):
            places = np.where(every >= length, 0, -1)  # of the context that ends before each token
            for depth in range(length):
                before = ids[np.maximum(every - length + depth, 0)]
                places = self.levels[depth].find(places, before, size)
            known = places >= 0
            found = np.where(known, found * level.rest[places], found)
            own = level.find(places, ids, size)
            found += np.where(own >= 0, level.shares[own] if len(level.shares) else 0, 0)
        return found.astype(np.float32)


class NGramReader(Reader):
    """An n-gram model that reads along."""

    def __init__(self, model: NGram, ids: Sequence[int]) -> None:
        self._model = model
        self.ids = list(ids)
        self.logits = model.scores(self.ids)

    def read(self, id: int) -> None:
        self.ids.append(id)
        self.logits = self._model.scores(self.ids)

    def back(self, count: int = 1) -> None:
        if count >= len(self.ids):
            raise ValueError(f"{count} of {len(self.ids)} tokens cannot be forgotten")
        del self.ids[len(self.ids) - count :]
        self.logits = self._model.scores(self.ids)


# --- learning -----------------------------------------------------------------------------------------


def learn(
    sequences: Iterable[Ids],
    size: int,
    order: int,
    *,
    least: Sequence[int] = (),
    discount: float | None = None,
) -> list[Level]:
    """Count the n-grams of texts and smooth them.

    Args:
        sequences: tokens of each text.
        size: how many tokens there are.
        order: length of the longest n-grams.
        least: by length, n-grams that count less are left out, for a small file; what they had goes to the
            shorter context. Single tokens all stay.
        discount: one D for all, the shortest (which then has none) apart; if not given, Chen and Goodman's.
    """
    rows = [np.asarray(row, np.int64) for row in sequences if len(row)]
    flat = np.concatenate(rows)
    ends = np.repeat(np.cumsum([len(row) for row in rows]), [len(row) for row in rows])
    first = np.zeros(len(flat), bool)
    first[np.cumsum([0, *(len(row) for row in rows[:-1])])] = True
    every = np.arange(len(flat))
    nodes = [
        np.zeros(len(flat), np.int64)
    ]  # of each length: the node of the n-gram that begins at each place
    counts: list[Ints] = []
    contexts: list[Ints] = []  # the node of each n-gram without its last token
    tokens: list[Ints] = []
    begins: list[Ints] = []  # how often an n-gram begins a text
    lasts: list[Ints] = []  # the node of each n-gram without its first token
    for length in range(1, order + 1):
        here = every + length <= ends
        place = every[here]
        keys = nodes[-1][place] * size + flat[place + length - 1]
        unique, sample, inverse, count = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        lasts.append(nodes[length - 1][place[sample] + 1] if length > 1 else np.zeros(len(unique), np.int64))
        node = np.full(len(flat), -1)
        node[place] = inverse
        nodes.append(node)
        counts.append(count)
        contexts.append(unique // size)
        tokens.append(unique % size)
        begins.append(np.bincount(inverse[first[place]], minlength=len(unique)))
    for length in range(1, order):  # shorter n-grams: after how many different tokens they came
        different = np.bincount(lasts[length], minlength=len(counts[length - 1]))
        counts[length - 1] = different + (begins[length - 1] if length > 1 else 0)
    levels = []
    for length in range(1, order + 1):
        one = discount if length > 1 or discount is None else 0.0
        many = len(counts[length - 2]) if length > 1 else 1
        levels.append(_level(contexts[length - 1], tokens[length - 1], counts[length - 1], many, one))
    return _pruned(levels, counts, contexts, least) if least else levels


def _level(contexts: Ints, tokens: Ints, counts: Ints, many: int, discount: float | None) -> Level:
    """Shares and rests of the n-grams of one length."""
    taken = np.concatenate([[0.0], np.full(3, discount)]) if discount is not None else discounts(counts)
    total = np.bincount(contexts, counts, many)
    shares = (counts - taken[np.minimum(counts, 3)]) / np.maximum(total, 1)[contexts]
    return Level(
        np.searchsorted(contexts, np.arange(many + 1)),
        tokens.astype(np.int32),
        shares.astype(np.float32),
        _rest(contexts, shares, many),
    )


def _rest(contexts: Ints, shares: NDArray[np.floating], many: int) -> Floats:
    """What the n-grams of each context leave of 1."""
    return np.maximum(1 - np.bincount(contexts, shares, many), 0).astype(np.float32)


def discounts(counts: Ints) -> NDArray[np.float64]:
    """What is taken off counts of 0, 1, 2, and 3 or more (Chen and Goodman 1999, equation 17)."""
    ones, twos, threes, fours = (float(max(1, int((counts == number).sum()))) for number in (1, 2, 3, 4))
    y = ones / (ones + 2 * twos)
    found = [1 - 2 * y * twos / ones, 2 - 3 * y * threes / twos, 3 - 4 * y * fours / threes]
    limits = (0.95, 1.9, 2.85)
    return np.array([0.0, *(min(max(d, 0.05), most) for d, most in zip(found, limits, strict=True))])


def _pruned(
    levels: list[Level], counts: list[Ints], contexts: list[Ints], least: Sequence[int]
) -> list[Level]:
    """Without the n-grams that count less than `least` has it for their length and lead no further."""
    kept = [np.ones(len(level.tokens), bool) for level in levels]
    for number in range(min(len(levels), len(least)) - 1, 0, -1):
        kept[number] = counts[number] >= least[number]
        if number + 1 < len(levels):
            kept[number][contexts[number + 1][kept[number + 1]]] = True
    found = list(levels[:1])
    for number in range(1, len(levels)):
        level, stays = levels[number], kept[number]
        renamed = np.cumsum(kept[number - 1]) - 1
        own = renamed[contexts[number][stays]]
        many = int(kept[number - 1].sum())
        shares = level.shares[stays]
        starts = np.searchsorted(own, np.arange(many + 1))
        found.append(Level(starts, level.tokens[stays], shares, _rest(own, shares, many)))
    return found


# --- files ----------------------------------------------------------------------------------------------


def to_arrays(levels: Sequence[Level]) -> dict[str, NDArray[np.generic]]:
    """The tree as small arrays: tokens in two bytes, shares in one (their logarithms, in even steps)."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for number, level in enumerate(levels, 1):
        steps = np.rint(STEPS * (1 - np.log(np.maximum(level.shares, FINEST)) / np.log(FINEST)))
        arrays[f"level{number}/children"] = np.diff(level.starts).astype(
            np.uint16 if number > 1 else np.int32
        )
        arrays[f"level{number}/tokens"] = level.tokens.astype(np.uint16)
        arrays[f"level{number}/shares"] = steps.astype(np.uint8)
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> list[Level]:
    """The tree of `to_arrays`; rests are what the shares as they are stored leave of 1."""
    levels = []
    for number in range(1, 1 + sum(name.endswith("/tokens") for name in arrays)):
        children = arrays[f"level{number}/children"].astype(np.int64)
        steps = arrays[f"level{number}/shares"].astype(np.float64)
        shares = np.exp(np.log(FINEST) * (1 - steps / STEPS))
        owner = np.repeat(np.arange(len(children)), children)
        total = np.bincount(owner, shares, len(children))
        shares /= np.maximum(1.0, total / (1 - 1e-4))[owner]  # rounded up they must not be more than all
        levels.append(
            Level(
                np.concatenate([[0], np.cumsum(children)]),
                arrays[f"level{number}/tokens"].astype(np.int32),
                shares.astype(np.float32),
                _rest(owner, shares, len(children)),
            )
        )
    return levels
