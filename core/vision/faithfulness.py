"""What an explanation is worth: delete or insert its most important pixels and watch the probability."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.types import Floats, Image
from core.vision.models import PreparedClassifier

STEPS = 16
RANDOM_MAPS = 3


@dataclass(frozen=True)
class Curve:
    """The class's probability (STEPS + 1,) as pixels go (deletion) or come (insertion)."""

    deletion: Floats
    insertion: Floats

    @property
    def deletion_area(self) -> float:
        """Mean probability while deleting, 0..1: the lower, the better the map."""
        return float(np.trapezoid(self.deletion, dx=1 / (len(self.deletion) - 1)))

    @property
    def insertion_area(self) -> float:
        """Mean probability while inserting, 0..1: the higher, the better the map."""
        return float(np.trapezoid(self.insertion, dx=1 / (len(self.insertion) - 1)))


@dataclass(frozen=True)
class Faithfulness:
    """A heatmap's curves beside those of a centred blob and of random maps."""

    fractions: Floats  # (STEPS + 1,) of the pixels, 0..1
    heatmap: Curve
    centre: Curve
    random: Curve


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the maps that know nothing come to on a photo, for every class: the same whatever is explained."""

    ends: Floats  # (3, classes): of the picture itself, the grey and the blurred one
    centre: Floats  # (2, STEPS + 1, classes): deletion, insertion
    random: Floats  # (RANDOM_MAPS, 2, STEPS + 1, classes)


def comparison(model: PreparedClassifier, image: Image, *, seed: int = 0) -> Comparison:
    """The curves of a centred blob and of random maps, which those of a heatmap are compared with.

    Args:
        model: the classifier that is explained.
        image: (height, width, 3) uint8.
        seed: of the random maps.
    """
    side = model.preparation.side
    starts = _starts(model, image)
    away = np.arange(side) - (side - 1) / 2
    centre = np.asarray(-(away[:, np.newaxis] ** 2 + away**2), np.float32)
    random = np.random.default_rng(seed)
    noise = [
        cv2.resize(random.random((7, 7), np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
        for _ in range(RANDOM_MAPS)
    ]
    ends = model.predict_prepared(starts)
    curves = np.stack([_curves(model, starts, ends, importance) for importance in (centre, *noise)])
    return Comparison(ends, curves[0], curves[1:])


def faithfulness(
    model: PreparedClassifier,
    image: Image,
    heatmap: Floats,
    label_index: int,
    *,
    seed: int = 0,
    beside: Comparison | None = None,
    cropped: bool = False,
) -> Faithfulness:
    """Deletion and insertion curves of a heatmap over the photo, and of two maps that know nothing.

    Works on the network's own crop. Deletion starts from the picture and greys out the most important
    pixels first; insertion starts from a strongly blurred picture and brings them back. The random
    curve is the mean over three maps of random numbers, as coarse as the last layer of the network.

    Args:
        model: the classifier that is explained.
        image: (height, width, 3) uint8.
        heatmap: (height, width) float32, as `grad_cam` gives it.
        label_index: the class that the heatmap speaks for.
        seed: of the random maps.
        beside: `comparison` of the same photo, where it is known: four fifths of the work.
        cropped: the heatmap is of the network's crop alone, of any size.

    References:
        Petsiuk et al., "RISE: Randomized Input Sampling for Explanation", BMVC 2018, section 4.3.
    """
    found = beside or comparison(model, image, seed=seed)
    left, top, right, bottom = model.preparation.box(image)
    crop = np.ascontiguousarray(heatmap if cropped else heatmap[top:bottom, left:right], np.float32)
    side = model.preparation.side
    seen = cv2.resize(crop, (side, side), interpolation=cv2.INTER_LINEAR)
    own = _curves(model, _starts(model, image), found.ends, seen)[..., label_index]
    centre = found.centre[..., label_index]
    random = found.random[..., label_index].mean(axis=0)
    return Faithfulness(
        np.linspace(0, 1, STEPS + 1, dtype=np.float32), Curve(*own), Curve(*centre), Curve(*random)
    )


def _starts(model: PreparedClassifier, image: Image) -> list[Image]:
    """The prepared picture, all grey, and strongly blurred: what the curves begin and end with."""
    pixels = model.preparation.pixels(image)
    blurred = cv2.GaussianBlur(pixels, (0, 0), model.preparation.side / 20)
    return [pixels, np.full_like(pixels, 127), np.asarray(blurred, np.uint8)]


def _curves(model: PreparedClassifier, starts: list[Image], ends: Floats, importance: Floats) -> Floats:
    """Probabilities (2, STEPS + 1, classes) as the most important pixels go, and as they come."""
    pixels, grey, blurred = starts
    rank = np.empty(importance.size, np.int64)
    rank[np.argsort(-importance, axis=None, kind="stable")] = np.arange(importance.size)
    rank = rank.reshape(*importance.shape, 1)
    changed = [rank < round(importance.size * step / STEPS) for step in range(1, STEPS)]
    deleted = model.predict_prepared([np.where(where, grey, pixels) for where in changed])
    inserted = model.predict_prepared([np.where(where, pixels, blurred) for where in changed])
    return np.stack(
        [
            np.concatenate([ends[0:1], deleted, ends[1:2]]),
            np.concatenate([ends[2:3], inserted, ends[0:1]]),
        ]
    )
