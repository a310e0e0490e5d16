"""A tuned network to look into and to ask, held by its visitor and by nobody else."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.tuning import evaluation, features, image_networks, locked
from core.tuning.types import Tuned
from core.types import Classifier, Floats, Image, ModelCard
from core.vision import article_cnn, efficientnet
from core.vision.models import VisionModel

NAME = "tuned"


def head_only(tuned: Tuned) -> bool:
    """Whether the tower is as it was: then LiteRT or numpy answers, and TensorFlow is not needed."""
    return set(tuned.weights) == {locked.KERNEL, locked.BIAS}


def tuned_model(tuned: Tuned) -> VisionModel:
    """A network tuned on pictures, as every page takes it. Costs nothing until it is asked.

    With a locked tower, `core.vision.classifier(model)` and Grad-CAM at the last layer need no TensorFlow.

    Raises:
        ValueError: it was tuned on texts; a mistake of ours.
    """
    if tuned.kind != "images":
        raise ValueError("tuned on texts: see tuned_text_classifier")
    scratch = tuned.plan.unlocked == "scratch"
    preparation = image_networks.SCRATCH if scratch else efficientnet.PREPARATION
    base = article_cnn.card() if scratch else efficientnet.card()
    card = ModelCard(
        name=NAME,
        input_size=(preparation.side, preparation.side, 3),
        parameters=_parameters(tuned),
        source="visitor" if scratch else base.source,
        licence=base.licence,
        made_by="",
        layers=base.layers if scratch else (*base.layers, *_joined(tuned)),
        figures=tuned.figures,
    )
    return VisionModel(
        NAME,
        tuned.labels,
        preparation,
        card,
        functools.cache(lambda: network(tuned)),
        head=_head(tuned.weights) if head_only(tuned) else None,
    )


def network(tuned: Tuned) -> Any:
    """A new Keras network with the tuned weights: pixels as numbers -> logits, or probabilities of "scratch"."""
    classes = len(tuned.labels)
    if tuned.plan.unlocked == "scratch":
        model = article_cnn.build(image_networks.SCRATCH.side, classes=classes)
    else:
        model = efficientnet.build(classes, joined=bool(_joined(tuned)))
        efficientnet.set_weights(model)
    image_networks.set_weights(model, tuned.weights)
    model.trainable = False
    return model


def _joined(tuned: Tuned) -> tuple[str, ...]:
    """The layer at which two maps are joined; a network that was saved by an older version has none."""
    return ("joined",) if len(tuned.weights[locked.KERNEL]) == efficientnet.JOINED else ()


def _head(weights: Mapping[str, Any]) -> tuple[Floats, Floats]:
    return weights[locked.KERNEL], weights[locked.BIAS]


def _parameters(tuned: Tuned) -> int:
    if tuned.plan.unlocked == "scratch":
        return int(sum(array.size for array in tuned.weights.values()))
    last = efficientnet.HEAD * efficientnet.CLASSES + efficientnet.CLASSES
    return efficientnet.card().parameters - last + (len(tuned.weights[locked.KERNEL]) + 1) * len(tuned.labels)


def tuned_text_classifier(tuned: Tuned) -> Classifier[str]:
    """A network tuned on texts. Answers in numpy, without TensorFlow.

    Raises:
        ValueError: it was tuned on pictures; a mistake of ours.
    """
    from core.tuning import text_networks

    if tuned.kind != "texts":
        raise ValueError("tuned on pictures: see tuned_model")
    return text_networks.TunedTexts(tuned)


def features_of(tuned: Tuned, examples: Sequence[Image] | Sequence[str]) -> Floats:
    """What the last layer reads of pictures (h, w, 3) uint8 of any size, or of texts: (n, width)."""
    if tuned.kind == "texts":
        from core.tuning import text_networks

        return text_networks.TunedTexts(tuned).features([str(text) for text in examples])
    model = tuned_model(tuned)
    pictures = [model.preparation.pixels(np.asarray(image)) for image in examples]
    if head_only(tuned):
        return np.stack([features.of_picture(picture) for picture in pictures])
    return features_in(model, model.preparation.numbers(np.stack(pictures)))


def features_in(model: VisionModel, numbers: Floats) -> Floats:
    """What the last layer of a tuned Keras network reads of prepared pictures (n, side, side, 3)."""
    from core.vision import inside

    layer = "relu4" if "relu4" in model.card.layers else "pool"
    rows = [inside.tensors(model, one[np.newaxis], [layer])[layer].reshape(-1) for one in numbers]
    return np.stack(rows)


def distances(tuned: Tuned, examples: Sequence[Image] | Sequence[str]) -> tuple[Floats, list[str]]:
    """How far each example is from the nearest training example, and that one's digest.

    1 - cosine of the features; beyond `tuned.none_threshold` it is none of the classes. Of a network that
    was unlocked, pass few at a time: its Keras twin is made for the purpose. A page holds the model and
    asks `distances_in`.
    """
    found, which = evaluation.nearest(tuned.features, features_of(tuned, examples))
    return found, [tuned.feature_digests[index] for index in which]


def distances_in(tuned: Tuned, model: VisionModel, image: Image) -> tuple[float, str]:
    """As `distances`, of one picture, with a model of `tuned_model(tuned)` that is held already."""
    pixels = model.preparation.pixels(image)
    if model.head is not None:
        row = features.of_picture(pixels)
    else:
        row = features_in(model, model.preparation.numbers(pixels)[np.newaxis])[0]
    found, which = evaluation.nearest(tuned.features, row[np.newaxis])
    return float(found[0]), tuned.feature_digests[which[0]]
