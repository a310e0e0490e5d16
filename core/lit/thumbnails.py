"""Very small pictures: how they are enlarged for the image tower, and what enlarging does to its features.

EfficientNet-Lite0 has learned from sharp photos. A picture of 32 pixels, enlarged seven times, is a blur, and all
blurs lie to one side of the common space: the features say "blurred" louder than what is there. Three things are
done with a picture whose short side is below `BELOW`:

- it is shown whole, and sharpened by unsharp masking after the enlargement, with a radius that grows with it;
- it is looked at once more mirrored: the mean of both says more than either;
- its features are told from the point where such pictures lie on average, not from where photos do.

That point is the mean over photos that were shrunk (`training/lit_thumbnails.py`), none of them of CIFAR-10,
whose names the figure in the card is of.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageFilter

from core import checksums
from core.types import Floats, Image
from core.vision import efficientnet
from core.vision.models import lite
from core.vision.preparation import Preparation

BELOW = 48  # pixels of the short side
RADIUS = 0.85  # of the mask, in pixels of the small picture
PERCENT = 120  # of the difference to the blurred picture that is added


@dataclass(frozen=True)
class Sharpened(Preparation):
    """As `Preparation`, and the enlarged picture is sharpened."""

    def pixels(self, image: Image) -> Image:
        enlarged = PillowImage.fromarray(super().pixels(image))
        radius = RADIUS * self.side / min(image.shape[:2])
        return np.asarray(enlarged.filter(ImageFilter.UnsharpMask(radius, PERCENT, 0)))


_usual = efficientnet.PREPARATION
SHARPENED = Sharpened(_usual.side, 1.0, _usual.offset, _usual.scale)


def is_thumbnail(image: Image) -> bool:
    """Whether a picture is so small that it is treated as is said above."""
    height, width = image.shape[:2]
    return bool(min(height, width) < BELOW)


def preparation(image: Image) -> Preparation:
    """How a picture is brought to the tower's size."""
    return SHARPENED if is_thumbnail(image) else efficientnet.PREPARATION


def maps(image: Image) -> Floats:
    """The tower's last maps (7, 7, 1280); of a thumbnail the mean of its own and those of its mirror image."""
    pixels = preparation(image).pixels(image)
    found = lite().maps(pixels)
    if is_thumbnail(image):
        mirrored = lite().maps(np.ascontiguousarray(pixels[:, ::-1]))
        found = (found + mirrored[:, ::-1]) / np.float32(2)
    return found


@functools.cache
def centre() -> Floats:
    """Where thumbnails lie on average, (1280,)."""
    found: Floats = np.load(checksums.whole("lit", "thumbnails.npy"), allow_pickle=False)
    found.setflags(write=False)
    return found
