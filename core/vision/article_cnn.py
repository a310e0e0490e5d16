"""The article's CNN: three blocks of convolution and pooling, a flatten, two dense layers.

Built as the article writes it, at any input size. The shipped weights were trained at 64 x 64 on
CIFAR-10 by `training/article_cnn.py`. TensorFlow is imported by `build` and `load` only.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from core import assets, checksums, memory
from core.types import Floats, Image, ModelCard
from core.vision.preparation import Preparation

SIDE = 64  # pixels, the input of the shipped weights
ARTICLE_SIDE = 224  # pixels, the input as the article has it
CIFAR_SIDE = 32  # pixels, an image that the shipped weights were trained on
FILTERS = (32, 64, 128)  # of the three blocks
UNITS = 512  # of the first dense layer
CLASSES = 10
_LARGE, _SCALE = "dense1/kernel", "dense1/scale"
LAYERS = (
    *(f"{kind}{block}" for block in (1, 2, 3) for kind in ("conv", "relu", "pool")),
    *("flatten", "dense1", "relu4", "dense2", "softmax"),
)


@dataclass(frozen=True)
class _CifarPreparation(Preparation):
    """A photo as CIFAR-10 would hold it: shrunk to 32 x 32, then enlarged to what the network reads.

    The network learned from enlarged small images; a photo that is shrunk to 64 x 64 at once is sharper
    than anything it has seen (on 750 photos of cats and dogs, ten classes to choose from: 42% right
    instead of 60%).
    """

    def pixels(self, image: Image) -> Image:
        square = PillowImage.fromarray(image).crop(self.box(image))
        small = square.resize((CIFAR_SIDE, CIFAR_SIDE), PillowImage.Resampling.BICUBIC)
        return np.asarray(small.resize((self.side, self.side), PillowImage.Resampling.BICUBIC))


PREPARATION: Preparation = _CifarPreparation(side=SIDE, crop=1.0, offset=127.5, scale=127.5)


def build(input_side: int = SIDE, *, classes: int = CLASSES, dropout: float = 0.0) -> Any:
    """The network with new random weights: `keras.Model`, (n, side, side, 3) -> probabilities (n, classes).

    A convolution and its ReLU are separate layers, so that both can be shown.

    Args:
        input_side: height and width of the input in pixels, at least 8 (three poolings halve it).
        classes: how many classes the last layer tells apart.
        dropout: the share of each dense layer's input that is dropped while training (layers
            `dropout1`, `dropout2`); 0 leaves the two out. They hold no weights: files fit both.
    """
    import keras
    from keras import layers

    inputs = keras.Input((input_side, input_side, 3), name="pixels")
    x = inputs
    for block, filters in enumerate(FILTERS, start=1):
        x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", name=f"conv{block}")(x)
        x = layers.ReLU(name=f"relu{block}")(x)  # (side, side, filters)
        x = layers.MaxPooling2D(2, name=f"pool{block}")(x)  # (side // 2, side // 2, filters)
    x = layers.Flatten(name="flatten")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout1")(x)
    x = layers.Dense(UNITS, kernel_initializer="he_normal", name="dense1")(x)
    x = layers.ReLU(name="relu4")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout2")(x)
    x = layers.Dense(classes, name="dense2")(x)
    return keras.Model(inputs, layers.Softmax(name="softmax")(x), name="article_cnn")


@functools.cache
def load() -> Any:
    """The network with its CIFAR-10 weights, one a process. Read-only: train on a clone."""
    memory.ask_for_tensorflow()
    model = build()
    set_weights(model, read_weights(checksums.whole("vision", "article_cnn.npz")))
    model.trainable = False
    return model


def get_weights(model: Any) -> dict[str, Floats]:
    """The weights of `model`, keyed "layer/kernel" and "layer/bias"."""
    return {
        f"{layer.name}/{variable.name}": variable.numpy()
        for layer in model.layers
        for variable in layer.weights
        if variable.name in ("kernel", "bias")
    }


def set_weights(model: Any, weights: Mapping[str, Floats]) -> None:
    """Copy `weights`, keyed as `get_weights` gives them, into the layers of those names."""
    for layer in model.layers:
        for variable in layer.weights:
            if variable.name in ("kernel", "bias"):
                variable.assign(weights[f"{layer.name}/{variable.name}"])


def write_weights(file: Path, weights: Mapping[str, Floats]) -> None:
    """Write `weights` as a compressed npz: float16, the large kernel of dense1 int8 with a scale a unit.

    The int8 halves the file; of CIFAR-10's 10,000 test images 9,992 kept their class.
    """
    stored: dict[str, Any] = {key: values.astype(np.float16) for key, values in weights.items()}
    kernel = weights[_LARGE]  # (inputs, units)
    scale = (np.maximum(np.abs(kernel).max(axis=0), 1e-6) / 127).astype(np.float16)
    stored[_LARGE] = np.clip(np.rint(kernel / scale.astype(np.float32)), -127, 127).astype(np.int8)
    stored[_SCALE] = scale
    np.savez_compressed(file, **stored)


def read_weights(file: Path) -> dict[str, Floats]:
    """The weights of a file that `write_weights` wrote, as float32."""
    with np.load(file, allow_pickle=False) as stored:
        weights = {key: stored[key].astype(np.float32) for key in stored.files}
    weights[_LARGE] *= weights.pop(_SCALE)
    return weights


def labels() -> tuple[str, ...]:
    """Ids of the ten classes, in the order of the probabilities; `cifar10.ID` names each."""
    return tuple(assets.read_json("vision", "cifar10_classes.json"))


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs for one image."""

    layer: str
    shape: tuple[int, ...]  # of its output: (height, width, channels) or (units,)
    parameters: int
    multiply_adds: int


