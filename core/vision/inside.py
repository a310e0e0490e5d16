"""Inside a Keras network: its probabilities, its tensors and their gradients, each compiled once.

What is compiled for a model is kept in its `compiled` and goes with it. Nested models, several inputs
or outputs and grey inputs are taken as they are: `core.vision.structure` reads the network's graph.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

import cv2
import numpy as np

from core.types import Floats, Image
from core.vision import structure
from core.vision.models import VisionModel, vision_model
from core.vision.structure import ACTIVATIONS, CONVOLUTIONS, POOLS, Graph, Node

GREY = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green and blue (ITU-R BT.601)

_lock = threading.RLock()
_whole = threading.Lock()  # one pass at a time that keeps every layer: it takes up to 300 MB


def chosen(model: str | VisionModel) -> VisionModel:
    """The model itself, or the shipped one of that name.

    Raises:
        KeyError: no such model.
    """
    return vision_model(model) if isinstance(model, str) else model


def kept(model: VisionModel, key: str, make: Callable[[], Any]) -> Any:
    """What was made for the model under `key`; made at the first call, by one thread."""
    if key not in model.compiled:
        with _lock:
            if key not in model.compiled:
                model.compiled[key] = make()
    return model.compiled[key]


def kept_few(model: VisionModel, group: str, key: Hashable, make: Callable[[], Any], most: int) -> Any:
    """As `kept`, but of a group only the `most` last used are held: the rest may be made again."""
    with _lock:
        held: dict[Hashable, Any] = model.compiled.setdefault(group, {})
        value = held.pop(key) if key in held else make()
        held[key] = value
        while len(held) > most:
            del held[next(iter(held))]
    return value


def graph(model: VisionModel) -> Graph:
    """The network of the model as a flat graph.

    Raises:
        GlassboxError: the model is not a graph of layers, or no input takes a picture.
    """
    made: Graph = kept(model, "graph", lambda: structure.read(model.load(), model.preparation.side))
    return made


def fitted(model: VisionModel, numbers: Floats) -> Floats:
    """Prepared numbers (n, side, side, 3) in the shape of the network's input: grey, or not square."""
    found = graph(model)
    height, width, channels = found.nodes[found.image].map_shape
    if channels == 1 and numbers.shape[-1] == 3:
        numbers = (numbers @ GREY)[..., np.newaxis]
    elif channels == 4 and numbers.shape[-1] == 3:  # opaque: as a white pixel's numbers
        opaque = model.preparation.numbers(np.full(1, 255, np.uint8))[0]
        numbers = np.concatenate([numbers, np.full((*numbers.shape[:-1], 1), opaque, np.float32)], axis=-1)
    if numbers.shape[1:3] != (height, width):
        resized = [cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) for one in numbers]
        numbers = np.stack(resized).reshape(-1, height, width, channels)
    return np.asarray(numbers, np.float32)


def network_input(model: VisionModel, image: Image) -> Floats:
    """What the network reads of a photo: (1, height, width, channels) float32."""
    return fitted(model, model.prepare(image))


def probabilities(model: VisionModel, numbers: Floats) -> Floats:
    """The network's answer to its prepared input: (n, side, side, 3) -> (n, classes), rows sum to 1."""

    def make() -> Any:
        import tensorflow as tf

        found = graph(model)

        def answer(x: Any) -> Any:
            return tf.nn.softmax(found.scores(found.run(x, [found.output[0]])))

        return tf.function(answer, reduce_retracing=True, autograph=False)

    return np.asarray(kept(model, "probabilities", make)(fitted(model, numbers)))


def is_shown(node: Node) -> bool:
    """Whether the maps of a layer are shown by default: convolutions, activations, pools, vectors."""
    if node.kind in ("input", "identity"):
        return False
    return node.kind in CONVOLUTIONS | ACTIVATIONS | POOLS or len(node.shape) == 1


def tensors(model: VisionModel, numbers: Floats, names: Collection[str] | None = None) -> dict[str, Floats]:
    """Outputs of layers as they are in the network, (h, w, c) float32 each, in network order.

    One compiled function gives all layers; it costs about one and a half forward passes. The arrays are
    read-only views of the network's own tensors.

    Args:
        model: the model.
        numbers: its prepared input, (1, side, side, 3).
        names: the layers; those of `is_shown` if not given.

    Raises:
        KeyError: no such layer.
    """
    import tensorflow as tf

    found = graph(model)
    nodes = [node for node in found.nodes if is_shown(node)]
    if names is not None:
        nodes = [found.nodes[index] for index in sorted(found.by_name[name] for name in names)]

    def make() -> Any:
        every = range(len(found.nodes))

        def maps(x: Any) -> list[Any]:
            values = found.run(x, every)
            return [tf.cast(values[index, 0], tf.float32) for index in every]

        signature = tf.TensorSpec((1, *found.nodes[found.image].map_shape), tf.float32)
        return tf.function(maps, autograph=False).get_concrete_function(signature)

    run = kept(model, "maps", make)
    with _whole:
        results: Sequence[Any] = run(tf.constant(fitted(model, numbers)))
        wanted = {node.name: results[found.by_name[node.name]] for node in nodes}
        del results
    return {node.name: np.asarray(wanted[node.name]).reshape(node.map_shape) for node in nodes}


