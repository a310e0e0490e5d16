"""Inside a Keras network: its probabilities, its feature maps and their gradients, each compiled once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.types import Floats
from core.vision.models import VisionModel


def probabilities(model: VisionModel, numbers: Floats) -> Floats:
    """The network's answer to its prepared input: (n, side, side, 3) -> (n, classes), rows sum to 1."""
    run = model.compiled.get("probabilities")
    if run is None:
        import keras
        import tensorflow as tf

        network = model.load()
        score = scores(network)

        def answer(x: Any) -> Any:
            return tf.nn.softmax(forward(x, training=False))

        forward = keras.Model(network.input, score)
        run = model.compiled["probabilities"] = tf.function(answer, reduce_retracing=True)
    return np.asarray(run(numbers))


def scores(network: Any) -> Any:
    """The tensor of logits of a network that ends in logits, a softmax layer or a softmax activation.

    Where only probabilities can be had, their logarithm serves: its softmax is the probabilities again.
    """
    import keras

    last = network.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return last.input
    activation = getattr(last, "activation", None)
    if activation is keras.activations.softmax:
        return keras.ops.log(keras.ops.maximum(network.output, 1e-12))
    return network.output


def class_activation_maps(model: VisionModel, numbers: Floats, label_index: int) -> dict[str, Floats]:
    """Grad-CAM at every layer of the model's card, in one forward and one backward pass.

    For the maps A^k of a layer and the logit y of the class: `relu(sum_k a_k A^k)` with
    `a_k = mean over positions of dy / dA^k`; layer name -> (h, w) float32, at least 0, not scaled.

    References:
        Selvaraju et al., "Grad-CAM", ICCV 2017, equations 1 and 2.
    """
    run = model.compiled.get("class_activation_maps")
    if run is None:
        run = model.compiled["class_activation_maps"] = _compile_class_activation_maps(model)
    found: Sequence[Any] = run(numbers, np.int32(label_index))
    return {name: np.asarray(value) for name, value in zip(model.card.layers, found, strict=True)}


def _compile_class_activation_maps(model: VisionModel) -> Any:
    import keras
    import tensorflow as tf

    network = model.load()
    layers = [network.get_layer(name).output for name in model.card.layers]
    forward = keras.Model(network.input, [*layers, scores(network)])

    def maps_of_class(x: Any, index: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            *maps, logits = forward(x, training=False)
            logit = tf.gather(logits[0], index)
        gradients = tape.gradient(logit, maps, unconnected_gradients="zero")
        return [
            tf.nn.relu(tf.reduce_sum(tf.reduce_mean(g, (1, 2), keepdims=True) * a, -1)[0])
            for a, g in zip(maps, gradients, strict=True)
        ]

    return tf.function(maps_of_class, reduce_retracing=True)
