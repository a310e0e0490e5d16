"""What the recurrent term is worth: the article's RNN with U h_{t-1}, and as the article wrote it, without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core import language
from core.language.calibration import softmax
from core.language.recurrent import SimpleRecurrent
from core.language.threads import one_thread
from core.types import Floats


@dataclass(frozen=True, eq=False)
class Memory:
    """One text, read twice."""

    pieces: tuple[str, ...]  # the tokens that were read
    remembered: Floats  # (T,) P(positive) after each token, h_t = tanh(W x_t + U h_{t-1} + b)
    forgotten: Floats  # (T,) the same with h_t = tanh(W x_t + b): each token for itself


@one_thread()
def memory(text: str) -> Memory:
    """Reads a text with the shipped RNN, and with its recurrent term left out.

    Raises:
        GlassboxError: there is nothing to read in the text.
    """
    model = language.sentiment("rnn")
    assert isinstance(model, SimpleRecurrent)
    ids = model.readable(text)[: model.length]
    embeddings = model.embed(ids)
    hidden = np.concatenate([step["hidden"] for step in model.steps(embeddings[np.newaxis])])
    alone = np.tanh(embeddings @ model.weights["rnn/kernel"] + model.weights["rnn/bias"])
    remembered, forgotten = (
        softmax(model.dense(states) / model.temperature)[:, 1] for states in (hidden, alone)
    )
    pieces = tuple(model.tokenizer.piece(int(one)) for one in ids)
    return Memory(pieces, remembered, forgotten)
