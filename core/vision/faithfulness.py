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


def faithfulness(
    model: PreparedClassifier, image: Image, heatmap: Floats, label_index: int, *, seed: int = 0
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

    References:
        Petsiuk et al., "RISE: Randomized Input Sampling for Explanation", BMVC 2018, section 4.3.
    """
    preparation = model.preparation
    side = preparation.side
    pixels = preparation.pixels(image)
    left, top, right, bottom = preparation.box(image)
    crop = np.ascontiguousarray(heatmap[top:bottom, left:right], np.float32)
    seen = cv2.resize(crop, (side, side), interpolation=cv2.INTER_LINEAR)

    away = np.arange(side) - (side - 1) / 2
    centre = -(away[:, np.newaxis] ** 2 + away**2)
    random = np.random.default_rng(seed)
    noise = [
        cv2.resize(random.random((7, 7), np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
        for _ in range(RANDOM_MAPS)
    ]
    grey = np.full_like(pixels, 127)
    blurred = cv2.GaussianBlur(pixels, (0, 0), side / 20)

    curves = []
    for importance in (seen, centre, *noise):
        rank = np.empty(side * side, np.int64)
        rank[np.argsort(-importance, axis=None, kind="stable")] = np.arange(side * side)
        for start, end in ((pixels, grey), (blurred, pixels)):
            changed = [
                (rank < round(side * side * step / STEPS)).reshape(side, side, 1) for step in range(STEPS + 1)
            ]
            pictures = [np.where(where, end, start) for where in changed]
            curves.append(model.predict_prepared(pictures)[:, label_index])
    found = np.stack(curves).reshape(-1, 2, STEPS + 1)
    mean = found[2:].mean(axis=0)
    return Faithfulness(
        np.linspace(0, 1, STEPS + 1, dtype=np.float32),
        Curve(found[0, 0], found[0, 1]),
        Curve(found[1, 0], found[1, 1]),
        Curve(mean[0], mean[1]),
    )
