"""What a lesson tells: plain frozen values, which cross the border of a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.types import Floats

Lock: TypeAlias = Literal["image", "both", "none"]
"""What is locked: "image": the image tower, while the text tower is tuned (LiT); "both": both, and only the
projection learns; "none": nothing, the image tower learns too."""
LOCKS: tuple[Lock, ...] = ("image", "both", "none")


@dataclass(frozen=True)
class LessonStarted:
    """The lesson has begun."""

    lock: Lock
    steps: int  # at most
    names: tuple[str, ...]  # of the pictures of the matrix, which are its rows
    captions: tuple[str, ...]  # its columns: captions that are not learned
    pairs: int
    classes: int  # whose rows and names are learned
    left_out: int  # classes that are only asked for


@dataclass(frozen=True)
class LessonStep:
    """Where the lesson is; step 0 is before the first."""

    step: int
    loss: float  # nats, the mean since the last event
    matrix: Floats  # (n, n) cosines of the pictures and the captions that are shown
    scale: float  # 1 / temperature: the matrix is multiplied by it before the softmax
    matrix_loss: float  # the same loss of the matrix alone
    zero_shot: float  # share of the rows of left-out classes whose nearest name among theirs is their own
    chance: float  # what guessing would reach there
    pictures: float  # share of the pictures whose own shown caption is the nearest of all shown ones
    agreement: (
        float  # share of ImageNet answers that are those of the untouched image tower; 1 while it is locked
    )
    milliseconds: float  # of a step, the median since the last event


@dataclass(frozen=True)
class LessonFinished:
    """The last event of every lesson, also of one that was stopped."""

    last: LessonStep
    history: tuple[LessonStep, ...]
    stopped: Literal["done", "by_visitor"]
    seconds: float
    weights: Mapping[str, NDArray[np.generic]] = field(repr=False)  # of the text tower: to tune on from
    words: tuple[str, ...] = field(repr=False)  # whose changes are in `weights`, in order
    told_from: tuple[Floats, float] = field(repr=False)  # mean and spread of the word vectors


LessonEvent: TypeAlias = LessonStarted | LessonStep | LessonFinished
