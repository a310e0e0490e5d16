"""A tuned network to look into and to ask, held by its visitor and by nobody else."""

from __future__ import annotations

from collections.abc import Sequence

from core.tuning.types import Tuned
from core.types import Classifier, Floats, Image
from core.vision.models import VisionModel


def tuned_model(tuned: Tuned) -> VisionModel:
    """A network tuned on pictures, as every page takes it. Costs nothing until it is asked.

    With a locked tower, `core.vision.classifier(model)` and Grad-CAM at the last layer need no TensorFlow.
    """
    raise NotImplementedError


def tuned_text_classifier(tuned: Tuned) -> Classifier[str]:
    """A network tuned on texts."""
    raise NotImplementedError


def distances(tuned: Tuned, examples: Sequence[Image] | Sequence[str]) -> tuple[Floats, list[str]]:
    """How far each example is from the nearest training example, and that one's digest.

    1 - cosine of the features; beyond `tuned.none_threshold` it is none of the classes.
    """
    raise NotImplementedError