def class_activation_maps(model: VisionModel, numbers: Floats, label_index: int) -> dict[str, Floats]:
    """Grad-CAM at every layer of the model's card, in one forward and one backward pass.

    For the maps A^k of a layer and the logit y of the class: `relu(sum_k a_k A^k)` with
    `a_k = mean over positions of dy / dA^k`; layer name -> (h, w) float32, at least 0, not scaled. A
    vector has no places: the last maps that it is made of stand for it.

    References:
        Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2.
    """
    found = graph(model)
    wanted = [_spatial(found, found.by_name[name]) for name in model.card.layers]
    distinct = list(dict.fromkeys(wanted))

    def make() -> Any:
        import tensorflow as tf

        def maps_of_class(x: Any, index: Any) -> list[Any]:
            maps, gradients = _gradients(found, distinct, x, index)
            return [
                tf.nn.relu(tf.reduce_sum(tf.reduce_mean(g, (1, 2), keepdims=True) * a, -1)[0])
                for a, g in zip(maps, gradients, strict=True)
            ]

        return tf.function(maps_of_class, reduce_retracing=True, autograph=False)

    run = kept(model, "class_activation_maps", make)
    with _whole:
        results = dict(zip(distinct, run(fitted(model, numbers), np.int32(label_index)), strict=True))
    return {name: np.asarray(results[index]) for name, index in zip(model.card.layers, wanted, strict=True)}


def _spatial(found: Graph, index: int) -> int:
    """The layer itself if it has places, or else the last one before it that has."""
    while len(found.nodes[index].shape) != 3 or min(found.nodes[index].shape[:2]) == 1:
        if not found.nodes[index].inputs:
            return found.image
        index = found.nodes[index].inputs[0][0]
    return index


def _gradients(found: Graph, wanted: Sequence[int], x: Any, index: Any) -> tuple[list[Any], list[Any]]:
    """Tensors of layers, and the gradient of the class's logit to each; traced."""
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        values = found.run(x, [*wanted, found.output[0]])
        logit = tf.gather(found.scores(values)[0], index)
    maps = [values[node, 0] for node in wanted]
    maps = [a if a.dtype.is_floating else tf.cast(a, tf.float32) for a in maps]
    gradients = tape.gradient(logit, maps, unconnected_gradients="zero")
    return [tf.cast(a, tf.float32) for a in maps], [tf.cast(g, tf.float32) for g in gradients]


def influences(model: VisionModel, numbers: Floats, label_index: int) -> dict[str, Floats]:
    """How much each channel of each layer speaks for a class: gradient times activation, summed.

    `sum over positions of A^k * dy / dA^k` for the logit y: to first order, what the logit would lose
    if the channel fell silent. Layer name -> (c,) float32 for all layers, in network order, from one
    forward and one backward pass.

    References:
        Shrikumar et al., "Not Just a Black Box: Learning Important Features Through Propagating
        Activation Differences", 2016, section 3 (gradient times input).
    """
    found = graph(model)
    which = list(range(len(found.nodes)))

    def make() -> Any:
        import tensorflow as tf

        def sums(x: Any, index: Any) -> list[Any]:
            maps, gradients = _gradients(found, which, x, index)
            return [
                tf.reduce_sum(tf.reshape(a * g, (-1, a.shape[-1] if len(a.shape) > 1 else 1)), 0)
                for a, g in zip(maps, gradients, strict=True)
            ]

        return tf.function(sums, autograph=False).get_concrete_function(
            tf.TensorSpec((1, *found.nodes[found.image].map_shape), tf.float32), tf.TensorSpec((), tf.int32)
        )

    import tensorflow as tf

    run = kept(model, "influences", make)
    with _whole:
        results = run(tf.constant(fitted(model, numbers)), tf.constant(label_index, tf.int32))
    return {node.name: np.asarray(one) for node, one in zip(found.nodes, results, strict=True)}
