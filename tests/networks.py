"""Keras networks for tests, as models that a visitor would hold."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from core.types import Image, ModelCard
from core.vision import VisionModel, inside
from core.vision.arithmetic import TOLERANCE
from core.vision.preparation import Preparation
from core.vision.recompute import recompute


def held(network: Any, side: int, layers: tuple[str, ...] = (), crop: float = 1.0) -> VisionModel:
    """A network as a model, its input scaled to -1 ... 1."""
    classes = tuple(str(index) for index in range(10))
    card = ModelCard("network", (side, side, 3), 0, "", "", "", layers)
    return VisionModel("network", classes, Preparation(side, crop, 127.5, 127.5), card, lambda: network)


def shaken(network: Any, seed: int = 0) -> Any:
    """The network with batch normalisation and biases as after some training, which fresh ones are not."""
    random = np.random.default_rng(seed)
    for layer in network._flatten_layers():
        for variable in layer.weights:
            if variable.name in ("moving_mean", "beta", "bias"):
                variable.assign(random.normal(0, 0.3, variable.shape))
            if variable.name in ("moving_variance", "gamma"):
                variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return network


def plain(network: Any) -> np.ndarray:
    """The weights in one row, to see whether something changed them."""
    return np.concatenate([np.ravel(weight) for weight in network.get_weights()])


def held_against_tensors(
    model: VisionModel, image: Image, positions: int = 100
) -> tuple[float, Counter[str]]:
    """Random positions of every layer recomputed: the worst difference in tolerances, the kinds left out."""
    graph = inside.graph(model)
    maps = inside.tensors(model, inside.network_input(model, image), [node.name for node in graph.nodes])
    random = np.random.default_rng(7)
    worst, unknown = 0.0, Counter[str]()
    for node in graph.nodes:
        if node.kind == "input":
            continue
        own = maps[node.name]
        rows, columns, channels = (random.integers(0, size, positions) for size in own.shape)
        inputs = [maps[source.name] for source in graph.sources(node)]
        parts = recompute(node, inputs, rows, columns, channels)
        if parts is None:
            unknown[type(node.operation).__name__] += 1
            continue
        wanted = own[rows, columns, channels].astype(np.float64)
        tolerance = TOLERANCE * np.maximum(np.abs(wanted), np.abs(own).mean(dtype=np.float64))
        difference = np.abs(parts.value - wanted)
        assert difference.shape == (positions,)
        worst = max(worst, float((difference / np.maximum(tolerance, 1e-30)).max()))
    return worst, unknown
