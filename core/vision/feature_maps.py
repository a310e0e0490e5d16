"""What every layer of a network makes of a photo, and the few maps that tell most of it."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from core.types import Floats, Image
from core.vision import inside
from core.vision.models import VisionModel
from core.vision.structure import ACTIVATIONS, Graph, Node

COLUMNS = 12  # at most, on the one-screen picture, the picture and the classes aside
SMALL = 16  # networks with no more layers show every one


def feature_maps(
    model: str | VisionModel, image: Image, layers: Collection[str] | None = None
) -> list[tuple[str, Floats]]:
    """The outputs of a network's layers for one photo, in network order.

    Raw convolution outputs, activations, pools and vectors, each as (height, width, channels) float32,
    vectors as (1, 1, c). They are the network's own tensors, unscaled and read-only, computed by one
    compiled function. Layers inside a nested model are named "outer/inner", the second call of a
    shared layer "name#2".

    Args:
        model: a shipped model's name or a `VisionModel`.
        image: (height, width, 3) uint8.
        layers: names of the layers wanted, of any kind, batch normalisations and sums too.

    Raises:
        KeyError: no such model or layer.
        GlassboxError: the model is not a graph of layers, or no input takes a picture.
    """
    chosen = inside.chosen(model)
    return list(inside.tensors(chosen, inside.network_input(chosen, image), layers).items())


@dataclass(frozen=True, eq=False)
class Column:
    """One column of the one-screen picture: a layer with its most telling channels."""

    layer: str
    kind: str
    shape: tuple[int, int, int]  # of the layer: (height, width, channels)
    channels: tuple[int, ...]  # those shown, the most telling first
    maps: Floats  # (shown, height, width)
    influence: Floats  # (shown,) gradient times activation, summed; above 0 speaks for the class
    left_out: int  # channels not shown
    silent: int  # of all channels those that are zero everywhere


@dataclass(frozen=True, eq=False)
class Overview:
    """The whole network on one screen."""

    columns: tuple[Column, ...]  # the picture's channels first
    label_index: int
    probabilities: Floats  # (classes,)


def overview(
    model: str | VisionModel, image: Image, label_index: int | None = None, *, shown: int = 10
) -> Overview:
    """A column a block with its most telling maps: those that move the class's logit most.

    A network of up to 16 layers shows every layer; of a deeper one the layers that all paths pass
    through and that end a block or a resolution are taken, 12 at most.

    Args:
        model: a shipped model's name or a `VisionModel`.
        image: (height, width, 3) uint8.
        label_index: the class; the most probable one if not given.
        shown: channels a column.
    """
    chosen = inside.chosen(model)
    found = inside.graph(chosen)
    numbers = inside.network_input(chosen, image)
    probabilities = inside.probabilities(chosen, numbers)[0]
    if label_index is None:
        label_index = int(probabilities.argmax())
    influences = inside.influences(chosen, numbers, label_index)
    names = [found.nodes[found.image].name, *blocks(found)]
    maps = inside.tensors(chosen, numbers, names)
    columns = []
    for name in names:
        node, values, influence = found.node(name), maps[name], influences[name]
        count = values.shape[2]
        telling = np.argsort(-np.abs(influence), kind="stable")[:shown]
        if node.kind == "input":
            telling = np.arange(min(count, shown))
        silent = int((~values.any(axis=(0, 1))).sum())
        columns.append(
            Column(
                layer=name,
                kind=node.kind,
                shape=node.map_shape,
                channels=tuple(map(int, telling)),
                maps=np.ascontiguousarray(np.moveaxis(values[..., telling], 2, 0)),
                influence=influence[telling],
                left_out=count - len(telling),
                silent=silent,
            )
        )
    return Overview(tuple(columns), label_index, probabilities)


def blocks(graph: Graph) -> list[str]:
    """The layers that stand for the network on one screen, in network order, the input left out.

    In a deep network: where one tensor carries all that is known of the picture (a residual sum, a
    pool, the end of a plain layer), not widened between two narrower ones as inside an inverted
    bottleneck, the last of each shape; if still too many, those nearest to even steps with the last of
    each resolution.
    """
    layers = [node for node in graph.nodes if node.kind not in ("input", "identity")]
    if len(layers) <= SMALL:
        return [node.name for node in layers]
    passed = _bottlenecks(graph)
    moved = ("zero_padding", "cropping", "reshape", "flatten", "identity", "rescaling", "normalisation")
    spatial = [node for node in passed if len(node.shape) == 3 and node.kind not in moved]
    runs = [list(run) for _, run in itertools.groupby(spatial, lambda node: node.shape[2])]
    widths = [0, *(run[0].shape[2] for run in runs), 0]
    widened = [
        before and after and before < wide > after
        for before, wide, after in zip(widths, widths[1:], widths[2:], strict=False)
    ]
    narrow = [node for run, wide in zip(runs, widened, strict=True) if not wide for node in run]
    narrow = [list(run)[-1] for _, run in itertools.groupby(narrow, lambda node: node.map_shape)]
    vectors = [node for node in passed if len(node.shape) == 1 and node.kind not in (*ACTIVATIONS, *moved)][
        -2:
    ]
    while len(narrow) > COLUMNS - len(vectors):
        sizes = [node.shape[:2] for node in narrow]
        crowded = max(dict.fromkeys(sizes), key=sizes.count)
        among = [index for index, size in enumerate(sizes) if size == crowded]
        del narrow[among[(len(among) - 1) // 2]]
    return [node.name for node in (*narrow, *vectors)]


def _bottlenecks(graph: Graph) -> list[Node]:
    """The layers that every path from the picture to the classes passes through."""
    useful = graph.ancestors([graph.output[0]])
    reached = {graph.image}
    for index in sorted(useful):
        if any(source in reached for source, _ in graph.nodes[index].inputs):
            reached.add(index)
    order = sorted(useful & reached)
    farthest, found = -1, []  # the last reader of any tensor so far
    for index in order:
        if farthest <= index and graph.nodes[index].kind != "input":
            found.append(graph.nodes[index])
        readers = [
            other for other in order if any(source == index for source, _ in graph.nodes[other].inputs)
        ]
        farthest = max([farthest, *readers])
    return found
