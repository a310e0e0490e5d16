"""Texts longer than a network reads at once: read in windows, the logits of which are averaged."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from core.language.types import Ids
from core.types import Floats

BUDGET = 16_384  # tokens, padding included, that one pass of a batch holds: it bounds the memory


def cut(ids: Ids, length: int) -> list[Ids]:
    """The fewest windows of at most `length` tokens, as equal as can be, in order, nothing twice."""
    return [window.astype(np.int32) for window in np.array_split(ids, max(1, -(-len(ids) // length)))]


def padded(batch: Sequence[Ids]) -> tuple[Ids, Floats]:
    """Sequences side by side, filled up with zeros: ids (n, T) and mask (n, T), 1 where a token is."""
    longest = max(map(len, batch))
    ids = np.zeros((len(batch), longest), np.int32)
    mask = np.zeros((len(batch), longest), np.float32)
    for row, sequence in enumerate(batch):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


def in_batches(
    forward: Callable[[Ids, Floats], Floats], batch: Sequence[Ids], budget: int = BUDGET
) -> Floats:
    """The logits (n, 2) of sequences of any lengths: neighbours in length go through `forward` together."""
    logits = np.zeros((len(batch), 2), np.float32)
    order = sorted(range(len(batch)), key=lambda row: len(batch[row]))
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * len(batch[order[end]]) <= budget:
            end += 1
        rows = order[start:end]
        logits[rows] = forward(*padded([batch[row] for row in rows]))
        start = end
    return logits


def averaged(logits: Callable[[Sequence[Ids]], Floats], texts: Sequence[Ids], length: int) -> Floats:
    """The logits (n, 2) of whole texts: each is cut into windows, and what they say is averaged."""
    windows = [cut(ids, length) for ids in texts]
    every = logits(list(itertools.chain.from_iterable(windows)))
    counts = np.array(list(map(len, windows)))
    starts = np.cumsum(counts) - counts
    return np.asarray(np.add.reduceat(every, starts, axis=0) / counts[:, np.newaxis], np.float32)
