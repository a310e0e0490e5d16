"""The image models by name: a classifier for plain answers, a `VisionModel` for looking inside."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.types import Classifier, Floats, Image, ModelCard
from core.vision import article_cnn, efficientnet
from core.vision.lite import Lite, softmax
from core.vision.preparation import Preparation

MODELS = ("efficientnet_lite0", "article_cnn")


@dataclass(frozen=True, eq=False)
class VisionModel:
    """A Keras network with what is needed to use it: shipped, tuned or uploaded.

    `load` gives the network, which is read-only: train on a clone. What is compiled for it is kept in
    `compiled` and goes when the model goes.
    """

    name: str
    labels: tuple[str, ...]
    preparation: Preparation
    card: ModelCard
    load: Callable[[], Any] = field(repr=False)
    compiled: dict[str, Any] = field(default_factory=dict, repr=False)
    head: tuple[Floats, Floats] | None = field(default=None, repr=False)
    """Kernel (1280 or, of one that reads joined maps, 1600, classes) and bias (classes,) of a model that is
    EfficientNet-Lite0 but for its last layer: LiteRT then gives its plain answers."""

    def prepare(self, image: Image) -> Floats:
        """The network's input for one image: (1, side, side, 3) float32."""
        return self.preparation.numbers(self.preparation.pixels(image))[np.newaxis]


@functools.cache
def vision_model(name: str) -> VisionModel:
    """A shipped model by its name, one of `MODELS`.

    Raises:
        KeyError: no such model.
    """
    module: Any = {"efficientnet_lite0": efficientnet, "article_cnn": article_cnn}[name]
    return VisionModel(name, module.labels(), module.PREPARATION, module.card(), module.load)


class PreparedClassifier:
    """A classifier for images, that also takes pictures prepared for the network already."""

    def __init__(self, labels: tuple[str, ...], preparation: Preparation) -> None:
        self.labels = labels
        self.preparation = preparation

    def predict(self, batch: Sequence[Image]) -> Floats:
        """Probabilities (n, len(labels)) of decoded images of any size."""
        return self.predict_prepared([self.preparation.pixels(image) for image in batch])

    def predict_prepared(self, pictures: Sequence[Image]) -> Floats:
        """Probabilities (n, len(labels)) of pictures (side, side, 3) uint8 at the network's own size."""
        raise NotImplementedError


class LiteClassifier(PreparedClassifier):
    """EfficientNet-Lite0 on LiteRT, int8: milliseconds, and no TensorFlow.

    `head` is its own dense layer or another one that was learned on the same features.
    """

    def __init__(self, labels: tuple[str, ...], lite: Lite, head: tuple[Floats, Floats]) -> None:
        super().__init__(labels, efficientnet.PREPARATION)
        self.lite = lite
        self.head = head

    def maps(self, pixels: Image) -> Floats:
        """The maps whose means the dense layer reads: (7, 7, 1280), or (7, 7, 1600) joined ones."""
        joined = len(self.head[0]) == efficientnet.JOINED
        return self.lite.joined_maps(pixels) if joined else self.lite.maps(pixels)

    def predict_prepared(self, pictures: Sequence[Image]) -> Floats:
        if not pictures:
            return np.zeros((0, len(self.labels)), np.float32)
        kernel, bias = self.head
        return softmax(np.stack([self.maps(one).mean(axis=(0, 1)) for one in pictures]) @ kernel + bias)

    def of_maps(self, maps: Floats) -> Floats:
        """Probabilities (len(labels),) of a picture whose `maps` are known."""
        kernel, bias = self.head
        return softmax(maps.mean(axis=(0, 1)) @ kernel + bias)

    def activation(self, maps: Floats, label_index: int) -> Floats:
        """The class activation map (7, 7) of `maps`, at least 0, not scaled."""
        kernel, _ = self.head
        return np.asarray(np.maximum(maps @ kernel[:, label_index], 0) / (maps.shape[0] * maps.shape[1]))


class KerasClassifier(PreparedClassifier):
    """A `VisionModel` as a classifier, through one compiled function."""

    def __init__(self, model: VisionModel) -> None:
        super().__init__(model.labels, model.preparation)
        self._model = model

    def predict_prepared(self, pictures: Sequence[Image]) -> Floats:
        from core.vision import inside

        if not pictures:
            return np.zeros((0, len(self.labels)), np.float32)
        numbers = self.preparation.numbers(np.stack(pictures))
        return np.concatenate([inside.probabilities(self._model, one[np.newaxis]) for one in numbers])


@functools.cache
def lite() -> Lite:
    """The one LiteRT engine of the process."""
    return Lite()


@functools.cache
def _shipped_classifier(name: str) -> PreparedClassifier:
    if name == "efficientnet_lite0":
        return LiteClassifier(efficientnet.labels(), lite(), efficientnet.head())
    return KerasClassifier(vision_model(name))


def classifier(model: str | VisionModel) -> PreparedClassifier:
    """The plain answers of a model: a shipped one by name, or a `VisionModel` that a visitor holds.

    Shipped classifiers are made once a process and may be used by several threads. Their labels are
    WordNet ids ("efficientnet_lite0") or class ids ("article_cnn").
    """
    if isinstance(model, str):
        return _shipped_classifier(model)
    if model.head is not None:
        return LiteClassifier(model.labels, lite(), model.head)
    return KerasClassifier(model)


def _is_a_classifier(value: PreparedClassifier) -> Classifier[Image]:
    return value  # held by the type checker
