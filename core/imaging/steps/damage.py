"""Steps that ruin a picture, so that there is something to repair."""
# OpenCV's functions are untyped.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np

from core.imaging.steps.registry import step
from core.params import Range
from core.types import Image

BAND = 64  # rows that get their noise at once: numbers for all would take eight times the picture's room


@step()
def gaussian_noise(
    image: Image,
    *,
    sigma: Annotated[float, Range(1, 100, 1)] = 25,
    seed: Annotated[int, Range(0, 999, 1)] = 0,
) -> Image:
    """Adds to each value a random number from a normal distribution, as a sensor does in little light."""
    random, noisy = np.random.default_rng(seed), np.empty_like(image)
    for first in range(0, len(image), BAND):
        part = image[first : first + BAND]
        noise = random.standard_normal(part.shape, dtype=np.float32)
        noise *= np.float32(sigma)
        noisy[first : first + BAND] = cv2.add(part, noise, dtype=cv2.CV_8U)
    return noisy


@step()
def salt_and_pepper(
    image: Image,
    *,
    share: Annotated[float, Range(0.01, 0.5, 0.01)] = 0.05,
    seed: Annotated[int, Range(0, 999, 1)] = 0,
) -> Image:
    """Makes a share of the pixels black or white, as broken sensor cells do."""
    chance = np.random.default_rng(seed).random(image.shape[:2], dtype=np.float32)
    noisy = image.copy()
    noisy[chance < share / 2] = 0
    noisy[chance >= 1 - share / 2] = 255
    return noisy


@step()
def jpeg(
    image: Image,
    *,
    quality: Annotated[int, Range(1, 95, 1)] = 10,
) -> Image:
    """Compresses the picture as JPEG and unpacks it again: 8x8 blocks whose fine waves were rounded off."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


@step()
def motion_blur(
    image: Image,
    *,
    length: Annotated[int, Range(3, 51, 2)] = 15,
    angle: Annotated[float, Range(0, 175, 5)] = 0,
) -> Image:
    """Smears each pixel along a line, as a camera does that moves while its shutter is open."""
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), angle, 1)
    kernel = cv2.warpAffine(line, turn, (length, length))
    return cv2.filter2D(image, -1, kernel / kernel.sum())
