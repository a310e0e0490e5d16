"""Steps that move pixels: size, crop, border, turn."""
# OpenCV's functions are untyped.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, TypeAlias

import cv2
import numpy as np
import PIL.Image

from core.imaging.steps.registry import step
from core.params import Range
from core.types import Image

Method: TypeAlias = Literal["nearest", "bilinear", "bicubic", "area", "lanczos"]
Fill: TypeAlias = Literal["black", "grey", "white", "edge", "mirror"]

# Pillow widens the kernel when it shrinks, so that no detail is folded into false patterns (aliasing).
FILTERS = {
    "nearest": PIL.Image.Resampling.NEAREST,
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "bicubic": PIL.Image.Resampling.BICUBIC,
    "area": PIL.Image.Resampling.BOX,
    "lanczos": PIL.Image.Resampling.LANCZOS,
}
# OpenCV keeps the kernel at its size: faster, and aliased when it shrinks (all but "area").
INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "bicubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}
# What stands where there was no picture: OpenCV's border mode, and the grey level of a constant one.
FILLS = {
    "black": (cv2.BORDER_CONSTANT, 0),
    "grey": (cv2.BORDER_CONSTANT, 127),
    "white": (cv2.BORDER_CONSTANT, 255),
    "edge": (cv2.BORDER_REPLICATE, 0),
    "mirror": (cv2.BORDER_REFLECT_101, 0),
}


def resample(image: Image, height: int, width: int, method: str, antialias: bool) -> Image:
    """The image at another size, by Pillow with antialiasing or by OpenCV without."""
    if antialias:
        return np.array(PIL.Image.fromarray(image).resize((width, height), FILTERS[method]))
    return cv2.resize(image, (width, height), interpolation=INTERPOLATIONS[method])


