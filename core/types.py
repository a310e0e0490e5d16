"""The central types: what an image is, what a classifier answers, what is told of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]  # (height, width, 3), sRGB
Floats: TypeAlias = NDArray[np.float32]

X = TypeVar("X", contravariant=True)


class Classifier(Protocol[X]):
    """Reads a batch of images or texts and gives a probability to each of its labels."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Stable ids (WordNet ids, "positive"); their words are in the catalogue."""
        ...

    def predict(self, batch: Sequence[X]) -> Floats:
        """Probabilities, (n, len(labels)) float32, rows sum to 1."""
        ...


@dataclass(frozen=True)
class ModelCard:
    """What a page says of a model. Figures are printed by the script named in `made_by`."""

    name: str
    input_size: tuple[int, ...]  # (height, width, channels) of an image, (tokens,) of a text
    parameters: int
    source: str
    licence: str
    made_by: str
    layers: tuple[str, ...] = ()  # worth showing, in network order
    figures: Mapping[str, float] = field(default_factory=dict)
