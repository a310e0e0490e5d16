"""What data, plans, runs and tuned models are. Plain frozen values: they cross the border of a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.params import Range
from core.types import Floats

Split = Literal["train", "validation"]


@dataclass(frozen=True)
class Example:
    """One picture or one text with its class.

    A picture is kept as a small file of our own making (encoded anew after it was decoded, so nothing of
    an upload's own bytes goes on); a text as it came.
    """

    digest: str  # of the content; names the example for relabelling and dropping
    name: str  # the file's name or the line's number, as the visitor knows it
    label: int  # index into `Dataset.labels`
    split: Split
    image: bytes = field(default=b"", repr=False)  # a small JPEG
    text: str = field(default="", repr=False)
    size: tuple[int, int] = (0, 0)  # (width, height) in pixels of the picture as it came
    grey: bool = False  # a picture without colour
    likeness: bytes = field(default=b"", repr=False)  # tells near-copies of a picture: `core.tuning.likeness`


@dataclass(frozen=True)
class Problem:
    """Something of the upload that was left out or should be known: a message and its values.

    Names in `name` and `values` are the visitor's words: shown as text, never as markup.
    """

    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    name: str = ""  # the file or line that it is about, if it is about one
    digests: tuple[str, ...] = ()  # the examples that it is about, if they are in the data set


@dataclass(frozen=True)
class Dataset:
    """Pictures or texts in named classes, split so that copies and near-copies stay on one side."""

    kind: Literal["images", "texts"]
    labels: tuple[str, ...]  # the visitor's own words, or a built-in set's ids
    examples: tuple[Example, ...]
    problems: tuple[Problem, ...] = ()
    builtin: str | None = None  # the name of a set that ships
    held_out: bool = False  # the upload said itself which examples are to test with


@dataclass(frozen=True)
class Augmentation:
    """What is done to a training picture at random, each time anew."""

    flip: bool = True
    crop: Annotated[float, Range(0.0, 0.5, 0.05)] = 0.2  # at most this share of a side is cut away
    rotate: Annotated[float, Range(0, 45, 5)] = 0  # degrees, at most
    colour: Annotated[float, Range(0.0, 0.5, 0.05)] = 0.1  # brightness, contrast, saturation


Unlocked = Literal["head", "last", "all", "scratch"]


@dataclass(frozen=True)
class Plan:
    """How to tune: what is unlocked, for how long, how fast, and against overfitting what.

    unlocked: "head": the pretrained tower is locked and its features are computed once; "last": its
    last layers learn too (batch normalisation frozen); "all": everything learns; "scratch": the
    article's own network from random weights.

    refit: with few examples each one counts, and a head is learned in a moment. Once the best epoch is
    known, the head that is taken away learns from the training and the validation examples, for as many
    epochs. The evaluation, the curves and the previews are of the head before, which has never seen the
    validation examples.
    """

    unlocked: Unlocked = "head"
    epochs: Annotated[int, Range(1, 100, 1)] = 40
    batch: Annotated[int, Range(4, 64, 4)] = 32
    learning_rate: Annotated[float, Range(1e-5, 1e-1, 1e-5)] = 3e-3  # reached after the warm-up, then cosine
    augmentation: Augmentation | None = None
    weight_decay: Annotated[float, Range(0.0, 0.1, 0.001)] = 1e-3
    dropout: Annotated[float, Range(0.0, 0.7, 0.05)] = 0.2
    label_smoothing: Annotated[float, Range(0.0, 0.3, 0.05)] = 0.0
    early_stopping: bool = True  # and the weights of the best epoch are restored, either way
    refit: bool = False  # "head" only: then learn once more from all examples, those of validation too
    seed: Annotated[int, Range(0, 999, 1)] = 0


# --- events: what `fine_tune` yields ---------------------------------------------------------------


@dataclass(frozen=True)
class Started:
    """The run has begun: how many steps it may take."""

    steps: int
    training: int  # examples
    validation: int


@dataclass(frozen=True)
class Progress:
    """Where the run is. `stage` is a message key, `left` seconds or None while it is not known."""

    stage: str  # "features", "training", "evaluating", ...
    done: int
    of: int
    left: float | None = None


@dataclass(frozen=True)
class Epoch:
    """The end of an epoch: loss and accuracy on both splits, both losses without label smoothing.

    Epoch 0 is the state before the first step: its maps are those to compare with. Of a network that is
    unlocked, loss and accuracy on the training split are means over the epoch, as it learned.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    previews: Mapping[str, Floats] = field(
        default_factory=dict
    )  # digest -> probabilities, a few of validation
    maps: Floats | None = None  # (h, w, c) of the watched layer for the first preview, if it can change


@dataclass(frozen=True)
class Evaluation:
    """What the tuned network is worth, on the validation split, in the order of `digests`."""

    digests: tuple[str, ...]
    probabilities: Floats  # (n, classes)
    labels: NDArray[np.int64]  # (n,)
    accuracy: float
    interval: tuple[float, float]  # Wilson, 95 %
    loss: float  # negative log-likelihood, nats
    calibration_error: float  # expected, 10 bins
    confusion: NDArray[np.int64]  # (classes, classes), rows are the true class
    baseline_accuracy: float  # nearest class mean of the locked features
    none_threshold: float  # distance to the nearest training feature beyond which it is "none of these"
    moved: Mapping[str, float] = field(default_factory=dict)  # layer -> relative change of its weights
    channels: Mapping[str, tuple[tuple[int, float], ...]] = field(
        default_factory=dict
    )  # most changed of a layer


@dataclass(frozen=True)
class Tuned:
    """A tuned network as plain data: enough to build it again, to save it, and to know where it is from."""

    kind: Literal["images", "texts"]
    labels: tuple[str, ...]
    plan: Plan
    weights: Mapping[str, NDArray[np.generic]] = field(repr=False)  # only what differs from the base model
    features: NDArray[np.float16] = field(repr=False)  # (examples learned from, width), unit rows: for "none"
    feature_labels: NDArray[np.int64] = field(repr=False)
    feature_digests: tuple[str, ...] = field(repr=False)  # whose features they are
    none_threshold: float
    figures: Mapping[str, float]
    made: str  # ISO date and time, UTC


class Stop(Exception):
    """Thrown into a run where it has yielded: it should give what it has and end (`training.stop`)."""


@dataclass(frozen=True)
class Finished:
    """The last event of every run: the best model so far, also of a run that was stopped."""

    tuned: Tuned
    evaluation: Evaluation
    history: tuple[Epoch, ...]
    stopped: Literal["done", "early", "by_visitor"]
    best_epoch: int
    seconds: float


Event: TypeAlias = Started | Progress | Epoch | Finished
