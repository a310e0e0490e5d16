"""Steps that divide a picture into regions: each answers with labels, 0 for the background."""
# OpenCV's functions are untyped.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.steps.drawing import Labels
from core.imaging.steps.geometry import interval
from core.imaging.steps.registry import step
from core.params import Range
from core.types import Image

Foreground: TypeAlias = Literal["light", "dark"]

WORKING_SIDE = 400  # long side, in pixels, at which the slow methods work; their labels are scaled up


def above(grey: NDArray[np.uint8], level: float, foreground: str) -> NDArray[np.uint8]:
    """255 where the picture is lighter than `level` (or, for a dark foreground, is not), else 0."""
    kind = cv2.THRESH_BINARY if foreground == "light" else cv2.THRESH_BINARY_INV
    return cv2.threshold(grey, level, 255, kind)[1]


@step(view="mask")
def threshold(
    image: Image,
    *,
    level: Annotated[int, Range(0, 255, 1)] = 127,
    foreground: Foreground = "light",
) -> Labels:
    """Calls a pixel foreground if it is lighter than one level for the whole picture."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return above(grey, level, foreground).astype(np.int32) // 255


def otsu_level(image: Image) -> float:
    """The level that leaves the two sides of the histogram with the least variance within (Otsu 1979)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0]


def otsu_found(image: Image, **_: Any) -> dict[str, float]:
    """Otsu's level, for the page's histogram."""
    return {"level": otsu_level(image)}


@step(view="mask", found=otsu_found)
def otsu(
    image: Image,
    *,
    foreground: Foreground = "light",
) -> Labels:
    """Finds the level that divides the histogram best, and thresholds there."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return above(grey, otsu_level(image), foreground).astype(np.int32) // 255


@step(view="mask")
def adaptive_threshold(
    image: Image,
    *,
    method: Literal["mean", "gaussian"] = "gaussian",
    block: Annotated[int, Range(3, 151, 2)] = 51,
    offset: Annotated[int, Range(-30, 30, 1)] = 5,
    foreground: Foreground = "light",
) -> Labels:
    """Compares each pixel with a mean of its own surroundings, so that uneven light does no harm."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mean = cv2.ADAPTIVE_THRESH_MEAN_C if method == "mean" else cv2.ADAPTIVE_THRESH_GAUSSIAN_C
    kind = cv2.THRESH_BINARY if foreground == "light" else cv2.THRESH_BINARY_INV
    return cv2.adaptiveThreshold(grey, 255, mean, kind, block, offset).astype(np.int32) // 255


def nearest_colours(image: Image, colours: NDArray[np.float32]) -> Labels:
    """The index of the colour that is nearest to each pixel (Euclidean, RGB). (height, width)"""
    pixels = image.astype(np.float32)
    labels = np.zeros(image.shape[:2], np.int32)
    nearest = np.full(image.shape[:2], np.inf, np.float32)
    for index, colour in enumerate(colours):
        # |pixel - colour|^2, less the |pixel|^2 that is the same for every colour
        weights = np.array([[*(-2 * colour), colour @ colour]])
        distance = cv2.transform(pixels, weights)
        np.copyto(labels, index, where=distance < nearest)
        nearest = np.minimum(nearest, distance)
    return labels