def costs(input_side: int = SIDE, *, classes: int = CLASSES) -> tuple[LayerCost, ...]:
    """The layers of `build(input_side)` by arithmetic alone: nothing is built, nothing allocated."""
    rows: list[LayerCost] = []
    side, channels = input_side, 3
    for block, filters in enumerate(FILTERS, start=1):
        kernel = 3 * 3 * channels * filters
        rows += [
            LayerCost(f"conv{block}", (side, side, filters), kernel + filters, kernel * side * side),
            LayerCost(f"relu{block}", (side, side, filters), 0, 0),
            LayerCost(f"pool{block}", (side // 2, side // 2, filters), 0, 0),
        ]
        side, channels = side // 2, filters
    flat = side * side * channels
    return (
        *rows,
        LayerCost("flatten", (flat,), 0, 0),
        LayerCost("dense1", (UNITS,), (flat + 1) * UNITS, flat * UNITS),
        LayerCost("relu4", (UNITS,), 0, 0),
        LayerCost("dense2", (classes,), (UNITS + 1) * classes, UNITS * classes),
        LayerCost("softmax", (classes,), 0, 0),
    )


@functools.cache
def card() -> ModelCard:
    """What is told of the shipped network; the figures are those that the training script printed."""
    return _card(
        SIDE,
        source="CIFAR-10 (Krizhevsky 2009), https://www.cs.toronto.edu/~kriz/cifar.html",
        figures=assets.read_json("vision", "article_cnn.json"),
    )


@functools.cache
def article_card() -> ModelCard:
    """The same network at the article's 224 x 224. It has no weights: the card shows what it would cost."""
    return _card(ARTICLE_SIDE, source="", figures={})


def _card(input_side: int, source: str, figures: Mapping[str, float]) -> ModelCard:
    rows = costs(input_side)
    parameters = sum(row.parameters for row in rows)
    return ModelCard(
        name="article_cnn" if input_side == SIDE else f"article_cnn_{input_side}",
        input_size=(input_side, input_side, 3),
        parameters=parameters,
        source=source,
        licence="Apache-2.0",
        made_by="training/article_cnn.py" if source else "",
        layers=LAYERS,
        figures={
            "multiply_adds": sum(row.multiply_adds for row in rows),
            "float32_bytes": 4 * parameters,
            "dense1_parameters": next(row.parameters for row in rows if row.layer == "dense1"),
            **figures,
        },
    )
