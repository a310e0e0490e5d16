"""Small experiments on a set that ships: what more data, wrong labels, and each guard against them are worth.

A head (`core.tuning.head`) learns from what the locked tower makes of the pictures. These features are shipped
(`training/experiments.py` computes them; of those of `features.of_examples` they are the first 1,280, the last
maps'), so that a head learns in hundredths of a second and an experiment is run when it is asked for. Every
figure is the mean of `DRAWS` runs: which pictures are drawn matters when there are few of them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import cv2
import numpy as np

from core import assets, checksums
from core.language.threads import one_thread
from core.params import Range
from core.tuning import evaluation, features, head
from core.tuning.head import Head, Labels
from core.tuning.images import pixels
from core.tuning.shipped import builtin
from core.tuning.types import Plan
from core.types import Floats

FILE = assets.path("tuning", "features.npz")
SETS = ("surfaces", "textures", "digits")
COUNTS = (1, 2, 5, 10, 20)  # pictures a class
DRAWS = 5
SIDE = 16  # pixels, of a picture that is learned from without a tower
Input = Literal["tower", "pixels"]


@dataclass(frozen=True, eq=False)
class Shelf:
    """A set that ships, ready to learn from: rows (n, width) and the classes (n,) of both sides."""

    labels: tuple[str, ...]
    learn: Floats
    learn_labels: Labels
    test: Floats
    test_labels: Labels


@dataclass(frozen=True)
class Setting:
    """The data that a head learns from."""

    count: Annotated[int, Range(1, 20, 1)] = 10  # pictures a class
    wrong: Annotated[float, Range(0.0, 0.5, 0.1)] = 0.0  # the share of pictures with a wrong label
    starved: bool = False  # one class has a single picture


@dataclass(frozen=True)
class Guards:
    """What is done against learning by heart."""

    weight_decay: bool = False
    dropout: bool = False
    early_stopping: bool = False
    more_pictures: bool = False  # twice as many


@dataclass(frozen=True)
class Score:
    """What came of a setting, over all draws."""

    accuracy: float  # on pictures that were not learned from
    interval: tuple[float, float]  # Wilson, 95 %, of a single run
    learned: float  # the accuracy on what was learned from, by the labels that were given
    starved: float  # the share of the first class's test pictures that were recognised


@dataclass(frozen=True, eq=False)
class Course:
    """How learning went, over all draws."""

    history: Floats  # (epochs, 4): loss and accuracy on what is learned from, the same on what is not
    best_epoch: int  # the one whose mean loss on the validation half is lowest, from 1
    kept: float  # the accuracy of what is kept, on the half that chose nothing
    interval: tuple[float, float]
    learned: float  # the accuracy of the same on what it learned from


@functools.cache
def shelf(name: str, what: Input = "tower") -> Shelf:
    """A set that ships as rows: 1,280 features of the locked tower (its last maps'), or SIDE x SIDE grey pixels in 0..1."""
    dataset = builtin(name)
    sides = features.split(dataset)
    if what == "tower":
        with np.load(checksums.whole("tuning", FILE.name), allow_pickle=False) as file:
            rows = file[name].astype(np.float32)
            known = file[f"{name}/digests"].tolist()
        if known != [example.digest for example in dataset.examples]:
            raise AssertionError(f"the features of {name} are of other pictures: run training/experiments.py")
        by_digest = dict(zip(known, rows, strict=True))
        learn, test = (np.stack([by_digest[one.digest] for one in side]) for side in sides)
    else:
        learn, test = (
            np.stack(
                [
                    cv2.resize(
                        cv2.cvtColor(pixels(one), cv2.COLOR_RGB2GRAY),
                        (SIDE, SIDE),
                        interpolation=cv2.INTER_AREA,
                    )
                    for one in side
                ]
            ).reshape(len(side), -1)
            / np.float32(255)
            for side in sides
        )
    labels = [np.array([one.label for one in side], np.int64) for side in sides]
    return Shelf(dataset.labels, learn, labels[0], test, labels[1])


def drawn(found: Shelf, setting: Setting, seed: int) -> tuple[Labels, Labels]:
    """Which rows are learned from, and the labels that are given for them.

    The draws of one seed are nested: ten pictures a class are the five of the same seed and five more.
    """
    random = np.random.default_rng(seed)
    every = []
    for label in range(len(found.labels)):
        of_class = random.permutation(np.flatnonzero(found.learn_labels == label))
        every.append(of_class[: 1 if setting.starved and label == 0 else setting.count])
    rows = np.concatenate(every)
    given = found.learn_labels[rows].copy()
    false = random.permutation(len(rows))[: round(setting.wrong * len(rows))]
    given[false] = (given[false] + random.integers(1, len(found.labels), len(false))) % len(found.labels)
    return rows, given


PLAN = Plan(epochs=30, batch=16, learning_rate=3e-3, weight_decay=1e-3, dropout=0.2)


@functools.lru_cache(maxsize=256)
@one_thread()
def score(name: str, setting: Setting, what: Input = "tower") -> Score:
    """Learns from a setting, `DRAWS` times."""
    found = shelf(name, what)
    right, learned, starved = [], [], []
    for seed in range(DRAWS):
        rows, given = drawn(found, setting, seed)
        *_, last = head.learn(
            found.learn[rows][:, np.newaxis], given, len(found.labels), replace(PLAN, seed=seed)
        )
        hits = _hits(last, found.test, found.test_labels)
        right.append(hits.mean())
        learned.append(_hits(last, found.learn[rows], given).mean())
        starved.append(hits[found.test_labels == 0].mean())
    accuracy = float(np.mean(right))
    tests = len(found.test_labels)
    return Score(
        accuracy,
        evaluation.wilson(round(accuracy * tests), tests),
        float(np.mean(learned)),
        float(np.mean(starved)),
    )


def by_heart(guards: Guards) -> Plan:
    """A plan that learns by heart, but for what guards against it."""
    return Plan(
        epochs=40,
        batch=32,
        learning_rate=1e-2,
        weight_decay=1.0 if guards.weight_decay else 0.0,
        dropout=0.5 if guards.dropout else 0.0,
    )


@functools.lru_cache(maxsize=32)
@one_thread()
def course(guards: Guards, setting: Setting | None = None) -> Course:
    """Learns digits of which some have a wrong label, and watches both sides after every epoch.

    Half of the pictures that are not learned from choose the epoch that is kept, the other half tests it: an
    epoch chosen on what it is tested with would look too good.
    """
    found = shelf("digits")
    data = setting or Setting(count=20 if guards.more_pictures else 10, wrong=0.2)
    choosing = np.arange(len(found.test_labels)) % 2 == 0
    histories, chosen, kept, learned = [], [], [], []
    for seed in range(DRAWS):
        rows, given = drawn(found, data, seed)
        x = found.learn[rows]
        plan = replace(by_heart(guards), seed=seed)
        heads = list(head.learn(x[:, np.newaxis], given, len(found.labels), plan))
        history = np.array(
            [[*_watched(one, x, given), *_watched(one, found.test, found.test_labels)] for one in heads],
            np.float32,
        )
        losses = [_watched(one, found.test[choosing], found.test_labels[choosing])[0] for one in heads]
        best = int(np.argmin(losses))
        last = heads[best] if guards.early_stopping else heads[-1]
        histories.append(history)
        chosen.append(losses)
        kept.append(_hits(last, found.test[~choosing], found.test_labels[~choosing]).mean())
        learned.append(_hits(last, x, given).mean())
    accuracy, tests = float(np.mean(kept)), int((~choosing).sum())
    return Course(
        np.mean(histories, axis=0),
        int(np.mean(chosen, axis=0).argmin()) + 1,
        accuracy,
        evaluation.wilson(round(accuracy * tests), tests),
        float(np.mean(learned)),
    )


def _hits(found: Head, x: Floats, labels: Labels) -> Floats:
    hits: Floats = (found.logits(x).argmax(axis=1) == labels).astype(np.float32)
    return hits


def _watched(found: Head, x: Floats, labels: Labels) -> tuple[float, float]:
    probabilities = found.probabilities(x)
    hits = probabilities.argmax(axis=1) == labels
    return evaluation.loss(probabilities, labels), float(hits.mean())