@step(view="mean")
def kmeans(
    image: Image,
    *,
    colours: Annotated[int, Range(2, 12, 1)] = 5,
    seed: Annotated[int, Range(0, 999, 1)] = 0,
) -> Labels:
    """Groups the pixels by colour into k clusters; the one most frequent along the edge is background."""
    # The clusters are found on a small copy, with a fixed start; then every pixel goes to the nearest.
    scale = min(1, 128 / max(image.shape[:2]))
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    samples = cv2.resize(image, size, interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(np.float32)
    samples = np.repeat(samples, -(-colours // len(samples)), axis=0)  # no fewer samples than clusters
    cv2.setRNGSeed(seed)
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.5)
    _, _, centres = cv2.kmeans(samples, colours, None, stop, 3, cv2.KMEANS_PP_CENTERS)
    labels = nearest_colours(image, np.rint(centres))
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    background = int(np.bincount(border).argmax())
    number = np.arange(colours, dtype=np.int32)  # the background becomes 0, those before it move up
    number[:background] += 1
    number[background] = 0
    return number[labels]


def distance_peaks(mask: NDArray[np.uint8], separation: int) -> tuple[int, Labels]:
    """Numbers the places that lie deepest inside the mask, and at least `separation` pixels apart: the
    maxima of the distance to its edge. Gives how many, and their labels. (height, width)"""
    # The picture's own edge counts as an edge, too: an object may fill it all.
    rimmed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(rimmed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    squared = np.rint(distance**2)  # whole numbers, so that equal distances compare as equal
    around = np.ones((2 * separation + 1, 2 * separation + 1), np.uint8)
    peaks = (squared == cv2.dilate(squared, around)) & (squared > 0)
    # Peaks of one hill that stand nearer than that are one marker.
    joined = cv2.dilate(peaks.astype(np.uint8), np.ones((3, 3), np.uint8)) & mask
    count, markers = cv2.connectedComponents(joined)
    return count - 1, markers


def without_specks(labels: Labels, smallest: int) -> Labels:
    """The labels without regions of fewer than `smallest` pixels, numbered anew from 1."""
    kept = np.bincount(labels.ravel()) >= smallest
    kept[0] = False  # the background
    return np.where(kept, np.cumsum(kept), 0).astype(np.int32)[labels]


@step(view="overlay")
def watershed(
    image: Image,
    *,
    separation: Annotated[int, Range(3, 100, 1)] = 12,
    smoothing: Annotated[float, Range(0, 5, 0.5)] = 2,
    smallest: Annotated[int, Range(1, 5000, 1)] = 100,
    foreground: Foreground = "light",
) -> Labels:
    """Separates objects that touch: floods the picture from the place deepest inside each of them."""
    smooth = cv2.GaussianBlur(image, (0, 0), smoothing) if smoothing > 0 else image
    grey = cv2.cvtColor(smooth, cv2.COLOR_RGB2GRAY)
    mask = above(grey, otsu_level(smooth), foreground)
    count, markers = distance_peaks(mask, separation)
    # Water also rises from what is surely background; the rest is unknown (0) and gets flooded.
    sure = cv2.dilate(mask, np.ones((3, 3), np.uint8)) == 0
    markers[sure] = count + 1
    # OpenCV gives up the outermost pixels, so the picture gets a rim to lose.
    rim = (1, 1, 1, 1)
    flooded = cv2.watershed(
        cv2.copyMakeBorder(image, *rim, cv2.BORDER_REPLICATE),
        cv2.copyMakeBorder(markers, *rim, cv2.BORDER_CONSTANT, value=0),
    )[1:-1, 1:-1]
    labels = np.where(flooded > count, 0, flooded)
    # The dams (-1) go to a region beside them.
    beside = cv2.dilate(labels.astype(np.float32), np.ones((3, 3), np.uint8)).astype(np.int32)
    return without_specks(np.where(labels < 0, np.maximum(beside, 0), labels), smallest)


def working_copy(image: Image) -> Image:
    """The picture with a long side of at most 400 pixels (a short one of 8 is kept)."""
    scale = min(1, WORKING_SIDE / max(image.shape[:2]))
    size = [max(min(side, 8), round(side * scale)) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


@step(view="cutout", smallest=8, slow=True)
def grabcut(
    image: Image,
    *,
    left: Annotated[float, Range(0, 1, 0.01)] = 0.1,
    top: Annotated[float, Range(0, 1, 0.01)] = 0.1,
    right: Annotated[float, Range(0, 1, 0.01)] = 0.9,
    bottom: Annotated[float, Range(0, 1, 0.01)] = 0.9,
    rounds: Annotated[int, Range(1, 10, 1)] = 3,
    keep: Literal["foreground", "background"] = "foreground",
) -> Labels:
    """Cuts out the object in a rectangle: learns the colours inside and outside, and where to part them
    (GrabCut, on a copy of at most 400 pixels)."""
    small = working_copy(image)
    height, width = small.shape[:2]
    # At least a pixel stays outside: what lies there is how the background is known.
    (x0, x1), (y0, y1) = interval(width - 2, left, right), interval(height - 2, top, bottom)
    mask = np.full((height, width), cv2.GC_BGD, np.uint8)
    mask[y0 + 1 : y1 + 1, x0 + 1 : x1 + 1] = cv2.GC_PR_FGD
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    cv2.grabCut(small, mask, None, *models, rounds, cv2.GC_INIT_WITH_MASK)
    inside = np.where((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), np.float32(1), np.float32(0))
    large = cv2.resize(inside, image.shape[1::-1], interpolation=cv2.INTER_LINEAR) >= 0.5
    return (large if keep == "foreground" else ~large).astype(np.int32)


@step(view="outline", views=("outline", "mean", "overlay", "mask"), slow=True)
def superpixels(
    image: Image,
    *,
    count: Annotated[int, Range(10, 600, 10)] = 150,
    compactness: Annotated[float, Range(1, 50, 1)] = 10,
) -> Labels:
    """Divides the picture into small regions of one colour and about one size (SLIC, on a copy of at most
    400 pixels)."""
    from skimage.segmentation import slic

    small = working_copy(image)
    labels = slic(small, n_segments=count, compactness=compactness, start_label=1)
    large = cv2.resize(labels.astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return large.astype(np.int32)


@step(view="overlay")
def components(
    image: Image,
    *,
    foreground: Foreground = "light",
    connectivity: Literal["4", "8"] = "8",
    smallest: Annotated[int, Range(1, 5000, 1)] = 100,
) -> Labels:
    """Numbers the connected parts of the foreground (by Otsu's level), without those that are too small."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mask = above(grey, otsu_level(image), foreground)
    return without_specks(cv2.connectedComponents(mask, connectivity=int(connectivity))[1], smallest)
