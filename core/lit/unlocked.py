"""The image tower unlocked: EfficientNet-Lite0 in Keras, learning from captions like the text tower."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.lit import towers
from core.types import Floats, Image
from core.vision import efficientnet

RATE = 3e-4
BATCH = 4  # pictures at once, for memory


class UnlockedTower:
    """A clone of the image tower that learns; batch normalisation keeps its statistics.

    Args:
        pictures: (n, 224, 224, 3) uint8: the pictures that it learns from.
        probes: (m, 224, 224, 3) uint8: pictures by which is told what it still knows of ImageNet.
    """

    def __init__(self, pictures: Image, probes: Image) -> None:
        import keras
        import tensorflow as tf

        network = efficientnet.build()
        efficientnet.set_weights(network)
        self._tower = keras.Model(network.input, network.get_layer("pool").output)
        self._variables = [variable.value for variable in self._tower.trainable_variables]
        self._adam = keras.optimizers.Adam(RATE)
        self._adam.build(self._tower.trainable_variables)
        self._forward = tf.function(  # prepared once for any number of pictures: each time takes memory
            lambda x: self._tower(x, training=False),
            input_signature=[tf.TensorSpec((None, *network.input.shape[1:]), tf.float32)],
        )
        self._centre = tf.constant(towers.centre())
        self._pictures, self._probes = pictures, probes
        self._answers = self._answered()
        self._tape: Any = None
        self._embedded: Any = None

    def _read(self, pixels: Image) -> Any:
        import tensorflow as tf

        return self._forward(tf.constant(efficientnet.PREPARATION.numbers(pixels)))

    def _features(self, pixels: Image) -> Floats:
        parts = [self._read(pixels[start : start + BATCH]).numpy() for start in range(0, len(pixels), BATCH)]
        return np.concatenate(parts)

    def embed(self, chosen: np.ndarray) -> Floats:
        """Unit rows of some pictures, from the pass that `learn` goes back through."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            moved = self._read(self._pictures[chosen]) - self._centre
            embedded = tf.math.l2_normalize(moved, axis=1)
        self._tape, self._embedded = tape, embedded
        return np.asarray(embedded.numpy(), np.float32)

    def learn(self, slopes: Floats, share: float) -> None:
        """A step against the loss, whose slopes towards the last embedded pictures are given."""
        import tensorflow as tf

        found = self._tape.gradient(self._embedded, self._variables, output_gradients=tf.constant(slopes))
        self._adam.learning_rate = RATE * share
        self._adam.apply(found, self._tower.trainable_variables)
        self._tape = self._embedded = None

    def pictures(self) -> Floats:
        """Unit rows of all pictures, as the tower sees them now."""
        return towers.placed(self._features(self._pictures))

    def _answered(self) -> np.ndarray:
        kernel, bias = efficientnet.head()
        return np.asarray((self._features(self._probes) @ kernel + bias).argmax(axis=1))

    def agreement(self) -> float:
        """The share of the probes to which tower and classifier still answer as they did."""
        return float((self._answered() == self._answers).mean())
