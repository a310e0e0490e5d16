"""How the labels of a segmentation become a picture."""
# OpenCV's functions are untyped.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from core.types import Image

Labels: TypeAlias = NDArray[np.int32]  # (height, width); 0 is the background, 1, 2, ... the regions
View: TypeAlias = Literal["overlay", "outline", "cutout", "mean", "mask"]
VIEWS: tuple[View, ...] = get_args(View)


def palette(count: int) -> Image:
    """`count` colours, each far from those before it: the hue turns by the golden ratio. (count, 3)"""
    hue = np.arange(count) * 0.618034 % 1 * 180
    hsv = np.stack([hue, np.full(count, 190), np.full(count, 255)], axis=-1).astype(np.uint8)
    return cv2.cvtColor(hsv[np.newaxis], cv2.COLOR_HSV2RGB)[0]


def label_colours(labels: Labels) -> Image:
    """Each region in a colour of its own, the background (label 0) black. (height, width, 3)"""
    colours = palette(int(labels.max()) + 1)
    colours[0] = 0
    return np.take(colours, labels, axis=0)


def boundaries(labels: Labels) -> NDArray[np.uint8]:
    """255 where a region meets another one, on both sides of the border, else 0. (height, width)"""
    border = np.zeros(labels.shape, np.uint8)
    across = np.where(labels[:, 1:] != labels[:, :-1], np.uint8(255), np.uint8(0))
    down = np.where(labels[1:] != labels[:-1], np.uint8(255), np.uint8(0))
    for half, change in (
        (border[:, 1:], across),
        (border[:, :-1], across),
        (border[1:], down),
        (border[:-1], down),
    ):
        np.maximum(half, change, out=half)
    return border


def mean_colours(image: Image, labels: Labels) -> Image:
    """Each region in the mean of its colours. (height, width, 3)"""
    flat = labels.ravel()
    pixels = np.maximum(np.bincount(flat), 1)
    means = [np.bincount(flat, image[..., channel].ravel()) / pixels for channel in range(3)]
    return np.take(np.rint(np.stack(means, axis=-1)).astype(np.uint8), labels, axis=0)


def draw_labels(
    image: Image,
    labels: Labels,
    *,
    view: View = "overlay",
) -> Image:
    """The labels laid over the image, as outlines, as a cut-out on the grey that is the network's zero,
    as flat mean colours, or as a mask (one region white, several in colours of their own)."""
    if view == "mean":
        return mean_colours(image, labels)
    background = np.where(labels == 0, np.uint8(255), np.uint8(0))
    if view == "cutout":
        grey = np.full_like(image, 127)
        return cv2.copyTo(grey, background, image.copy())
    if view == "mask" and labels.max() <= 1:
        return cv2.cvtColor(255 - background, cv2.COLOR_GRAY2RGB)
    colours = label_colours(labels)
    if view == "mask":
        return colours
    thickness = 1 + max(labels.shape) // 400
    outline = cv2.dilate(boundaries(labels), np.ones((thickness, thickness), np.uint8))
    if view == "outline":
        yellow = np.full_like(image, (255, 220, 0))
        return cv2.copyTo(yellow, outline, image.copy())
    tinted = cv2.copyTo(image, background, cv2.addWeighted(image, 0.5, colours, 0.5, 0))
    return cv2.copyTo(colours, outline & ~background, tinted)
