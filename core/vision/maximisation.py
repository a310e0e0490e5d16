"""What a channel looks for: a picture made to excite it, the photos that do, the classes that it feeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from core.types import Floats, Image
from core.vision import inside, structure
from core.vision.arithmetic import on_photo
from core.vision.models import VisionModel
from core.vision.recompute import weight
from core.vision.structure import ACTIVATIONS, Graph

STEPS = 128
SIDE = 128  # pixels of the picture, where the layer does not prescribe another
JITTER = 8  # pixels, each way
RATE = 0.05  # of Adam
SHOW_EVERY = 8  # steps from one picture to the next
HELD_LAYERS = 4  # whose compiled step is held
PART = 3  # a patch shows at most a third of what the network sees

# The square root of the covariance of the colours of ImageNet's photos, its largest column's length 1:
# multiplied with it, independent numbers are coloured as in photos (Lucid, Apache-2.0).
COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)
COLOURS = COLOURS / np.linalg.norm(COLOURS, axis=0).max()


@dataclass(frozen=True, eq=False)
class Step:
    """How far the picture has come."""

    step: int  # 0 is the noise that it starts from
    steps: int
    value: float  # the channel's mean activation for the jittered picture, before a ReLU
    picture: Image  # (side, side, 3) uint8


def maximise(
    model: str | VisionModel,
    layer: str,
    channel: int,
    *,
    steps: int = STEPS,
    seed: int = 0,
    side: int | None = None,
) -> Iterator[Step]:
    """Gradient ascent from noise to a picture that excites a channel; to stop, take no more steps.

    The picture is the inverse Fourier transform of what is learned, each frequency scaled by 1 / f as in
    photos and the colours decorrelated, so that steps of equal size change coarse and fine structure
    alike; it is moved about by up to 8 pixels before each step, so that no fine pattern survives that
    only works in one place. Adam maximises the channel's mean over all positions. At a ReLU, the number
    before it is maximised: a channel that is silent would have no gradient.

    A `Step` comes at the start, then at every eighth and at the last step. One step is compiled for each
    layer and serves all of its channels.

    Args:
        model: a shipped model's name or a `VisionModel`.
        layer: the layer's name.
        channel: the channel of its output.
        steps: of the ascent.
        seed: of the noise and the jitter.
        side: of the picture in pixels; the network's own where a vector is maximised, else 128 at most.

    Raises:
        KeyError: no such model or layer.
        IndexError: no such channel.

    References:
        Olah, Mordvintsev, Schubert, "Feature Visualization", Distill 2017, "Preconditioning and
        Parameterization" and "Transformation Robustness".
    """
    chosen = inside.chosen(model)
    graph = inside.graph(chosen)
    count = graph.node(layer).map_shape[2]
    if not 0 <= channel < count:
        raise IndexError(f"{layer} has {count} channels, got {channel}")
    own = graph.nodes[graph.image].map_shape
    size = own[:2]
    if _any_size(graph, graph.by_name[layer]):
        size = (side, side) if side else (min(SIDE, own[0]), min(SIDE, own[1]))
    key = (layer, size, chosen.preparation.offset, chosen.preparation.scale)
    index = graph.by_name[layer]
    ascend = inside.kept_few(
        chosen, "maximise", key, lambda: _compile(chosen, graph, index, size), HELD_LAYERS
    )
    return _ascent(ascend, size, channel, steps, seed)


def _ascent(ascend: Any, size: tuple[int, int], channel: int, steps: int, seed: int) -> Iterator[Step]:
    import tensorflow as tf

    random = np.random.default_rng(seed)
    shape = spectrum_shape(size)
    # mean and mean square of Adam start at zero
    state = [tf.constant(random.normal(0, 0.01, shape), tf.float32), tf.zeros(shape), tf.zeros(shape)]
    index = tf.constant(channel)
    for step in range(steps + 1):
        moved = tf.constant(random.integers(-JITTER, JITTER + 1, 2), tf.int32)
        shown, value, *after = ascend(*state, tf.constant(step + 1.0), moved, index)
        if step % SHOW_EVERY == 0 or step == steps:
            yield Step(step, steps, float(value), np.asarray(shown))
        state = after


def spectrum_shape(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Real and imaginary part of the half spectrum of three colours: (2, 3, height, width // 2 + 1)."""
    return 2, 3, size[0], size[1] // 2 + 1


