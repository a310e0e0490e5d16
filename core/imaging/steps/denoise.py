"""Steps that take noise away."""
# OpenCV's functions are untyped.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Annotated

import cv2

from core.imaging.steps.registry import step
from core.params import Range
from core.types import Image


@step()
def gaussian(
    image: Image,
    *,
    sigma: Annotated[float, Range(0.3, 10, 0.1)] = 1.5,
) -> Image:
    """Replaces each pixel by a mean of its surroundings that weighs near pixels more (a bell curve)."""
    return cv2.GaussianBlur(image, (0, 0), sigma)


@step()
def median(
    image: Image,
    *,
    size: Annotated[int, Range(3, 15, 2)] = 5,
) -> Image:
    """Replaces each value by the middle one of the sorted values in a square around it."""
    return cv2.medianBlur(image, size)


@step()
def bilateral(
    image: Image,
    *,
    diameter: Annotated[int, Range(3, 15, 2)] = 5,
    colour: Annotated[float, Range(5, 150, 5)] = 50,
    space: Annotated[float, Range(0.5, 15, 0.5)] = 5,
) -> Image:
    """Averages only over neighbours that are near in place and alike in colour, so that edges stay."""
    return cv2.bilateralFilter(image, diameter, colour, space)


# The whole picture is denoised at its own size: small and scaled up, the detail that the filter is there
# to keep would be lost. Its time grows with the square of `search`, so that is what is bounded: 11 takes
# about a second for a megapixel on two cores, 21 about three.
@step(slow=True)
def non_local_means(
    image: Image,
    *,
    strength: Annotated[float, Range(1, 40, 1)] = 10,
    patch: Annotated[int, Range(3, 9, 2)] = 5,
    search: Annotated[int, Range(5, 21, 2)] = 11,
) -> Image:
    """Averages over pixels whose surroundings look alike, wherever they are in the search window."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    clean = cv2.fastNlMeansDenoisingColored(bgr, None, strength, strength, patch, search)
    return cv2.cvtColor(clean, cv2.COLOR_BGR2RGB)
