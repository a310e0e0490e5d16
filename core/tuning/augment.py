"""What is done to a training picture at random: flip, crop, rotation, colour."""

from __future__ import annotations

import cv2
import numpy as np

from core.tuning.types import Augmentation
from core.types import Image

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


def augmented(pixels: Image, augmentation: Augmentation, random: np.random.Generator) -> Image:
    """Another picture of the same thing: (side, side, 3) uint8 in and out.

    Crop, rotation and flip are one affine map, so that a pixel is read once; where it reads beyond the
    edge, the picture goes on mirrored. Brightness and contrast scale all pixels and their distance from
    the mean, saturation the distance from grey.
    """
    side = len(pixels)
    kept = 1 - random.uniform(0, augmentation.crop)  # of the side
    shift = random.uniform(-0.5, 0.5, 2) * (1 - kept) * side
    angle = np.radians(random.uniform(-augmentation.rotate, augmentation.rotate))
    mirror = -1 if augmentation.flip and random.random() < 0.5 else 1
    brightness, contrast, saturation = 1 + random.uniform(-1, 1, 3) * augmentation.colour
    turn = kept * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn[:, 0] *= mirror
    middle = np.full(2, (side - 1) / 2)
    found = pixels
    if augmentation.crop or augmentation.rotate or mirror < 0:
        matrix = np.column_stack([turn, middle + shift - turn @ middle])  # from the new place to the old
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        found = cv2.warpAffine(pixels, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT_101)
    if augmentation.colour:
        values = found.astype(np.float32) * np.float32(brightness)
        mean = values.mean(dtype=np.float64)
        values = (values - np.float32(mean)) * np.float32(contrast) + np.float32(mean)
        grey = (values @ LUMINANCE)[..., np.newaxis]
        values = grey + (values - grey) * np.float32(saturation)
        found = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(found)
