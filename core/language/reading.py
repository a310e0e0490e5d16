"""What happened inside a text model while it read: tokens, states or attention, the running verdict."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import GlassboxError
from core.language import windows
from core.language.cleaning import LONGEST
from core.language.models import sentiment
from core.language.shipped import sigmoid
from core.language.types import Ids, Inside, TextModel, Token
from core.types import Floats

RUNNING_WORK = 2e10  # multiplications that the running verdict may take: about a second
PER_TOKEN = 20_000  # multiplications for which a model that is no Transformer takes as long as for a token
FEWEST_PREFIXES = 12


@dataclass(frozen=True, eq=False)
class Reading:
    """One text as one model read it. Of a text longer than the model reads at once, one window is shown.

    `running` is of the window alone: its last number is the window's own verdict, which is
    `probabilities[1]` if there is only one window. Where a prefix was not read by itself (a long text in
    a Transformer), the value lies on the line between its neighbours in `measured`.
    """

    name: str
    text: str  # as typed
    tokens: tuple[Token, ...]  # of the window shown; their spans are places in `text`
    probabilities: Floats  # (2,) calibrated, of the whole text
    running: Floats  # (T,) calibrated P(positive) after each token
    measured: tuple[int, ...]  # the places of `running` that were computed, ascending; the last is T - 1
    inside: Inside  # of the pass over the window
    window: int  # which one is shown
    windows: int  # how many there are
    total: int  # tokens of the whole text
    truncated: bool  # the text is longer than a model reads (`cleaning.LONGEST` characters)
    seconds: float

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of each token in `text`."""
        return tuple(token.span for token in self.tokens)

    @property
    def pieces(self) -> tuple[str, ...]:
        """The tokens as they are shown."""
        return tuple(token.piece for token in self.tokens)

    @property
    def positive(self) -> float:
        """Calibrated probability that the whole text is positive."""
        return float(self.probabilities[1])

    @property
    def states(self) -> Mapping[str, Floats]:
        """(T, units) each: "hidden", and of a GRU "update", "reset" and "candidate"; else empty."""
        return self.inside.states

    @property
    def attention(self) -> Floats | None:
        """(layers, heads, T, T), rows sum to 1; None if the model has no attention."""
        return self.inside.attention


def chosen(model: str | TextModel) -> TextModel:
    """The model itself, or the shipped one of that name.

    Raises:
        KeyError: no such model.
    """
    return sentiment(model) if isinstance(model, str) else model


def read(model: str | TextModel, text: str, window: int = 0) -> Reading:
    """What happens inside a model while it reads a text.

    Args:
        model: a shipped model's name or a `TextModel`.
        text: as the visitor typed it.
        window: which window of a long text is shown; the last one if there are fewer.

    Raises:
        KeyError: no such model.
        GlassboxError: there is nothing to read in the text.
    """
    begun = time.perf_counter()
    found = chosen(model)
    [probabilities] = found.predict([text])
    part = part_of(found, text, window)
    inside = found.inside(part.ids)
    running, measured = _running(found, part.ids, inside)
    return Reading(
        name=found.name,
        text=text,
        tokens=part.tokens,
        probabilities=probabilities,
        running=running,
        measured=measured,
        inside=inside,
        window=part.window,
        windows=part.windows,
        total=part.total,
        truncated=len(text) > LONGEST,
        seconds=time.perf_counter() - begun,
    )


@dataclass(frozen=True)
class Part:
    """The tokens of one window of a text."""

    tokens: tuple[Token, ...]
    window: int
    windows: int
    total: int

    @property
    def ids(self) -> Ids:
        """(T,) as a model takes them."""
        return np.array([token.id for token in self.tokens], np.int32)


def part_of(model: TextModel, text: str, window: int = 0) -> Part:
    """One window of a text, the last one if there are fewer.

    Raises:
        GlassboxError: there is nothing to read in the text.
    """
    tokens = model.tokenizer.encode(text)
    if not tokens:
        raise GlassboxError("language.error.nothing_to_read")
    parts = windows.cut(np.arange(len(tokens), dtype=np.int32), model.length)
    which = min(max(window, 0), len(parts) - 1)
    return Part(tuple(tokens[place] for place in parts[which]), which, len(parts), len(tokens))


def margins(model: TextModel, batch: Sequence[Ids]) -> Floats:
    """Calibrated log-odds of "positive", (n,): the difference of the two logits over the temperature.

    A sequence without any token says nothing: 0.
    """
    found = np.zeros(len(batch), np.float32)
    places = [place for place, ids in enumerate(batch) if len(ids)]
    if places:
        found[places] = odds(model.logits([batch[place] for place in places]), model)
    return found


def odds(logits: Floats, model: TextModel) -> Floats:
    """Calibrated log-odds of "positive", (n,), from logits (n, 2)."""
    return np.asarray((logits[:, 1] - logits[:, 0]) / model.temperature, np.float32)


def probability(margin: Floats) -> Floats:
    """Probability of "positive" from its log-odds: the softmax of two logits, which is a sigmoid."""
    return sigmoid(margin)


def passes_within(model: TextModel, inside: Inside, tokens: int, work: float) -> int:
    """How many passes over so many tokens take at most as long as `work` multiplications.

    A Transformer's pass multiplies each token with each weight outside of the embedding once.
    """
    if inside.layers is None:
        weights = PER_TOKEN
    else:
        embedding = model.tokenizer.size * inside.embeddings.shape[1]
        weights = max(model.card.parameters - embedding, 1)
    return int(work / (max(tokens, 1) * weights))


def _running(model: TextModel, ids: Ids, inside: Inside) -> tuple[Floats, tuple[int, ...]]:
    """Calibrated P(positive) after each token, and the places where it was computed."""
    count = len(ids)
    if "hidden" in inside.states:  # the dense layer may be asked after any step
        logits = inside.states["hidden"] @ model.weights["dense/kernel"] + model.weights["dense/bias"]
        return probability(odds(logits, model)), tuple(range(count))
    passes = passes_within(model, inside, count // 2, RUNNING_WORK)
    passes = min(max(passes, FEWEST_PREFIXES), count)
    measured = np.unique(np.linspace(0, count - 1, passes).round().astype(int))
    found = probability(margins(model, [ids[: place + 1] for place in measured]))
    return np.interp(np.arange(count), measured, found).astype(np.float32), tuple(map(int, measured))
