"""The preprocessing steps: pure functions on OpenCV and Pillow, a module for each family.

A new step is one function with `@step` and its messages in `assets/messages/LANGUAGE/steps.json`;
parameters, checks, widgets and the exported code follow from its signature.
"""

# The order of import is the order of the menu.
from core.imaging.steps import geometry, damage, denoise, enhance, edges, segment  # isort: skip
from core.imaging.steps.drawing import VIEWS, Labels, View, draw_labels
from core.imaging.steps.registry import FAMILIES, STEPS, Family, Step

FAMILY_MODULES = (geometry, damage, denoise, enhance, edges, segment)

__all__ = ["FAMILIES", "FAMILY_MODULES", "STEPS", "VIEWS", "Family", "Labels", "Step", "View", "draw_labels"]
