"""What a step is, and the decorator that makes one out of a pure function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, TypeVar, cast

from core.imaging.steps.drawing import VIEWS, View, draw_labels
from core.params import Parameter, parameters

Family = Literal["geometry", "damage", "denoise", "enhance", "edges", "segment"]

# Damage is a family of its own, and not a part of denoise: what a visitor adds here is what the
# denoising steps take away again, and the picture before the first damage is the clean one against
# which they are measured.
FAMILIES: tuple[Family, ...] = ("geometry", "damage", "denoise", "enhance", "edges", "segment")

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Step:
    """A preprocessing step: a pure function of an image and what a page needs to know of it.

    Attributes:
        function: `(image, *, parameters)` to a new image, or, for a segmentation, to its labels.
        parameters: those of the signature; a segmentation has `view` besides, how its labels are drawn.
        size: `(height, width, *, parameters)` to the (height, width) of the result, for steps that
            may make a picture larger; it is asked before the step runs.
        found: `(image, *, parameters)` to the numbers that the step finds by itself.
        smallest: the shortest side of a picture, in pixels, that the step can work on.
        slow: takes long on a large picture; outside the studio's budget of 250 ms.
    """

    name: str
    family: Family
    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    size: Callable[..., tuple[int, int]] | None = None
    found: Callable[..., dict[str, float]] | None = None
    smallest: int = 1
    slow: bool = False

    @property
    def segments(self) -> bool:
        """Whether the step answers with labels."""
        return self.family == "segment"

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


_steps: dict[str, Step] = {}
STEPS: Mapping[str, Step] = MappingProxyType(_steps)


def step(
    *,
    view: View | None = None,
    views: tuple[View, ...] = VIEWS,
    size: Callable[..., tuple[int, int]] | None = None,
    found: Callable[..., dict[str, float]] | None = None,
    smallest: int = 1,
    slow: bool = False,
) -> Callable[[F], F]:
    """Registers a function as a step of the family whose module it stands in; a segmentation says
    which `view` of its labels comes first and, if not all of them mean something, which `views` it has."""

    def register(function: F) -> F:
        name = function.__name__
        family = cast(Family, sys.modules[function.__module__].__name__.rpartition(".")[2])
        known = parameters(function)
        if family == "segment":
            drawn = parameters(draw_labels)[0]
            known = (*known, replace(drawn, default=view, choices=views))
        _steps[name] = Step(name, family, function, known, size, found, smallest, slow)
        return function

    return register
