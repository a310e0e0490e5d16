"""More ways to ask a network where it looked, each with its own idea of what an answer is.

Every method is a generator: it yields `Progress`, so that a page can show it and stop it, and last the
map. All work on the crop that the network sees and bring their map back to the photo.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np

from core.types import Floats, Image
from core.vision import explain, models, structure
from core.vision.models import VisionModel
from core.vision.structure import Graph

LARGEST_BATCH = 16
MOST_NUMBERS = 80_000_000  # in all layers' outputs of one batch, kept for the way back: 320 MB
FIRST_STEPS = 17  # of integrated gradients, evenly from the blurred photo to the photo
MOST_STEPS = 161
GAP = 0.01  # of the logit's difference: by how much the attributions' sum may miss it
ERROR = 0.10  # of the logit's difference: the intervals' errors added up without their signs
BLUR = 1 / 20  # of the side: standard deviation of the baseline's blur
SAMPLES = 32  # of SmoothGrad
NOISE = 0.15  # of SmoothGrad: standard deviation, as a part of the range of the network's input
PATCHES = 7  # of occlusion: how many grey squares would cover one side of the crop
GREY = 127  # of 0..255, what occlusion covers the photo with
BRIGHTEST = 99.0  # percentile of the pixels that is shown as 1
SMOOTHING = 1 / 224  # of the side: standard deviation of the blur that joins single pixels


@dataclass(frozen=True)
class Progress:
    """How much of the work is done: 0..1."""

    share: float


Steps: TypeAlias = Iterator[Progress | Floats]


@dataclass(frozen=True)
class Method:
    """One way to explain: the messages `explanation.NAME`, `.about`, `.formula` and `.citation` tell of it."""

    name: str
    run: Callable[[str | VisionModel, Image, int], Steps]
    passes: Literal["backward", "many_backward", "many_forward"]  # what it costs


def explanation(method: str, model: str | VisionModel, image: Image, label_index: int) -> Steps:
    """How much each place of the photo speaks for a class, asked in one of the ways of `METHODS`.

    Yields `Progress` and, last, the map: (height, width) float32 in 0..1 as `explain.grad_cam` gives it,
    0 outside of the crop that the network sees, all zeros where nothing speaks for the class.

    Args:
        method: a key of `METHODS`.
        model: a shipped model's name or a `VisionModel`.
        image: (height, width, 3) uint8.
        label_index: the class.

    Raises:
        KeyError: no such method or model.
    """
    return METHODS[method].run(model, image, label_index)


def _chosen(model: str | VisionModel) -> VisionModel:
    return models.vision_model(model) if isinstance(model, str) else model


# --- class activation maps --------------------------------------------------------------------------


def _grad_cam(model: str | VisionModel, image: Image, label_index: int) -> Steps:
    yield Progress(0.0)
    yield explain.grad_cam(model, image, label_index)


def _grad_cam_plus_plus(model: str | VisionModel, image: Image, label_index: int) -> Steps:
    from core.vision import inside

    yield Progress(0.0)
    chosen = _chosen(model)
    maps, gradients = _last_maps(chosen, inside.network_input(chosen, image), label_index)
    yield explain.to_photo(grad_cam_plus_plus(maps, gradients), image, chosen.preparation)


def grad_cam_plus_plus(maps: Floats, gradients: Floats) -> Floats:
    """The map of Grad-CAM++ from a layer's maps A (h, w, c) and the gradients g = dy / dA (h, w, c).

    `relu(sum_k w_k A^k)` with `w_k = sum_ij a_ij relu(g_ij)` and
    `a_ij = g_ij^2 / (2 g_ij^2 + g_ij^3 sum_ab A_ab)`: equations 10 and 19 of the paper for the score
    exp(y), whose derivatives are exp(y) times powers of g. The factor exp(y) is common to all places
    and left out. Returns (h, w) float32, at least 0, not scaled.
    """
    squares = gradients**2
    below = 2 * squares + gradients * squares * maps.sum(axis=(0, 1), keepdims=True)
    shares = np.divide(squares, below, out=np.zeros_like(squares), where=np.abs(below) > 1e-20)
    weights = (shares * np.maximum(gradients, 0)).sum(axis=(0, 1))  # (c,)
    return np.asarray(np.maximum(maps @ weights, 0), np.float32)


def _last_maps(model: VisionModel, numbers: Floats, label_index: int) -> tuple[Floats, Floats]:
    """The last maps before the network gives up places, and the gradient of the logit to them."""
    from core.vision import inside

    found = inside.graph(model)
    index = last_maps(found)

    def make() -> Any:
        import tensorflow as tf

        def maps_and_gradients(x: Any, label: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                tape.watch(x)
                values = found.run(x, [index, found.output[0]])
                logit = tf.gather(found.scores(values)[0], label)
            maps = values[index, 0]
            gradients = tape.gradient(logit, maps, unconnected_gradients="zero")
            return tf.cast(maps[0], tf.float32), tf.cast(gradients[0], tf.float32)

        return tf.function(maps_and_gradients, reduce_retracing=True)

    run = inside.kept(model, "last_maps", make)
    maps, gradients = run(_tensor(numbers), np.int32(label_index))
    return np.asarray(maps), np.asarray(gradients)


def last_maps(graph: Graph) -> int:
    """The node of the last maps before pooling or flattening, on the way to the output."""
    making = structure.CONVOLUTIONS | structure.ACTIVATIONS | structure.ELEMENTWISE
    making |= {"batch_normalisation", "concatenate", "other"}
    way = graph.ancestors([graph.output[0]])
    maps = [
        index
        for index in sorted(way)
        if len(graph.nodes[index].shape) == 3 and math.prod(graph.nodes[index].shape[:2]) > 1
    ]
    return next((i for i in reversed(maps) if graph.nodes[i].kind in making), maps[-1])


# --- gradients of the input -------------------------------------------------------------------------


def batch_size(model: VisionModel) -> int:
    """How many images go through the network forwards and back at once, so that memory stays bounded."""
    from core.vision import inside

    numbers: int = sum(math.prod(node.shape) for node in inside.graph(model).nodes)
    return min(max(MOST_NUMBERS // max(numbers, 1), 1), LARGEST_BATCH)


def _tensor(numbers: Floats) -> Any:
    import tensorflow as tf

    return tf.constant(numbers, tf.float32)


def gradients(model: VisionModel, numbers: Floats, label_index: int) -> tuple[Floats, Floats]:
    """Of each image (n, h, w, c) the gradient of the class's logit to its numbers, and the logits (n,)."""
    from core.vision import inside

    found = inside.graph(model)

    def make() -> Any:
        import tensorflow as tf

        def of_input(x: Any, label: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                tape.watch(x)
                logits = tf.gather(found.scores(found.run(x, [found.output[0]])), label, axis=1)
            return tape.gradient(logits, x, unconnected_gradients="zero"), logits

        shape = (None, *found.nodes[found.image].map_shape)
        signature = [tf.TensorSpec(shape, tf.float32), tf.TensorSpec((), tf.int32)]
        return tf.function(of_input, input_signature=signature)

    values, logits = inside.kept(model, "gradients", make)(_tensor(numbers), np.int32(label_index))
    return np.asarray(values), np.asarray(logits)


@dataclass(frozen=True)
class Attributions:
    """Integrated gradients of one image, with the sum that must come out."""

    values: Floats  # (h, w), how much each pixel of the input adds to the logit, its channels summed
    logit: float  # of the photo
    baseline: float  # of the blurred photo
    steps: int  # at how many pictures on the way the gradient was taken

    @property
    def gap(self) -> float:
        """How far the attributions' sum is from logit - baseline; 0 in the limit of many steps."""
        return float(self.values.sum(dtype=np.float64)) - (self.logit - self.baseline)


def attributions(model: VisionModel, image: Image, label_index: int) -> Iterator[Progress | Attributions]:
    """Integrated gradients: `(x - x')` times the mean gradient on the straight way from x' to x.

    x' is the photo blurred: a black one would give nothing to dark pixels, whatever they show. The
    gradient of a deep network jumps on the way, and equal steps need hundreds of it; so the trapezium
    rule is refined where it is wrong. Between two pictures the logit's own difference is known, and the
    interval whose gradients explain it worst is halved next, until the intervals' errors are `GAP` of
    the whole in sum and `ERROR` in size, or `MOST_STEPS` gradients are taken.

    References:
        Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017, equations 1 and 3;
        the baseline: Sturmfels et al., "Visualizing the Impact of Feature Attribution Baselines",
        Distill 2020.
    """
    from core.vision import inside

    preparation = model.preparation
    pixels = preparation.pixels(image)
    blurred = cv2.GaussianBlur(pixels, (0, 0), preparation.side * BLUR)
    start = inside.fitted(model, preparation.numbers(blurred)[np.newaxis])
    way = inside.fitted(model, preparation.numbers(pixels)[np.newaxis]) - start  # (1, h, w, c)
    size = batch_size(model)
    logits: dict[float, float] = {}  # by the place on the way, 0 ... 1
    slopes: dict[float, float] = {}  # of the logit along the way
    shares: dict[float, Floats] = {}  # (h, w), what each pixel adds to the slope

    def take(stops: list[float]) -> None:
        at = np.array(stops, np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
        found, answers = gradients(model, start + at * way, label_index)
        for place, one, answer in zip(stops, found, answers, strict=True):
            logits[place] = float(answer)
            shares[place] = (one * way[0]).sum(axis=-1)
            slopes[place] = float(shares[place].sum(dtype=np.float64))

    waiting = [float(place) for place in np.linspace(0, 1, FIRST_STEPS)]
    while True:
        for first in range(0, len(waiting), size):
            yield Progress(min(len(logits) / MOST_STEPS, 1.0))
            take(waiting[first : first + size])
        known = sorted(logits)
        intervals = list(pairwise(known))
        errors = [
            logits[b] - logits[a] - (b - a) * (slopes[a] + slopes[b]) / 2 for a, b in intervals
        ]  # one an interval
        whole = abs(logits[1.0] - logits[0.0])
        if abs(sum(errors)) <= GAP * whole and sum(map(abs, errors)) <= ERROR * whole:
            break
        room = min(MOST_STEPS - len(known), max(len(known) // 4, 1))
        if room <= 0:
            break
        ranked = sorted(range(len(errors)), key=lambda index: -abs(errors[index]))[:room]
        least = abs(errors[ranked[0]]) / 20
        worst = [index for index in ranked if abs(errors[index]) > least]
        waiting = [sum(intervals[index]) / 2 for index in worst]
    values = sum((b - a) / 2 * (shares[a].astype(np.float64) + shares[b]) for a, b in intervals)
    yield Attributions(np.asarray(values, np.float32), logits[1.0], logits[0.0], len(known))


def _integrated_gradients(model: str | VisionModel, image: Image, label_index: int) -> Steps:
    chosen = _chosen(model)
    for found in attributions(chosen, image, label_index):
        if isinstance(found, Progress):
            yield found
        else:
            speaking = np.maximum(found.values, 0)
            yield explain.to_photo(places(speaking), image, chosen.preparation)


def _smooth_grad(model: str | VisionModel, image: Image, label_index: int) -> Steps:
    """The mean gradient over `SAMPLES` noisy copies, its absolute values summed over the channels.

    References:
        Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017, section 2.
    """
    from core.vision import inside

    chosen = _chosen(model)
    numbers = inside.network_input(chosen, image)
    low, high = chosen.preparation.numbers(np.array([[0] * 3, [255] * 3], np.uint8))[:, 0]
    deviation = np.float32(NOISE * (high - low))
    random = np.random.default_rng(0)
    total = np.zeros(numbers.shape[1:], np.float64)
    size = batch_size(chosen)
    for first in range(0, SAMPLES, size):
        yield Progress(first / SAMPLES)
        count = min(size, SAMPLES - first)
        noise = random.standard_normal((count, *numbers.shape[1:]), np.float32)
        found, _ = gradients(chosen, numbers + deviation * noise, label_index)
        total += found.sum(axis=0, dtype=np.float64)
    strength = np.abs(total).sum(axis=-1).astype(np.float32)
    yield explain.to_photo(places(strength), image, chosen.preparation)


def places(pixels: Floats) -> Floats:
    """Single pixels' values as places: neighbours joined by a small blur, the brightest percent cut off."""
    if not np.isfinite(pixels).all():
        return np.zeros_like(pixels)
    joined = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), max(pixels.shape) * SMOOTHING)
    cut = np.percentile(joined, BRIGHTEST)
    return np.asarray(np.minimum(joined, cut) if cut > 0 else joined)  # 0: fewer than a percent speak


# --- occlusion --------------------------------------------------------------------------------------


def _occlusion(model: str | VisionModel, image: Image, label_index: int) -> Steps:
    """How far the probability falls when a grey square covers a place; a mean over all that cover it.

    A shipped EfficientNet-Lite0 is asked through LiteRT, without TensorFlow.

    References:
        Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2.
    """
    asked = models.classifier(model)
    pixels = asked.preparation.pixels(image)
    side = len(pixels)
    patch = max(1, round(side / PATCHES))
    starts = list(dict.fromkeys([*range(0, side - patch, max(1, patch // 2)), side - patch]))
    corners = [(top, left) for top in starts for left in starts]
    probability = asked.predict_prepared([pixels])[0, label_index]
    falls, covered = np.zeros((side, side)), np.zeros((side, side))
    for first in range(0, len(corners), LARGEST_BATCH):
        yield Progress(first / len(corners))
        batch = corners[first : first + LARGEST_BATCH]
        pictures = []
        for top, left in batch:
            picture = pixels.copy()
            picture[top : top + patch, left : left + patch] = GREY
            pictures.append(picture)
        found = asked.predict_prepared(pictures)[:, label_index]
        for (top, left), one in zip(batch, found, strict=True):
            falls[top : top + patch, left : left + patch] += probability - one
            covered[top : top + patch, left : left + patch] += 1
    mean = np.maximum(falls / covered, 0).astype(np.float32)
    yield explain.to_photo(mean, image, asked.preparation)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method("grad_cam", _grad_cam, "backward"),
            Method("grad_cam_plus_plus", _grad_cam_plus_plus, "backward"),
            Method("integrated_gradients", _integrated_gradients, "many_backward"),
            Method("smooth_grad", _smooth_grad, "many_backward"),
            Method("occlusion", _occlusion, "many_forward"),
        )
    }
)
