"""How much each token speaks for "positive" or "negative", asked in several ways.

Every method is a generator: it yields `Progress`, so that a page can show it and stop it, and last the
`Attribution`. What is explained is the calibrated log-odds of "positive" of one window of a text: the
difference of the two logits over the temperature.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core.language.bag_of_words import Gram
from core.language.reading import chosen, margins, part_of, passes_within
from core.language.types import Inside, TextModel, Token
from core.types import Floats

STRETCHES = 4  # of the way of integrated gradients, at first
POINTS = 4  # in each
MOST_STEPS = 600
GAP = 0.01  # of the log-odds' difference, or of 1 if that is larger: what the scores' sum may miss
NUMBERS_AT_ONCE = 80_000_000  # kept for the way back through a batch: 320 MB
OMISSIONS_WORK = 2e11  # multiplications that leaving out may take: about 5 seconds
FEWEST_OMISSIONS = 16
PASSES_AT_ONCE = 32


@dataclass(frozen=True)
class Progress:
    """How much of the work is done: 0..1."""

    share: float


@dataclass(frozen=True, eq=False)
class Attribution:
    """A score a token. Above 0 it speaks for "positive", below 0 for "negative".

    Attention has no sign: its scores are shares, at least 0, and say only where the network looked.
    """

    name: str  # of the model
    method: str  # one of `METHODS`
    tokens: tuple[Token, ...]
    scores: Floats  # (T,)
    unit: Literal["log_odds", "share"]  # calibrated log-odds of "positive", or a share of the attention
    baseline: str  # message `attribution.baseline.NAME`: what the text is compared with
    total: float = math.nan  # what the scores should add up to; nan for a method that promises no sum
    group: int = 1  # neighbouring tokens that were left out together; 1 if each by itself
    steps: int = 0  # points on the path of integrated gradients

    @property
    def signed(self) -> bool:
        """Whether the scores tell for which side a token speaks."""
        return self.unit == "log_odds"

    @property
    def gap(self) -> float:
        """By how much the sum of the scores misses `total`; nan for a method that promises no sum."""
        return abs(float(self.scores.sum(dtype=float)) - self.total)


Doubles: TypeAlias = NDArray[np.float64]
Steps: TypeAlias = Iterator[Progress | Attribution]


@dataclass(frozen=True)
class Method:
    """One way to ask: the messages `attribution.NAME`, `.about`, `.citation` tell of it."""

    name: str
    run: Callable[[TextModel, str, int], Steps]
    fits: Callable[[TextModel], bool]  # whether it makes sense for a model


def methods(model: str | TextModel) -> tuple[str, ...]:
    """The methods that make sense for a model, the one to show first in front."""
    found = chosen(model)
    return tuple(name for name, method in METHODS.items() if method.fits(found))


def attribution(method: str, model: str | TextModel, text: str, window: int = 0) -> Steps:
    """Yields `Progress` and, last, the `Attribution` of one window of a text.

    Raises:
        KeyError: no such method, or not for this model.
        GlassboxError: there is nothing to read in the text.
    """
    found = chosen(model)
    if not METHODS[method].fits(found):
        raise KeyError(method)
    return METHODS[method].run(found, text, window)


def attribute(method: str, model: str | TextModel, text: str, window: int = 0) -> Attribution:
    """The `Attribution` of `attribution`, waited for."""
    for step in attribution(method, model, text, window):
        if isinstance(step, Attribution):
            return step
    raise AssertionError("a method ends with its attribution")


# --- gradients --------------------------------------------------------------------------------------

_compiled: weakref.WeakKeyDictionary[TextModel, Any] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def margins_and_gradients(model: TextModel, words: Floats) -> tuple[Floats, Floats]:
    """Calibrated log-odds (n,) and their gradients (n, T, width) at token vectors (n, T, width).

    Through the Keras twin, by one compiled function a model.
    """
    with _lock:
        if model not in _compiled:
            _compiled[model] = _compile(model.network(), words.shape[2])
    margin, gradients = _compiled[model](words)
    temperature = np.float32(model.temperature)
    return np.asarray(margin.numpy() / temperature), np.asarray(gradients.numpy() / temperature)


def _compile(network: Any, width: int) -> Any:
    import tensorflow as tf

    def run(words: Any) -> tuple[Any, Any]:
        mask = tf.ones(tf.shape(words)[:2], network.inputs[1].dtype)
        with tf.GradientTape() as tape:
            tape.watch(words)
            logits = network([words, mask], training=False)
            margin = logits[:, 1] - logits[:, 0]
        return margin, tape.gradient(margin, words)

    return tf.function(run, input_signature=[tf.TensorSpec((None, None, width))], autograph=False)


@dataclass(frozen=True, eq=False)
class _Stretch:
    """A part of the way of integrated gradients."""

    start: float  # 0..1
    scores: Doubles  # (T,) what each token adds on it
    gap: float  # by how much they miss what the log-odds gain on it


def integrated_gradients(model: TextModel, text: str, window: int = 0) -> Steps:
    """The gradients on the straight way from nothing to the text, averaged, times the text's vectors.

    "Nothing" is the zero vector in the place of every token. On each stretch of the way the scores must add
    up to what the log-odds gain there (completeness). While all together miss more than `GAP`, those that
    miss more than their share are halved, until `MOST_STEPS` gradients were taken: the verdict of a recurrent
    network may jump within a hundredth of the way.

    References:
        Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017;
        Gauss-Legendre sums of `POINTS` points.
    """
    part = part_of(model, text, window)
    inside = model.inside(part.ids)
    words = inside.embeddings
    at_once = max(1, NUMBERS_AT_ONCE // _numbers(inside))

    def on_the_way(where: Doubles) -> tuple[Floats, Floats]:
        """Log-odds (n,) and what each token adds to their slope (n, T) at places (n,) of the way."""
        values, slopes = [], []
        for first in range(0, len(where), at_once):
            vectors = where[first : first + at_once, np.newaxis, np.newaxis] * words
            value, gradients = margins_and_gradients(model, vectors.astype(np.float32))
            values.append(value)
            slopes.append((gradients * words).sum(axis=2))
        return np.concatenate(values), np.concatenate(slopes)

    points, weights = np.polynomial.legendre.leggauss(POINTS)  # on -1..1

    def measured(starts: Doubles, length: float) -> list[_Stretch]:
        """Stretches of one length, (n,) starts, in one batch."""
        inner = (starts[:, np.newaxis] + length * (points + 1) / 2).ravel()
        values, slopes = on_the_way(np.concatenate([starts, starts + length, inner]))
        count = len(starts)
        gains = values[count : 2 * count] - values[:count]
        scores = weights @ slopes[2 * count :].reshape(count, POINTS, -1) * length / 2  # (n, T)
        gaps = abs(scores.sum(axis=1) - gains)
        return [_Stretch(*one) for one in zip(starts, scores, gaps, strict=True)]

    (start, end), _ = on_the_way(np.array([0.0, 1.0]))
    allowed = GAP * max(abs(float(end - start)), 1)
    done: list[_Stretch] = []
    new, length, steps = np.arange(STRETCHES) / STRETCHES, 1 / STRETCHES, 0
    while len(new):
        stretches = measured(new, length)
        steps += POINTS * len(new)
        yield Progress(min(steps / MOST_STEPS, 1))
        enough = sum(one.gap for one in done + stretches) <= allowed or steps >= MOST_STEPS
        coarse = [] if enough else [one for one in stretches if one.gap > allowed * length]
        done += [one for one in stretches if one not in coarse]
        length /= 2
        new = np.array([one.start + shift for one in coarse for shift in (0, length)])
    yield Attribution(
        name=model.name,
        method="integrated_gradients",
        tokens=part.tokens,
        scores=np.sum([one.scores for one in done], axis=0).astype(np.float32),
        unit="log_odds",
        baseline="zero",
        total=float(end) - float(start),
        steps=steps,
    )


def _numbers(inside: Inside) -> int:
    """About how many numbers a pass of this length keeps for the way back."""
    if inside.attention is None:
        return 40 * inside.embeddings.size
    layers, heads, length = inside.attention.shape[:3]
    width = inside.embeddings.shape[1]
    return int(layers * length * (3 * heads * length + 24 * width))


# --- the others -------------------------------------------------------------------------------------


def leave_one_out(model: TextModel, text: str, window: int = 0) -> Steps:
    """What the log-odds lose if a token is left out and the others move together.

    In a long text, neighbouring tokens are left out in groups, all equally large, and
    share their score.

    References:
        Li, Monroe and Jurafsky, "Understanding Neural Networks through Representation Erasure", 2016.
    """
    part = part_of(model, text, window)
    ids, count = part.ids, len(part.ids)
    passes = passes_within(model, model.inside(ids), count, OMISSIONS_WORK)
    group = math.ceil(count / min(max(passes, FEWEST_OMISSIONS), count))
    starts = range(0, count, group)
    whole = margins(model, [ids])[0]
    scores = np.zeros(count, np.float32)
    for first in range(0, len(starts), PASSES_AT_ONCE):
        together = starts[first : first + PASSES_AT_ONCE]
        without = [np.delete(ids, slice(start, start + group)) for start in together]
        for start, margin in zip(together, margins(model, without), strict=True):
            scores[start : start + group] = (whole - margin) / min(group, count - start)
        yield Progress((first + len(together)) / len(starts))
    yield Attribution(
        name=model.name,
        method="leave_one_out",
        tokens=part.tokens,
        scores=scores,
        unit="log_odds",
        baseline="without",
        group=group,
    )


def attention(model: TextModel, text: str, window: int = 0) -> Steps:
    """How much of the last layer comes from each token if attention alone carried it (rollout).

    The mean over the heads, half of it the token itself for the way around the layer, multiplied from
    layer to layer; then the mean over the tokens of the last layer. It has no sign and is no proof.

    References:
        Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020;
        Jain and Wallace, "Attention is not Explanation", NAACL 2019.
    """
    part = part_of(model, text, window)
    layers = model.inside(part.ids).attention
    assert layers is not None
    flow = np.eye(len(part.ids), dtype=np.float32)
    for heads in layers:  # (heads, T, T)
        flow = (heads.mean(axis=0) @ flow + flow) / 2
    yield Attribution(
        name=model.name,
        method="attention",
        tokens=part.tokens,
        scores=flow.mean(axis=0),
        unit="share",
        baseline="none",
        total=1.0,
    )


@runtime_checkable
class Bag(Protocol):
    """A bag of words: its logits' difference is the bias and the weights of the n-grams that it finds."""

    @property
    def bias(self) -> float: ...

    def found(self, text: str, tokens: list[Token]) -> list[Gram]: ...


def weights(model: TextModel, text: str, window: int = 0) -> Steps:
    """The bag of words' own weights: that of an n-gram is shared equally among its tokens. Exact."""
    assert isinstance(model, Bag)
    part = part_of(model, text, window)
    scores = np.zeros(len(part.tokens))
    for gram in model.found(text, list(part.tokens)):
        scores[list(gram.tokens)] += gram.weight / len(gram.tokens) / model.temperature
    [margin] = margins(model, [part.ids])
    yield Attribution(
        name=model.name,
        method="weights",
        tokens=part.tokens,
        scores=scores.astype(np.float32),
        unit="log_odds",
        baseline="bias",
        total=float(margin) - model.bias / model.temperature,
    )


def _has_attention(model: TextModel) -> bool:
    return model.inside(np.zeros(1, np.int32)).attention is not None


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method("weights", weights, lambda model: isinstance(model, Bag)),
            Method("integrated_gradients", integrated_gradients, lambda model: not isinstance(model, Bag)),
            Method("leave_one_out", leave_one_out, lambda model: True),
            Method("attention", attention, _has_attention),
        )
    }
)
