"""What a step did, in numbers and pictures: sharpness, noise, PSNR, SSIM, histograms, spectrum, difference."""
# OpenCV's functions are untyped.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import GlassboxError
from core.types import Floats, Image

HISTOGRAM_ROWS = ("red", "green", "blue", "lightness")
WINDOW = 11  # pixels on a side of the window in which two pictures are compared
BAND = 64  # rows that are compared at once


@dataclass(frozen=True)
class Numbers:
    """A picture in numbers; levels are 0..255."""

    width: int
    height: int
    mean: float
    std: float
    sharpness: float
    noise: float


@dataclass(frozen=True)
class Likeness:
    """How near a picture is to a reference: PSNR in dB (infinite if equal), SSIM in -1..1 (1 if equal)."""

    psnr: float
    ssim: float


def numbers(image: Image) -> Numbers:
    """Size, mean and standard deviation over all values, sharpness and estimated noise."""
    height, width = image.shape[:2]
    means, deviations = cv2.meanStdDev(image)
    mean = float(means.mean())
    variance = float((deviations**2 + means**2).mean()) - mean**2
    return Numbers(width, height, mean, math.sqrt(max(0.0, variance)), sharpness(image), noise_sigma(image))


def _grey(image: Image) -> NDArray[np.float32]:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)


def sharpness(image: Image) -> float:
    """The variance of the Laplacian of the grey picture: high where there are many fine edges, and noise.

    References: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """
    return float(cv2.meanStdDev(cv2.Laplacian(_grey(image), cv2.CV_32F))[1][0, 0] ** 2)


def noise_sigma(image: Image) -> float:
    """The standard deviation of the noise in levels, the mean over the channels; nan under 3x3 pixels.

    A kernel that answers neither to flat nor to evenly rising or bending areas leaves noise (and some
    texture, which is why a detailed clean picture does not come out as 0): equation 5 of the paper.

    References: Immerkær, "Fast noise variance estimation", Computer Vision and Image Understanding 1996.
    """
    height, width = image.shape[:2]
    if min(height, width) < 3:
        return math.nan
    kernel = np.array([(1, -2, 1), (-2, 4, -2), (1, -2, 1)], np.float32)
    answer = cv2.filter2D(image, cv2.CV_16S, kernel)[1:-1, 1:-1]
    total = cv2.norm(answer, cv2.NORM_L1) / 3
    return float(math.sqrt(math.pi / 2) / (6 * (width - 2) * (height - 2)) * total)


def likeness(image: Image, reference: Image) -> Likeness:
    """PSNR and SSIM against a reference of the same size.

    Raises:
        GlassboxError: the sizes differ.
    """
    decibel = psnr(image, reference)
    return Likeness(decibel, 1.0 if math.isinf(decibel) else ssim(image, reference))


def psnr(image: Image, reference: Image) -> float:
    """The peak signal-to-noise ratio in dB, over all three channels: `10 log10(255^2 / mean squared error)`.

    Raises:
        GlassboxError: the sizes differ.
    """
    _check_sizes(image, reference)
    error = cv2.norm(image, reference, cv2.NORM_L2SQR) / image.size
    return 10 * math.log10(255**2 / error) if error else math.inf


def ssim(image: Image, reference: Image) -> float:
    """The mean structural similarity of the grey pictures: Gaussian window of 11x11 and sigma 1.5.

    As in the paper only windows that lie inside the picture count; a picture of less than 11 pixels on
    a side has none, and is mirrored at its edges.

    References: Wang et al., "Image quality assessment: from error visibility to structural similarity",
        IEEE Transactions on Image Processing 2004, equation 13.
    Raises:
        GlassboxError: the sizes differ.
    """
    _check_sizes(image, reference)
    x, y = (cv2.cvtColor(one, cv2.COLOR_RGB2GRAY) for one in (image, reference))
    centre = np.float32((x.mean(dtype=np.float64) + y.mean(dtype=np.float64)) / 2)
    if min(x.shape) < WINDOW:
        return float(_ssim_map(x, y, centre).mean(dtype=np.float64))
    around, height = WINDOW // 2, x.shape[0]
    total, count = 0.0, 0
    for first in range(around, height - around, BAND):  # all at once would take 14 arrays of its size
        last = min(first + BAND, height - around)
        rows = slice(first - around, last + around)
        score = _ssim_map(x[rows], y[rows], centre)[around:-around, around:-around]
        total, count = total + float(score.sum(dtype=np.float64)), count + score.size
    return total / count


def _ssim_map(x: NDArray[np.uint8], y: NDArray[np.uint8], centre: np.float32) -> Floats:
    """The similarity around each pixel of two grey pictures, mirrored at their edges."""
    xs, ys = (one.astype(np.float32) - centre for one in (x, y))  # small numbers lose less in float32
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = (
        cv2.GaussianBlur(plane, (WINDOW, WINDOW), 1.5, borderType=cv2.BORDER_REFLECT_101)
        for plane in (xs, ys, xs * xs, ys * ys, xs * ys)
    )
    variances = (mean_xx - mean_x * mean_x) + (mean_yy - mean_y * mean_y)
    covariance = mean_xy - mean_x * mean_y
    mean_x, mean_y = mean_x + centre, mean_y + centre
    c1, c2 = np.float32((0.01 * 255) ** 2), np.float32((0.03 * 255) ** 2)
    luminance = (2 * mean_x * mean_y + c1) / (mean_x * mean_x + mean_y * mean_y + c1)
    structure = (2 * covariance + c2) / (variances + c2)
    return np.asarray(luminance * structure, np.float32)


def _check_sizes(image: Image, reference: Image) -> None:
    if image.shape != reference.shape:
        (height, width), (rows, columns) = image.shape[:2], reference.shape[:2]
        raise GlassboxError("error.measure.size", got=f"{width} x {height}", wanted=f"{columns} x {rows}")


def histograms(image: Image) -> NDArray[np.int64]:
    """How many pixels have each of the 256 levels: red, green, blue, and lightness (CIELAB's L, scaled
    from 0..100 to 0..255). (4, 256)"""
    lightness = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    planes = [(image, 0), (image, 1), (image, 2), (lightness, 0)]
    counts = [cv2.calcHist([plane], [channel], None, [256], [0, 256]) for plane, channel in planes]
    return np.stack([count.ravel() for count in counts]).astype(np.int64)


def difference(image: Image, reference: Image, gain: float = 2) -> Image:
    """What changed, as a picture: grey (127) where nothing did, lighter where values rose, darker where
    they fell, `gain` levels for each level of change.

    Raises:
        GlassboxError: the sizes differ.
    """
    _check_sizes(image, reference)
    return cv2.addWeighted(image, gain, reference, -gain, 127)


def spectrum(image: Image) -> Image:
    """The picture's frequencies: the logarithm of the magnitude of the Fourier transform of the grey
    picture, slow waves in the middle, scaled to 0..255. The size is the image's own."""
    grey = _grey(image)
    magnitude = np.log1p(np.abs(np.fft.fftshift(np.fft.fft2(grey))))
    scaled = magnitude * (255 / max(float(magnitude.max()), 1e-6))
    return cv2.cvtColor(np.rint(scaled).astype(np.uint8), cv2.COLOR_GRAY2RGB)
