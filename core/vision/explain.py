"""Where a network looked: Grad-CAM, brought back to the photo's own size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.types import Floats, Image
from core.vision import efficientnet, models
from core.vision.models import VisionModel
from core.vision.preparation import Preparation


def grad_cam(
    model: str | VisionModel, image: Image, label_index: int | None = None, layer: str | None = None
) -> Floats:
    """How much each place of the photo speaks for a class: (height, width) float32 in 0..1.

    The most speaking place is 1; outside the crop that the network sees it is 0; a map that is empty
    everywhere (nothing speaks for the class) is all zeros. At EfficientNet-Lite0's last layer the
    answer comes from LiteRT without TensorFlow: before global pooling and one dense layer, Grad-CAM is
    the class activation map, the class's weights times the last maps.

    Args:
        model: a shipped model's name or a `VisionModel`.
        image: (height, width, 3) uint8.
        label_index: the class; the most probable one if not given.
        layer: one of the card's layers; the last one if not given.

    Raises:
        KeyError: no such model or layer.

    References:
        Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016 (CAM);
        Selvaraju et al., "Grad-CAM", ICCV 2017.
    """
    chosen = models.vision_model(model) if isinstance(model, str) else model
    if label_index is None:
        label_index = int(models.classifier(model).predict([image])[0].argmax())
    quick = model == "efficientnet_lite0" or chosen.head is not None
    if quick and layer in (None, chosen.card.layers[-1]):
        found = class_activation_map(chosen.preparation.pixels(image), label_index, model)
    else:
        found = all_layers(chosen, image, label_index)[layer or chosen.card.layers[-1]]
    return to_photo(found, image, chosen.preparation)


def class_activation_map(
    pixels: Image, label_index: int, model: str | VisionModel = "efficientnet_lite0"
) -> Floats:
    """CAM of EfficientNet-Lite0 from LiteRT's last maps: (7, 7) float32, at least 0, not scaled.

    `model` may be another one whose last layer alone is its own (`VisionModel.head`).
    """
    lite_classifier = models.classifier(model)
    assert isinstance(lite_classifier, models.LiteClassifier)
    return lite_classifier.activation(lite_classifier.maps(pixels), label_index)


@dataclass(frozen=True)
class Logit:
    """How the logit of a class is made of the last maps: `b + sum_k w_k mean(A^k)`."""

    logit: float  # the network's own
    recomputed: float  # from the maps, term by term in float64
    bias: float
    total: float  # sum over all classes of exp(logit)
    strongest: tuple[tuple[int, float, float], ...]  # (channel, weight, mean activation), largest products


def logit(image: Image, label_index: int, strongest: int = 8) -> Logit:
    """The arithmetic of one logit of EfficientNet-Lite0 on LiteRT, with its largest contributions."""
    lite_classifier = models.classifier("efficientnet_lite0")
    assert isinstance(lite_classifier, models.LiteClassifier)
    logits, maps = lite_classifier.lite.run(lite_classifier.preparation.pixels(image))
    kernel, bias = efficientnet.head()
    means, weights = maps.mean(axis=(0, 1)), kernel[:, label_index]
    largest = np.argsort(-means * weights)[:strongest]
    return Logit(
        float(logits[label_index]),
        float(means.astype(np.float64) @ weights.astype(np.float64) + bias[label_index]),
        float(bias[label_index]),
        float(np.exp(logits.astype(np.float64)).sum()),
        tuple((int(k), float(weights[k]), float(means[k])) for k in largest),
    )


def all_layers(model: VisionModel, image: Image, label_index: int) -> dict[str, Floats]:
    """Grad-CAM at every layer of the card, (h, w) each at the layer's own size. Uses TensorFlow."""
    from core.vision import inside

    return inside.class_activation_maps(model, model.prepare(image), label_index)


def to_crop(found: Floats, side: int) -> Floats:
    """A small map over the crop as (side, side) float32, its largest value 1 (or all zeros)."""
    return _resized(found, (side, side))


def to_photo(found: Floats, image: Image, preparation: Preparation) -> Floats:
    """A small map over the crop as a map over the whole photo, its largest value 1 (or all zeros)."""
    height, width = image.shape[:2]
    whole = np.zeros((height, width), np.float32)
    left, top, right, bottom = preparation.box(image)
    whole[top:bottom, left:right] = _resized(found, (right - left, bottom - top))
    return whole


def _resized(found: Floats, size: tuple[int, int]) -> Floats:
    """A map at (width, height), in 0..1: its largest value 1, or all zeros."""
    largest = float(found.max(initial=0))
    if not np.isfinite(largest) or largest <= 0:
        return np.zeros(size[::-1], np.float32)
    scaled = np.asarray(found / largest, np.float32)
    resized: Floats = cv2.resize(scaled, size, interpolation=cv2.INTER_LINEAR)
    return np.clip(resized, 0, 1)