def _compile(model: VisionModel, graph: Graph, index: int, size: tuple[int, int]) -> Any:
    """One step of the ascent: (spectrum, Adam's two means, step, jitter, channel) -> picture, value, ..."""
    import tensorflow as tf

    node = graph.nodes[index]
    if node.kind in ACTIVATIONS and node.kind != "softmax":  # a silent channel has no gradient
        index = node.inputs[0][0]
    before_softmax = node.kind == "softmax" or structure.activation_of(node.operation) == "softmax"
    height, width = size
    rows, columns = np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width)
    frequency = np.maximum(np.sqrt(rows**2 + columns**2), 1 / max(size))
    scale = tf.constant(np.sqrt(height * width) / frequency, tf.complex64)
    offset, range_ = model.preparation.offset, model.preparation.scale
    channels = graph.nodes[graph.image].map_shape[2]
    colours = tf.constant(COLOURS)

    def picture_of(spectrum: Any) -> Any:  # (height, width, 3) in 0..1
        planes = tf.signal.irfft2d(tf.complex(spectrum[0], spectrum[1]) * scale, [height, width])
        correlated = tf.einsum("chw,dc->hwd", planes / 4, colours)
        return tf.sigmoid(correlated)

    def value_of(picture: Any, moved: Any, channel: Any) -> Any:
        numbers = (tf.roll(picture, moved, (0, 1)) * 255 - offset) / range_
        if channels == 1:
            numbers = tf.tensordot(numbers, tf.constant(inside.GREY), 1)[..., tf.newaxis]
        elif channels == 4:
            numbers = tf.concat([numbers, tf.fill([height, width, 1], (255 - offset) / range_)], -1)
        values = graph.run(numbers[tf.newaxis], [index])
        if before_softmax and graph.output[0] == graph.by_name[node.name]:
            return graph.scores(values)[0, channel]
        return tf.reduce_mean(tf.gather(values[index, 0], channel, axis=-1))

    def ascend(spectrum: Any, mean: Any, square: Any, step: Any, moved: Any, channel: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(spectrum)
            picture = picture_of(spectrum)
            value = value_of(picture, moved, channel)
        gradient = tape.gradient(value, spectrum)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        direction = mean / (1 - 0.9**step) / (tf.sqrt(square / (1 - 0.999**step)) + 1e-8)
        shown = tf.cast(tf.round(picture * 255), tf.uint8)
        return shown, value, spectrum + RATE * direction, mean, square

    floats = tf.TensorSpec(spectrum_shape(size), tf.float32)
    return tf.function(ascend, autograph=False).get_concrete_function(
        *(floats, floats, floats, tf.TensorSpec((), tf.float32)),
        *(tf.TensorSpec((2,), tf.int32), tf.TensorSpec((), tf.int32)),
    )


def _any_size(graph: Graph, index: int) -> bool:
    """Whether the layer can be computed from a picture of any size."""
    return not any(
        graph.nodes[ancestor].kind in ("flatten", "reshape", "other", "layer_normalisation", "prelu")
        for ancestor in graph.ancestors([index])
    )


Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom in the photo's pixels


@dataclass(frozen=True, eq=False)
class Patch:
    """The place of a photo that excites a channel most."""

    photo: str
    value: float  # of the channel there
    position: tuple[int, int]  # (row, column) in the layer's map
    box: Box  # its receptive field on the photo
    shown: Box  # what the crop shows: the receptive field, or the middle of one that is too large
    crop: Image  # that part of the photo


def strongest_patches(
    model: str | VisionModel, layer: str, channel: int, photos: Mapping[str, Image], *, most: int = 9
) -> list[Patch]:
    """Of each photo the place that excites a channel most, the strongest first; silent ones left out.

    In theory a position of a deep layer sees the whole picture; what moves it is near its middle (Luo et
    al., "Understanding the Effective Receptive Field in Deep Convolutional Neural Networks", 2016). So a
    crop is at most a third as wide as what the network sees.

    Args:
        model: a shipped model's name or a `VisionModel`.
        layer: the layer's name.
        channel: the channel of its output.
        photos: (height, width, 3) uint8 each, by name.
        most: how many patches are given.

    Raises:
        KeyError: no such model or layer.
    """
    chosen = inside.chosen(model)
    graph = inside.graph(chosen)
    found: list[Patch] = []
    for name, image in photos.items():
        maps = inside.tensors(chosen, inside.network_input(chosen, image), [layer])[layer][..., channel]
        row, column = (int(at) for at in np.unravel_index(maps.argmax(), maps.shape))
        seen = structure.seen_by(graph, layer, row, column, channel)
        if seen is None or not maps.any():
            continue
        box = on_photo(chosen, graph, image, seen)
        middle = ((column + 0.5) / maps.shape[1], (row + 0.5) / maps.shape[0])
        shown = _around(box, middle, chosen.preparation.box(image)) if len(maps) > 1 else box
        left, top = (math.floor(at) for at in shown[:2])
        right, bottom = (math.ceil(at) for at in shown[2:])
        crop = image[top:bottom, left:right].copy()
        found.append(Patch(name, float(maps[row, column]), (row, column), box, shown, crop))
    return sorted(found, key=lambda patch: -patch.value)[:most]


def _around(box: Box, middle: tuple[float, float], view: tuple[int, int, int, int]) -> Box:
    """Of a box the part around `middle`, a place in 0..1 of the view, at most 1 / PART as wide as that."""
    ends: list[tuple[float, float]] = []
    for axis in (0, 1):
        low, high = box[axis], box[axis + 2]
        length = min(high - low, (view[axis + 2] - view[axis]) / PART)
        centre = view[axis] + middle[axis] * (view[axis + 2] - view[axis])
        start = min(max(centre - length / 2, low), high - length)
        ends.append((start, start + length))
    (left, right), (top, bottom) = ends
    return left, top, right, bottom


@dataclass(frozen=True, eq=False)
class Feeds:
    """The weights by which one channel goes into every logit."""

    layer: str  # whose channels feed the logits: the last maps or the last vector
    channel: int
    weights: Floats  # (classes,)

    def strongest(self, most: int = 5) -> tuple[tuple[int, float], ...]:
        """(label index, weight), the classes for which the channel speaks most."""
        order = np.argsort(-self.weights, kind="stable")[:most]
        return tuple((int(index), float(self.weights[index])) for index in order)

    def weakest(self, most: int = 5) -> tuple[tuple[int, float], ...]:
        """(label index, weight), the classes against which it speaks most."""
        order = np.argsort(self.weights, kind="stable")[:most]
        return tuple((int(index), float(self.weights[index])) for index in order)


def last_layer(model: str | VisionModel) -> str | None:
    """The layer whose channels feed the logits one by one, the earliest such; None if there is none.

    Before the last dense layer, global pooling and what does nothing at inference are passed through.
    """
    found = _last(inside.graph(inside.chosen(model)))
    return None if found is None else found[0]


def feeds(model: str | VisionModel, channel: int) -> Feeds:
    """The class logits that a channel of the last layer feeds.

    Raises:
        KeyError: no such model.
        ValueError: the network does not end in a dense layer.
        IndexError: no such channel.
    """
    found = _last(inside.graph(inside.chosen(model)))
    if found is None:
        raise ValueError("the network does not end in a dense layer")
    layer, kernel = found
    if not 0 <= channel < len(kernel):
        raise IndexError(f"{layer} has {len(kernel)} channels, got {channel}")
    return Feeds(layer, channel, kernel[channel])


def _last(graph: Graph) -> tuple[str, Floats] | None:
    """The layer that feeds the logits, and the kernel (channels, classes) by which it does."""
    passed = ("softmax", "sigmoid", "identity")
    node = graph.nodes[graph.output[0]]
    while node.kind in passed and node.inputs:
        node = graph.sources(node)[0]
    if node.kind != "dense" or len(node.shape) != 1:
        return None
    kernel = weight(node.operation.kernel)
    node = graph.sources(node)[0]
    while node.kind in ("identity", "global_average_pooling", "global_max_pooling"):
        node = graph.sources(node)[0]
    return node.name, kernel
