"""What an explanation is worth: delete or insert its most important pixels and watch the probability."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.types import Floats, Image
from core.vision.models import PreparedClassifier

STEPS = 16
RANDOM_MAPS = 3  # each in half as many steps: their mean is smooth


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

    pixels: Image  # (side, side, 3) uint8, the picture as the network reads it
    ends: Floats  # (3, classes): of the picture itself, the grey and the blurred one
    centre: Floats  # (2, STEPS + 1, classes): deletion, insertion
    random: Floats  # (2, STEPS // 2 + 1, classes), the mean over the random maps


def comparison(model: PreparedClassifier, image: Image, *, seed: int = 0) -> Comparison:
    """The curves of a centred blob and of random maps, which those of a heatmap are compared with.

    Args:
        model: the classifier that is explained.
        image: (height, width, 3) uint8.
        seed: of the random maps.
    """
    side = model.preparation.side
    starts = _starts(model.preparation.pixels(image))
    away = np.arange(side) - (side - 1) / 2
    centre = np.asarray(-(away[:, np.newaxis] ** 2 + away**2), np.float32)
    random = np.random.default_rng(seed)
    noise = [
        cv2.resize(random.random((7, 7), np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
        for _ in range(RANDOM_MAPS)
    ]
    ends = model.predict_prepared(starts)
    chance = np.mean([_curves(model, starts, ends, one, STEPS // 2) for one in noise], axis=0)
    return Comparison(starts[0], ends, _curves(model, starts, ends, centre, STEPS), chance)


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
    curve is the mean over three maps of random numbers, as coarse as the last layer of the network,
    and straight between every second step.

    Args:
        model: the classifier that is explained.
        image: (height, width, 3) uint8.
        heatmap: (height, width) float32, as `grad_cam` gives it.
        label_index: the class that the heatmap speaks for.
        seed: of the random maps.
        beside: `comparison` of the same photo, where it is known: seven tenths of the work.
        cropped: the heatmap is of the network's crop alone, of any size.

    References:
        Petsiuk et al., "RISE: Randomized Input Sampling for Explanation", BMVC 2018, section 4.3.
    """
    found = beside or comparison(model, image, seed=seed)
    left, top, right, bottom = model.preparation.box(image)
    crop = np.ascontiguousarray(heatmap if cropped else heatmap[top:bottom, left:right], np.float32)
    side = model.preparation.side
    seen = cv2.resize(crop, (side, side), interpolation=cv2.INTER_LINEAR)
    own = _curves(model, _starts(found.pixels), found.ends, seen, STEPS)[..., label_index]
    centre = found.centre[..., label_index]
    fractions = np.linspace(0, 1, STEPS + 1, dtype=np.float32)
    coarse = np.linspace(0, 1, STEPS // 2 + 1, dtype=np.float32)
    random = [np.interp(fractions, coarse, one[:, label_index]).astype(np.float32) for one in found.random]
    return Faithfulness(fractions, Curve(*own), Curve(*centre), Curve(*random))


def _starts(pixels: Image) -> list[Image]:
    """The prepared picture, all grey, and strongly blurred: what the curves begin and end with."""
    blurred = cv2.GaussianBlur(pixels, (0, 0), len(pixels) / 20)
    return [pixels, np.full_like(pixels, 127), np.asarray(blurred, np.uint8)]


def _curves(
    model: PreparedClassifier, starts: list[Image], ends: Floats, importance: Floats, steps: int
) -> Floats:
    """Probabilities (2, steps + 1, classes) as the most important pixels go, and as they come."""
    pixels, grey, blurred = starts
    rank = np.empty(importance.size, np.int64)
    rank[np.argsort(-importance, axis=None, kind="stable")] = np.arange(importance.size)
    rank = rank.reshape(*importance.shape, 1)
    changed = [rank < round(importance.size * step / steps) for step in range(1, steps)]
    deleted = model.predict_prepared([np.where(where, grey, pixels) for where in changed])
    inserted = model.predict_prepared([np.where(where, pixels, blurred) for where in changed])
    return np.stack(
        [
            np.concatenate([ends[0:1], deleted, ends[1:2]]),
            np.concatenate([ends[2:3], inserted, ends[0:1]]),
        ]
    )
