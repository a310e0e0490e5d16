"""The arithmetic of one number in a network: what was read, multiplied, added up, and whether it is right.

`explain_position` tells one number of a layer, `unfold` a whole map, `edited` a map with another kernel;
`output_size` and `convolve` are for trying out kernels by hand. All of it is numpy, held against the
network's own tensors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import Floats, Image
from core.vision import inside, structure
from core.vision.convolution import OutputSize, convolve, output_size
from core.vision.models import VisionModel
from core.vision.recompute import nothing, recompute
from core.vision.structure import Graph
from core.vision.unfold import Strand, Unfolded, edited, kernel_of, unfold

__all__ = [
    "TOLERANCE",
    "Arithmetic",
    "OutputSize",
    "Strand",
    "Unfolded",
    "convolve",
    "edited",
    "explain_position",
    "kernel_of",
    "latex",
    "on_photo",
    "output_size",
    "unfold",
]

TOLERANCE = 1e-4  # of the larger of the number and its layer's mean magnitude


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """How one number of a layer comes about. Boxes are (left, top, right, bottom), the last two excluded."""

    layer: str
    kind: str  # what the messages `arithmetic.KIND.*` explain
    position: tuple[int, int, int]  # (row, column, channel)
    shape: tuple[int, int, int]  # of the layer
    sources: tuple[str, ...]  # the layers that it reads
    seen: tuple[int, int, int, int] | None  # the receptive field on the network's input, in its pixels
    box: tuple[float, float, float, float] | None  # the same on the photo, in the photo's own pixels
    corner: tuple[int, int]  # (row, column) of the patch on the first source; below 0 in the padding
    spacing: tuple[int, int]  # rows and columns between two numbers of the patch: the dilation
    channels: tuple[int, ...]  # of the source, along the patch's last axis
    patch: Floats  # (rows, columns, channels): the numbers read, 0 where there is only padding
    padded: NDArray[np.bool_]  # (rows, columns): nothing but padding is there
    kernel: Floats | None  # as the patch
    products: Floats | None  # patch times kernel
    partial: Floats | None  # (channels,): the products of each channel added up
    weights: Floats | None  # (channels,): of a separable convolution, what `partial` is weighted with
    total: float  # all of them added up; for pooling the maximum or mean
    bias: float
    before: float  # total + bias, which the activation gets
    activation: str
    value: float | None  # recomputed; None where the arithmetic of the layer is not known here
    network: float  # the network's own number
    tolerance: float
    terms: Mapping[str, float]  # for the placeholders of the message `numbers`

    @property
    def difference(self) -> float:
        """How far the recomputed number is from the network's."""
        return math.nan if self.value is None else abs(self.value - self.network)

    @property
    def agrees(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.difference <= self.tolerance

    @property
    def formula(self) -> str:
        """The key of the formula."""
        return f"arithmetic.{self.kind}.formula"

    @property
    def numbers(self) -> str:
        """The key of the formula with numbers; its placeholders are those of `latex`."""
        return f"arithmetic.{self.kind}.numbers.formula"

    @property
    def latex(self) -> dict[str, str]:
        """The terms as LaTeX, ready for the message `numbers`."""
        return {name: latex(value) for name, value in self.terms.items()}


def latex(value: float, digits: int = 4) -> str:
    """A number in a formula: 4 digits that count, a power of ten, parentheses if it is negative."""
    if not math.isfinite(value):
        return r"\text{?}" if math.isnan(value) else r"\infty" if value > 0 else r"(-\infty)"
    text = f"{value:.{digits}g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = rf"{mantissa} \times 10^{{{int(exponent)}}}"
    return f"({text})" if text.startswith("-") else text


def explain_position(
    model: str | VisionModel, image: Image, layer: str, position: tuple[int, int, int]
) -> Arithmetic:
    """The arithmetic of one number of a layer's output for a photo.

    Args:
        model: a shipped model's name or a `VisionModel`.
        image: (height, width, 3) uint8.
        layer: the layer's name, as `feature_maps` gives it.
        position: (row, column, channel) in the layer's maps; a vector has row and column 0.

    Raises:
        KeyError: no such model or layer.
        IndexError: no such position.
        GlassboxError: the model is not a graph of layers, or no input takes a picture.
    """
    chosen = inside.chosen(model)
    graph = inside.graph(chosen)
    node = graph.node(layer)
    if not all(0 <= at < size for at, size in zip(position, node.map_shape, strict=True)):
        raise IndexError(f"{layer} is {node.map_shape}, got position {position}")
    names = dict.fromkeys([source.name for source in graph.sources(node)])
    maps = inside.tensors(chosen, inside.network_input(chosen, image), [*names, layer])
    own = maps[layer]
    network = float(own[position])
    rows, columns, channels = (np.array([index], np.intp) for index in position)
    inputs = [maps[source.name] for source in graph.sources(node)]
    parts = recompute(node, inputs, rows, columns, channels)
    seen = structure.seen_by(graph, layer, *position)
    first = nothing(node, own, rows, columns, channels) if parts is None else parts
    values = {name: float(value[0]) for name, value in first.terms.items()}
    return Arithmetic(
        layer=layer,
        kind=node.kind if parts is not None or node.kind == "input" else "other",
        position=position,
        shape=node.map_shape,
        sources=tuple(names),
        seen=seen,
        box=None if seen is None else on_photo(chosen, graph, image, seen),
        corner=(int(first.rows[0, 0]), int(first.columns[0, 0])),
        spacing=first.spacing,
        channels=tuple(map(int, first.channels[0])),
        patch=first.patch[0],
        padded=first.padded[0],
        kernel=None if first.kernel is None else first.kernel[0],
        products=None if first.kernel is None else first.patch[0] * first.kernel[0],
        partial=None if first.partial is None else first.partial[0].astype(np.float32),
        weights=None if first.weights is None else first.weights[0],
        total=float(first.total[0]),
        bias=float(first.bias[0]),
        before=float(first.before[0]),
        activation=first.activation,
        value=None if parts is None else float(first.value[0]),
        network=network,
        tolerance=TOLERANCE * max(abs(network), float(np.abs(own).mean(dtype=np.float64))),
        terms=values | {"network": network},
    )


def on_photo(
    model: VisionModel, graph: Graph, image: Image, seen: tuple[int, int, int, int]
) -> tuple[float, float, float, float]:
    """A box on the network's input as a box on the photo, through the crop of the preparation."""
    left, top, right, bottom = model.preparation.box(image)
    height, width, _ = graph.nodes[graph.image].map_shape
    x, y = (right - left) / width, (bottom - top) / height
    return left + seen[0] * x, top + seen[1] * y, left + seen[2] * x, top + seen[3] * y
