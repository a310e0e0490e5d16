"""The channels of a layer in numbers: which matter, which are silent, and how that changes with depth."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from core.types import Floats, Image
from core.vision import inside
from core.vision.models import VisionModel

Order: TypeAlias = Literal["index", "mean", "sparsity", "influence"]
ORDERS: tuple[Order, ...] = get_args(Order)

SAMPLED = 20_000  # numbers of a layer that its histogram and quantiles are made of
POSITIONS = 512  # of all photos together, that its effective size is made of
BINS = 40


@dataclass(frozen=True, eq=False)
class Channels:
    """The channels of one layer for one photo, (c,) each."""

    layer: str
    mean: Floats  # activation, averaged over the positions
    largest: Floats
    sparsity: Floats  # share of the positions that are exactly 0
    influence: Floats  # gradient times activation, summed: above 0 speaks for the class
    label_index: int  # that class

    @property
    def silent(self) -> tuple[int, ...]:
        """The channels that are 0 everywhere."""
        return tuple(int(index) for index in np.flatnonzero(self.sparsity == 1))

    def order(self, by: Order) -> tuple[int, ...]:
        """All channels sorted: by index, or the largest mean, sparsity or influence first."""
        if by == "index":
            return tuple(range(len(self.mean)))
        values: dict[str, Floats] = {
            "mean": self.mean,
            "sparsity": self.sparsity,
            "influence": self.influence,
        }
        return tuple(int(index) for index in np.argsort(-values[by], kind="stable"))


def channels(model: str | VisionModel, image: Image, layer: str, label_index: int | None = None) -> Channels:
    """The channels of a layer in numbers, for sorting and folding them away.

    Args:
        model: a shipped model's name or a `VisionModel`.
        image: (height, width, 3) uint8.
        layer: the layer's name.
        label_index: the class whose logit `influence` speaks of; the most probable one if not given.

    Raises:
        KeyError: no such model or layer.
    """
    chosen = inside.chosen(model)
    numbers = inside.network_input(chosen, image)
    maps = inside.tensors(chosen, numbers, [layer])[layer]
    if label_index is None:
        label_index = int(inside.probabilities(chosen, numbers)[0].argmax())
    return Channels(
        layer=layer,
        mean=maps.mean((0, 1)),
        largest=maps.max((0, 1)),
        sparsity=(maps == 0).mean((0, 1), dtype=np.float32),
        influence=inside.influences(chosen, numbers, label_index)[layer],
        label_index=label_index,
    )


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """One layer over one or several photos."""

    layer: str
    kind: str
    shape: tuple[int, int, int]
    sparsity: float  # share of all its numbers that are exactly 0
    silent: float  # channels that are 0 everywhere, on average over the photos
    dead: int  # channels that are 0 everywhere on every photo
    mean: float
    deviation: float
    counts: NDArray[np.int64]  # (BINS,) of the histogram
    edges: Floats  # (BINS + 1,)
    effective_size: float  # of 1 ... channels: how many directions the activations really use


def by_depth(
    model: str | VisionModel, images: Sequence[Image], layers: Sequence[str] | None = None
) -> tuple[LayerStatistics, ...]:
    """Sparsity, dead channels, histogram and effective size of every layer, in network order.

    The effective size is the participation ratio of the variances l_i along the principal axes of the
    channels, over the positions: `(sum l_i)^2 / sum l_i^2`. It is the number of channels
    if all vary equally and independently, 1 if all move together, 0 if none moves. Histogram,
    deviation and effective size are made of a random sample, sparsity and silence of all numbers.

    Args:
        model: a shipped model's name or a `VisionModel`.
        images: (height, width, 3) uint8 each, at least one.
        layers: those wanted; those of `feature_maps` if not given.

    References:
        Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement", 2017, eq. 5;
        Recanatesi et al., "Dimensionality compression and expansion in deep neural networks", 2019.
    """
    chosen = inside.chosen(model)
    graph = inside.graph(chosen)
    gathered: dict[str, list[_Glance]] = {}
    positions = max(POSITIONS // max(len(images), 1), 1)
    for image in images:
        numbers = inside.network_input(chosen, image)
        for name, maps in inside.tensors(chosen, numbers, layers).items():
            gathered.setdefault(name, []).append(_glance(maps, positions))
    found = []
    for name, glances in gathered.items():
        node = graph.node(name)
        zeros = np.stack([glance.zero_channels for glance in glances])  # (photos, channels)
        sample = np.concatenate([glance.sample for glance in glances])[:: len(glances)]
        low, high = float(sample.min()), float(sample.max())
        counts, edges = np.histogram(sample, BINS, (low, high if high > low else low + 1))
        found.append(
            LayerStatistics(
                layer=name,
                kind=node.kind,
                shape=node.map_shape,
                sparsity=float(np.mean([glance.sparsity for glance in glances])),
                silent=float(zeros.sum(1).mean()),
                dead=int(zeros.all(0).sum()),
                mean=float(sample.mean(dtype=np.float64)),
                deviation=float(sample.std(dtype=np.float64)),
                counts=counts.astype(np.int64),
                edges=edges.astype(np.float32),
                effective_size=effective_size(np.concatenate([glance.positions for glance in glances])),
            )
        )
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Glance:
    """What is kept of a layer's maps for one photo."""

    sparsity: float
    zero_channels: NDArray[np.bool_]  # (channels,)
    sample: Floats  # (up to SAMPLED,)
    positions: Floats  # (positions, channels)


def _glance(maps: Floats, positions: int) -> _Glance:
    flat = maps.reshape(-1, maps.shape[2])  # (positions, channels)
    return _Glance(
        sparsity=1 - np.count_nonzero(flat != 0) / flat.size,
        zero_channels=(flat.max(0) == 0) & (flat.min(0) == 0),
        sample=flat.reshape(-1)[_some(flat.size, SAMPLED)],
        positions=flat[_some(len(flat), positions)],
    )


@functools.lru_cache(maxsize=64)
def _some(size: int, most: int) -> NDArray[np.intp]:
    """At most `most` of the indices 0 ... size - 1: always the same, but in no step with rows or channels."""
    if size <= most:
        return np.arange(size)
    return np.sort(np.random.default_rng(0).integers(0, size, most))


def effective_size(activations: Floats) -> float:
    """The participation ratio of activations (positions, channels): `tr(C)^2 / tr(C^2)`."""
    centred = activations - activations.mean(0)
    wide = centred.shape[1] > centred.shape[0]
    scatter = centred @ centred.T if wide else centred.T @ centred  # the same eigenvalues but zeros
    trace = float(np.trace(scatter, dtype=np.float64))
    return trace**2 / float((scatter**2).sum(dtype=np.float64)) if trace > 0 else 0.0
