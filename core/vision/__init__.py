"""Image models, their feature maps, and explanations of what they answer."""

from core.vision.explain import grad_cam
from core.vision.feature_maps import feature_maps
from core.vision.models import VisionModel, classifier, vision_model

__all__ = ["VisionModel", "classifier", "feature_maps", "grad_cam", "vision_model"]
