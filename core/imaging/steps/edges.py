"""Steps that find edges, shapes and frequencies."""
# OpenCV's functions are untyped.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.steps.registry import step
from core.params import Range
from core.types import Image

Window: TypeAlias = Literal["ideal", "gaussian", "butterworth"]

OPERATIONS = {
    "erode": cv2.MORPH_ERODE,
    "dilate": cv2.MORPH_DILATE,
    "open": cv2.MORPH_OPEN,
    "close": cv2.MORPH_CLOSE,
    "gradient": cv2.MORPH_GRADIENT,
}
SHAPES = {
    "square": cv2.MORPH_RECT,
    "ellipse": cv2.MORPH_ELLIPSE,
    "cross": cv2.MORPH_CROSS,
}


@step()
def sobel(
    image: Image,
    *,
    direction: Literal["both", "horizontal", "vertical"] = "both",
    size: Annotated[int, Range(3, 7, 2)] = 3,
) -> Image:
    """Shows how steeply the brightness rises or falls: along x, along y, or the length of both."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    slope, smooth = cv2.getDerivKernels(1, 0, size)
    scale = 2 / (np.abs(slope).sum() * smooth.sum())  # a full step from black to white becomes 255
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=size, scale=scale)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=size, scale=scale)
    # Not cv2.magnitude: its last bit depends on where in memory the arrays happen to lie.
    strength = {"both": np.sqrt(across**2 + down**2), "horizontal": across, "vertical": down}[direction]
    return cv2.cvtColor(cv2.convertScaleAbs(strength), cv2.COLOR_GRAY2RGB)


@step()
def laplacian(
    image: Image,
    *,
    size: Annotated[int, Range(1, 7, 2)] = 3,
) -> Image:
    """Shows how much the brightness bends: the sum of both second derivatives, without its sign."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    # The sum of the kernel's positive weights, so that no picture is cut off at 255.
    impulse = np.zeros((17, 17), np.float32)
    impulse[8, 8] = 1
    scale = 1 / np.maximum(cv2.Laplacian(impulse, cv2.CV_32F, ksize=size), 0).sum()
    bend = cv2.Laplacian(grey, cv2.CV_32F, ksize=size, scale=scale)
    return cv2.cvtColor(cv2.convertScaleAbs(bend), cv2.COLOR_GRAY2RGB)


@step()
def canny(
    image: Image,
    *,
    low: Annotated[int, Range(0, 500, 10)] = 50,
    high: Annotated[int, Range(0, 500, 10)] = 150,
    sigma: Annotated[float, Range(0, 5, 0.1)] = 1,
) -> Image:
    """Draws thin edges: slopes over `high`, and those over `low` that hang on to them."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if sigma > 0:
        grey = cv2.GaussianBlur(grey, (0, 0), sigma)
    return cv2.cvtColor(cv2.Canny(grey, low, high, L2gradient=True), cv2.COLOR_GRAY2RGB)


@step()
def morphology(
    image: Image,
    *,
    operation: Literal["erode", "dilate", "open", "close", "gradient"] = "open",
    shape: Literal["square", "ellipse", "cross"] = "ellipse",
    size: Annotated[int, Range(3, 31, 2)] = 5,
    times: Annotated[int, Range(1, 5, 1)] = 1,
) -> Image:
    """Takes the darkest (erode) or brightest (dilate) value under a shape, or one after the other."""
    kernel = cv2.getStructuringElement(SHAPES[shape], (size, size))
    return cv2.morphologyEx(image, OPERATIONS[operation], kernel, iterations=times)


def frequency_response(height: int, width: int, cutoff: float, window: str) -> NDArray[np.float32]:
    """How much of each frequency a low-pass lets through, 0..1, laid out as numpy's FFT does:
    cycles per pixel down the rows and along the columns. (height, width)"""
    down = np.fft.fftfreq(height).astype(np.float32)[:, np.newaxis] / np.float32(cutoff)
    across = np.fft.fftfreq(width).astype(np.float32) / np.float32(cutoff)
    squared = down**2 + across**2  # 1 at the cutoff
    if window == "ideal":
        return np.where(squared <= 1, np.float32(1), np.float32(0))
    if window == "gaussian":
        return np.exp(squared * np.float32(-np.log(2) / 2))  # 0.71 at the cutoff, as the next one
    return 1 / np.sqrt(1 + squared**2)  # Butterworth of the second order


def low_frequencies(image: Image, cutoff: float, window: str) -> NDArray[np.float32]:
    """What is left under a cutoff frequency, channel by channel. (height, width, 3)"""
    height, width = image.shape[:2]
    # A Fourier transform takes a picture to repeat itself. A mirrored margin keeps one side from
    # leaking into the other, and brings both lengths to numbers that a fast transform likes.
    rows, columns = (cv2.getOptimalDFTSize(side + 32) for side in (height, width))
    top, left = (rows - height) // 2, (columns - width) // 2
    padded = cv2.copyMakeBorder(
        image, top, rows - height - top, left, columns - width - left, cv2.BORDER_REFLECT
    )
    response = frequency_response(rows, columns, cutoff, window)[..., np.newaxis]
    # Two channels share one transform, as its real and its imaginary part: the response is real and
    # the same for a frequency and its negative, so they come out apart again.
    channels = np.zeros((rows, columns, 4), np.float32)
    channels[..., :3] = padded
    low = []
    for pair in (channels[..., :2], channels[..., 2:]):
        waves = cv2.dft(np.ascontiguousarray(pair)) * response
        low.append(cv2.dft(waves, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE))
    return np.concatenate(low, axis=-1)[top : top + height, left : left + width, :3]


@step()
def low_pass(
    image: Image,
    *,
    cutoff: Annotated[float, Range(0.01, 0.5, 0.01)] = 0.1,
    window: Window = "gaussian",
) -> Image:
    """Keeps the slow waves of the picture, up to a cutoff in cycles per pixel (Fourier transform)."""
    return cv2.convertScaleAbs(np.maximum(low_frequencies(image, cutoff, window), 0))


@step()
def high_pass(
    image: Image,
    *,
    cutoff: Annotated[float, Range(0.01, 0.5, 0.01)] = 0.05,
    window: Window = "gaussian",
) -> Image:
    """Keeps the fast waves of the picture, over a cutoff in cycles per pixel, around mid-grey."""
    fast = image - low_frequencies(image, cutoff, window)
    return cv2.convertScaleAbs(np.maximum(fast + 127, 0))
