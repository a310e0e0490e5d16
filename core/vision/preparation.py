"""How a photo becomes a network's input: which part is cut out, how large, in which numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image as PillowImage

from core.types import Floats, Image

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Preparation:
    """Centre crop, resize and scaling of one model.

    `crop` is the side of the central square as a part of the photo's short side; `offset` and `scale`
    give the numbers that the network reads, `(pixel - offset) / scale`; `detail`, if given, is a
    smaller side that the crop goes through first, for networks trained on enlarged pictures;
    `channels` is 1 for a network that reads grey.
    """

    side: int
    crop: float
    offset: float
    scale: float
    detail: int | None = None
    channels: int = 3

    def box(self, image: Image) -> tuple[int, int, int, int]:
        """The square that the network sees: (left, top, right, bottom) in pixels of `image`."""
        height, width = image.shape[:2]
        side = max(1, round(self.crop * min(height, width)))
        left, top = (width - side) // 2, (height - side) // 2
        return left, top, left + side, top + side

    def pixels(self, image: Image) -> Image:
        """The crop at the network's own size: (side, side, 3) uint8, bicubic with antialiasing."""
        picture = PillowImage.fromarray(image)
        box: tuple[int, int, int, int] | None = self.box(image)
        if self.detail:
            size = (self.detail, self.detail)
            picture, box = picture.resize(size, PillowImage.Resampling.BOX, box), None
        return np.asarray(picture.resize((self.side, self.side), PillowImage.Resampling.BICUBIC, box))

    def numbers(self, pixels: Image) -> Floats:
        """Pixels (..., 3) uint8 as the numbers that the network reads, (..., channels) float32.

        References:
            Grey is the luminance of ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B.
        """
        values = pixels.astype(np.float32)
        if self.channels == 1:
            values = (values @ LUMINANCE)[..., np.newaxis]
        return (values - np.float32(self.offset)) / np.float32(self.scale)
