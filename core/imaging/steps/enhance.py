"""Steps that change light, contrast, colour and sharpness."""
# OpenCV's functions are untyped.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Annotated, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.steps.registry import step
from core.params import Range
from core.types import Image

LEVELS = np.arange(256, dtype=np.float64)  # all values that a pixel may have


def table(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """What each of the 256 levels becomes: rounded, and kept within 0..255."""
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


@step()
def brightness(
    image: Image,
    *,
    amount: Annotated[int, Range(-150, 150, 5)] = 40,
) -> Image:
    """Adds the same number to every value."""
    return cv2.LUT(image, table(LEVELS + amount))


@step()
def contrast(
    image: Image,
    *,
    factor: Annotated[float, Range(0, 4, 0.05)] = 1.5,
) -> Image:
    """Stretches the distance of every value from mid-grey."""
    return cv2.LUT(image, table(127.5 + factor * (LEVELS - 127.5)))


@step()
def saturation(
    image: Image,
    *,
    factor: Annotated[float, Range(0, 4, 0.05)] = 1.5,
) -> Image:
    """Stretches the distance of every colour from the grey of the same lightness."""
    return cv2.addWeighted(image, factor, greyscale(image), 1 - factor, 0)


@step()
def gamma(
    image: Image,
    *,
    exponent: Annotated[float, Range(0.2, 5, 0.05)] = 0.6,
) -> Image:
    """Bends the scale of brightness: under 1 opens the shadows, over 1 deepens them."""
    return cv2.LUT(image, table(255 * (LEVELS / 255) ** exponent))


@step()
def equalise(
    image: Image,
    *,
    channels: Literal["lightness", "rgb"] = "lightness",
) -> Image:
    """Spreads the levels so that each is about as frequent as any other (histogram equalisation)."""
    if channels == "rgb":
        return cv2.merge([cv2.equalizeHist(channel) for channel in cv2.split(image)])
    lightness, a, b = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2LAB))
    return cv2.cvtColor(cv2.merge([cv2.equalizeHist(lightness), a, b]), cv2.COLOR_LAB2RGB)


@step()
def clahe(
    image: Image,
    *,
    limit: Annotated[float, Range(1, 10, 0.5)] = 2,
    tiles: Annotated[int, Range(1, 16, 1)] = 8,
) -> Image:
    """Equalises the lightness tile by tile, with a limit on how far contrast may grow (CLAHE)."""
    lightness, a, b = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2LAB))
    lightness = cv2.createCLAHE(limit, (tiles, tiles)).apply(lightness)
    return cv2.cvtColor(cv2.merge([lightness, a, b]), cv2.COLOR_LAB2RGB)


def grey_world_gains(image: Image) -> NDArray[np.float64]:
    """The factors that give red, green and blue one mean; black pictures keep theirs. (3,)"""
    means = np.array(cv2.mean(image)[:3])
    return means.mean() / np.maximum(means, 1)


def gains_found(image: Image, **_: Any) -> dict[str, float]:
    """The factors of the white balance, for the page."""
    red, green, blue = grey_world_gains(image)
    return {"red": float(red), "green": float(green), "blue": float(blue)}


@step(found=gains_found)
def white_balance(
    image: Image,
    *,
    strength: Annotated[float, Range(0, 1, 0.05)] = 1,
) -> Image:
    """Takes a tint away, on the assumption that the world is grey on average (grey world)."""
    gains = 1 + strength * (grey_world_gains(image) - 1)
    return cv2.LUT(image, table(LEVELS[:, None] * gains)[:, None])


@step()
def unsharp_mask(
    image: Image,
    *,
    sigma: Annotated[float, Range(0.3, 10, 0.1)] = 2,
    amount: Annotated[float, Range(0, 5, 0.1)] = 1,
) -> Image:
    """Adds what a blur would take away: the picture minus its blurred copy."""
    blurred = cv2.GaussianBlur(image, (0, 0), sigma)
    return cv2.addWeighted(image, 1 + amount, blurred, -amount, 0)


@step()
def sharpen(
    image: Image,
    *,
    amount: Annotated[float, Range(0, 3, 0.1)] = 1,
) -> Image:
    """Convolves with a 3x3 kernel that lifts each pixel off its four neighbours."""
    kernel = np.array([(0, -1, 0), (-1, 4, -1), (0, -1, 0)]) * amount
    kernel[1, 1] += 1
    return cv2.filter2D(image, -1, kernel)


@step()
def greyscale(image: Image) -> Image:
    """Keeps only the brightness: a weighted mean of red, green and blue."""
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def normalised(image: Image, *, method: str) -> NDArray[np.float32]:
    """The numbers that a network would get. (height, width, 3)"""
    if method == "network":
        return (image.astype(np.float32) - np.float32(127)) / np.float32(128)
    mean, deviation = cv2.meanStdDev(image)
    return ((image - mean.T) / np.maximum(deviation.T, 1e-6)).astype(np.float32)


def normalised_found(image: Image, *, method: str) -> dict[str, float]:
    """Range, mean and standard deviation of the numbers, for the page."""
    numbers = normalised(image, method=method)
    return {
        "low": float(numbers.min()),
        "high": float(numbers.max()),
        "mean": float(numbers.mean()),
        "std": float(numbers.std()),
    }


# A picture can only be looked at as 0..255. The network's own scaling is shown by its exact inverse:
# the numbers change, the picture does not. The other one is shown with the mean at 127 and one standard
# deviation as 64 levels, cut off at two.
@step(found=normalised_found)
def normalise(
    image: Image,
    *,
    method: Literal["network", "standardise"] = "network",
) -> Image:
    """Turns levels into the numbers that a network gets, shown here mapped back to levels."""
    numbers = normalised(image, method=method)
    spread = 128 if method == "network" else 64
    return np.rint(np.clip(numbers * spread + 127, 0, 255)).astype(np.uint8)