def resized(height: int, width: int, *, side: int, of: str, **_: Any) -> tuple[int, int]:
    """The (height, width) whose long or short side, or both, is `side`; never under one pixel."""
    if of == "both":
        return side, side
    scale = side / (max(height, width) if of == "long" else min(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


@step(size=resized)
def resize(
    image: Image,
    *,
    side: Annotated[int, Range(8, 2048, 1)] = 512,
    of: Literal["long", "short", "both"] = "long",
    method: Method = "bicubic",
    antialias: bool = True,
) -> Image:
    """Scales the picture until its long side, its short side or both have the wanted length."""
    height, width = resized(*image.shape[:2], side=side, of=of)
    return resample(image, height, width, method, antialias)


def rescaled(height: int, width: int, *, factor: float, **_: Any) -> tuple[int, int]:
    """The (height, width) times `factor`, never under one pixel."""
    return max(1, round(height * factor)), max(1, round(width * factor))


@step(size=rescaled)
def rescale(
    image: Image,
    *,
    factor: Annotated[float, Range(0.05, 4, 0.05)] = 0.5,
    method: Method = "bicubic",
    antialias: bool = True,
) -> Image:
    """Scales both sides of the picture by the same factor."""
    height, width = rescaled(*image.shape[:2], factor=factor)
    return resample(image, height, width, method, antialias)


@step()
def centre_crop(
    image: Image,
    *,
    fraction: Annotated[float, Range(0.1, 1, 0.025)] = 0.875,
    square: bool = True,
) -> Image:
    """Keeps the middle of the picture: a fraction of the short side as a square, or of both sides."""
    height, width = image.shape[:2]
    short = min(height, width)
    rows = max(1, round(fraction * (short if square else height)))
    columns = max(1, round(fraction * (short if square else width)))
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[top : top + rows, left : left + columns].copy()


def interval(length: int, start: float, stop: float) -> tuple[int, int]:
    """The pixels of a side that lie between two fractions of it, given in either order; at least one."""
    first, last = sorted((round(start * length), round(stop * length)))
    first = min(first, length - 1)
    return first, max(last, first + 1)


@step()
def crop(
    image: Image,
    *,
    left: Annotated[float, Range(0, 1, 0.01)] = 0.1,
    top: Annotated[float, Range(0, 1, 0.01)] = 0.1,
    right: Annotated[float, Range(0, 1, 0.01)] = 0.9,
    bottom: Annotated[float, Range(0, 1, 0.01)] = 0.9,
) -> Image:
    """Keeps a rectangle whose edges are fractions of the width and the height."""
    height, width = image.shape[:2]
    (x0, x1), (y0, y1) = interval(width, left, right), interval(height, top, bottom)
    return image[y0:y1, x0:x1].copy()


def squared(height: int, width: int, **_: Any) -> tuple[int, int]:
    """The (height, width) of the square around a picture."""
    return max(height, width), max(height, width)


@step(size=squared)
def pad(
    image: Image,
    *,
    fill: Fill = "grey",
) -> Image:
    """Adds a border on two sides until the picture is square."""
    height, width = image.shape[:2]
    across, down = max(0, height - width), max(0, width - height)
    mode, level = FILLS[fill]
    return cv2.copyMakeBorder(
        image,
        down // 2,
        down - down // 2,
        across // 2,
        across - across // 2,
        mode,
        value=(level, level, level),
    )


def boxed(height: int, width: int, *, side: int, **_: Any) -> tuple[int, int]:
    """The (height, width) of a letterbox."""
    return side, side


@step(size=boxed)
def letterbox(
    image: Image,
    *,
    side: Annotated[int, Range(8, 2048, 1)] = 224,
    fill: Fill = "grey",
) -> Image:
    """Fits the whole picture into a square: scales its long side, then pads the short one."""
    height, width = resized(*image.shape[:2], side=side, of="long")
    return pad(resample(image, height, width, "bicubic", True), fill=fill)


def rotated(height: int, width: int, *, angle: float, expand: bool, **_: Any) -> tuple[int, int]:
    """The (height, width) of the box around a turned picture, or the old ones."""
    if not expand:
        return height, width
    sine, cosine = abs(math.sin(math.radians(angle))), abs(math.cos(math.radians(angle)))
    return round(height * cosine + width * sine), round(width * cosine + height * sine)


@step(size=rotated)
def rotate(
    image: Image,
    *,
    angle: Annotated[float, Range(-180, 180, 0.5)] = 15,
    expand: bool = False,
    fill: Fill = "grey",
) -> Image:
    """Turns the picture counter-clockwise about its middle (bilinear)."""
    height, width = image.shape[:2]
    rows, columns = rotated(height, width, angle=angle, expand=expand)
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)
    turn[:, 2] += (columns - width) / 2, (rows - height) / 2
    mode, level = FILLS[fill]
    return cv2.warpAffine(image, turn, (columns, rows), borderMode=mode, borderValue=(level, level, level))


@step()
def flip(
    image: Image,
    *,
    axis: Literal["horizontal", "vertical", "both"] = "horizontal",
) -> Image:
    """Mirrors the picture: left and right, top and bottom, or both."""
    return cv2.flip(image, {"horizontal": 1, "vertical": 0, "both": -1}[axis])


@step()
def perspective(
    image: Image,
    *,
    horizontal: Annotated[float, Range(-0.5, 0.5, 0.01)] = 0.2,
    vertical: Annotated[float, Range(-0.5, 0.5, 0.01)] = 0,
    fill: Fill = "grey",
) -> Image:
    """Tilts the picture away: the right (or, if negative, the left) and the top (or the bottom) side
    shrinks by this fraction."""
    height, width = image.shape[:2]
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    right, left = max(0, horizontal) / 2, max(0, -horizontal) / 2
    top, bottom = max(0, vertical) / 2, max(0, -vertical) / 2
    inward = np.array([(top, left), (-top, right), (-bottom, -right), (bottom, -left)], np.float32)
    size = np.array([width, height], np.float32)
    # The corners lie on the outer edges of the corner pixels, half a pixel from their middles.
    tilt = cv2.getPerspectiveTransform(corners * size - 0.5, (corners + inward) * size - 0.5)
    mode, level = FILLS[fill]
    return cv2.warpPerspective(
        image, tilt, (width, height), borderMode=mode, borderValue=(level, level, level)
    )
