"""What the pretrained encoder makes of a text, for a new last layer to read.

Not the last layer's mean alone: the encoder was tuned to tell praise from blame, and its last layers have
forgotten much of what else a sentence says. Its lower layers have not. So the mean over the tokens is taken
before the first layer and after each of the six; each is brought to length 1, and they stand side by side.

References:
    Peters et al., "Deep contextualized word representations", 2018, section 3.2, and Tenney et al., "BERT
    rediscovers the classical NLP pipeline", 2019: a task reads from all layers, each from others the most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.language import windows
from core.language.pretrained import LAYERS, Pretrained
from core.language.pretrained import WIDTH as STATE
from core.language.threads import one_thread
from core.language.types import Ids
from core.types import Floats

DEPTHS = LAYERS + 1  # before the first layer, and after each
WIDTH = DEPTHS * STATE  # of what the last layer reads


def readable(encoder: Pretrained, text: str) -> Ids:
    """The tokens of a text's beginning, as many as the encoder reads at once.

    Raises:
        GlassboxError: it holds nothing to read.
    """
    return encoder.readable(text)[: encoder.length]


def vectors(encoder: Pretrained, texts: Sequence[Ids]) -> Floats:
    """What the last layer reads of texts, as their tokens: rows of length 1, (n, `WIDTH`).

    Texts go through the encoder side by side, which is three times as fast as one by one.
    """
    ids, mask = windows.padded(texts)
    with one_thread():
        _, means = through(encoder, ids, mask, LAYERS)
    return np.asarray(means / np.float32(np.sqrt(DEPTHS)), np.float32)


def through(encoder: Pretrained, ids: Ids, mask: Floats, layers: int) -> tuple[Floats, Floats]:
    """The first `layers` layers: the token vectors after them, (n, T, 384), and the means so far.

    The means are (n, (1 + layers) * 384), of length 1 at each depth.
    """
    x = encoder.placed(encoder.embed(ids))
    means = [_mean(x, mask)]
    for layer in range(layers):
        x, *_ = encoder.layer(layer, x, mask)
        means.append(_mean(x, mask))
    return x, np.concatenate(means, axis=1)


def _mean(x: Floats, mask: Floats) -> Floats:
    """The mean of the token vectors that are there, at length 1: (n, T, 384), mask (n, T) -> (n, 384)."""
    total = np.einsum("ntd,nt->nd", x, mask)
    return np.asarray(total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12), np.float32)


def joined(states: Sequence[Any], mask: Any, below: Any = None) -> Any:
    """The same in Keras: token vectors (n, T, 384) at each depth -> (n, `WIDTH`).

    Args:
        states: of the depths from the first that may change.
        mask: (n, T), 1 where a token is.
        below: the means of the depths before, as `through` gives them.
    """
    from keras import ops

    there = ops.expand_dims(mask, 2)
    means = [ops.normalize(ops.sum(state * there, axis=1), axis=1) for state in states]
    every = means if below is None else [below, *means]
    return ops.concatenate(every, axis=1) * DEPTHS**-0.5
