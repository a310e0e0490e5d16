"""One map taken apart: its inputs, kernels and intermediate results, and the map with another kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import numpy as np

from core.types import Floats, Image
from core.vision import inside, structure
from core.vision.convolution import correlate
from core.vision.models import VisionModel
from core.vision.recompute import Doubles, activate, operands, recompute, weight
from core.vision.structure import ACTIVATIONS, CONVOLUTIONS, ELEMENTWISE, Node

Joined: TypeAlias = Literal["sum", "multiply", "divide", "maximum", "minimum"]


def kernel_of(node: Node, channel: int) -> tuple[Floats, float]:
    """The kernel (rows, columns, channels) and the bias of one channel of a convolution.

    Raises:
        ValueError: the layer has no kernel of its own.
    """
    layer = node.operation
    if node.kind not in ("convolution", "depthwise_convolution"):
        raise ValueError(f"{node.name} is a layer of kind {node.kind}, which has no kernel to edit")
    weights = weight(layer.kernel)
    if node.kind == "depthwise_convolution":
        source, copy = divmod(channel, weights.shape[3])
        kernel = weights[:, :, source, copy][..., np.newaxis]
    else:
        kernel = weights[..., channel]
    return np.array(kernel), float(weight(layer.bias)[channel]) if layer.use_bias else 0.0


def edited(
    model: str | VisionModel,
    image: Image,
    layer: str,
    channel: int,
    kernel: Floats,
    bias: float | None = None,
) -> Floats:
    """The map of one channel of a convolution with another kernel: (height, width) float32.

    The layer's activation, if it has one of its own, is applied. With `kernel_of` as the kernel it is
    the network's own map.

    Args:
        model: a shipped model's name or a `VisionModel`.
        image: (height, width, 3) uint8.
        layer: a convolution or depthwise convolution.
        channel: the channel of its output.
        kernel: (rows, columns, channels) as `kernel_of` gives it; (rows, columns) for a depthwise one.
        bias: the network's own if not given.

    Raises:
        KeyError: no such model or layer.
        ValueError: the layer has no kernel, or a kernel of another size.
    """
    chosen = inside.chosen(model)
    graph = inside.graph(chosen)
    node = graph.node(layer)
    own, own_bias = kernel_of(node, channel)
    kernel = np.asarray(kernel, np.float32)
    if kernel.ndim == 2:
        kernel = kernel[..., np.newaxis]
    if kernel.shape != own.shape:
        raise ValueError(f"{layer} has kernels of {own.shape}, got {kernel.shape}")
    (source,) = graph.sources(node)
    values = inside.tensors(chosen, inside.network_input(chosen, image), [source.name])[source.name]
    first = _first_channel(node, channel)
    results = _by_channel(node, values[..., first : first + kernel.shape[2]], kernel)
    before = results.sum(2, dtype=np.float64) + (own_bias if bias is None else bias)
    name = structure.activation_of(node.operation)
    if name != "softmax":
        before = activate(name, before, node.operation.activation)
    return np.asarray(before, np.float32)


def _first_channel(node: Node, channel: int) -> int:
    """The first channel of the input that a channel of a convolution reads."""
    weights = node.operation.kernel.shape
    if node.kind == "depthwise_convolution":
        return channel // int(weights[3])
    return channel // (int(weights[3]) // int(node.operation.groups)) * int(weights[2])


def _by_channel(node: Node, values: Floats, kernel: Floats) -> Floats:
    """The intermediate result of each input channel: (h, w, c)."""
    window = structure.windows(node, values.shape)
    if window is None:
        raise TypeError(f"{node.name}: {node.kind} has no window")
    return correlate(values, kernel, window, node.map_shape[:2])


@dataclass(frozen=True, eq=False)
class Strand:
    """One input of a map: where it comes from, and what it adds to the map."""

    layer: str
    channel: int
    source: Floats  # (h, w): the map that is read
    kernel: Floats | None  # (rows, columns); None where nothing is multiplied
    result: Floats  # (height, width): the intermediate result
    contribution: float  # mean magnitude of the result


@dataclass(frozen=True, eq=False)
class Unfolded:
    """How one map comes about: results + rest + bias = before, and the activation of that is the map.

    For a product, a quotient or an extreme of several inputs the strands are joined as `joined` says.
    """

    layer: str
    kind: str
    channel: int
    joined: Joined
    strands: tuple[Strand, ...]  # the largest contributions first
    left_out: int  # strands that are not shown
    rest: Floats  # (height, width): the sum of those
    bias: float
    before: Floats  # (height, width)
    activation: str
    map: Floats  # (height, width): recomputed
    network: Floats  # (height, width): the network's own


def unfold(model: str | VisionModel, image: Image, layer: str, channel: int, *, shown: int = 8) -> Unfolded:
    """The input maps, kernels and intermediate results that a map is made of.

    Args:
        model: a shipped model's name or a `VisionModel`.
        image: (height, width, 3) uint8.
        layer: the layer's name.
        channel: the channel of its output.
        shown: how many inputs are given one by one; the rest is summed up.

    Raises:
        KeyError: no such model or layer.
        IndexError: no such channel.
        ValueError: the arithmetic of the layer is not known here.
    """
    chosen = inside.chosen(model)
    graph = inside.graph(chosen)
    node = graph.node(layer)
    if not 0 <= channel < node.map_shape[2]:
        raise IndexError(f"{layer} has {node.map_shape[2]} channels, got {channel}")
    sources = graph.sources(node)
    maps = inside.tensors(chosen, inside.network_input(chosen, image), [*(s.name for s in sources), layer])
    network = maps[layer][..., channel]
    inputs = [maps[source.name] for source in sources]
    if node.kind in (*CONVOLUTIONS, "dense"):
        return _unfold_weighted(node, sources[0].name, inputs[0], channel, network, shown)
    return _unfold_other(node, [source.name for source in sources], inputs, channel, network)


def _unfold_weighted(
    node: Node, source: str, values: Floats, channel: int, network: Floats, shown: int
) -> Unfolded:
    """A sum of products: one strand for each channel that is read."""
    layer = node.operation
    first, copies = 0, 1
    if node.kind == "dense":
        kernels = weight(layer.kernel)[np.newaxis, np.newaxis, :, channel]
        results = values * kernels
    elif node.kind == "separable_convolution":  # both parts are linear: one kernel does for a channel
        depthwise = weight(layer.depthwise_kernel)
        copies = depthwise.shape[3]
        pointwise = weight(layer.pointwise_kernel)[0, 0, :, channel]
        kernels = depthwise.reshape(*depthwise.shape[:2], -1) * pointwise
        values = values.repeat(copies, axis=2)
        results = _by_channel(node, values, kernels)
    else:
        kernels, _ = kernel_of(node, channel)
        first = _first_channel(node, channel)
        values = values[..., first : first + kernels.shape[2]]
        results = _by_channel(node, values, kernels)
    contribution = np.abs(results).mean((0, 1))
    order = np.argsort(-contribution, kind="stable")
    strands = tuple(
        Strand(
            layer=source,
            channel=first + int(index) // copies,
            source=values[..., index],
            kernel=kernels[..., index],
            result=results[..., index],
            contribution=float(contribution[index]),
        )
        for index in order[:shown]
    )
    rest = results[..., order[shown:]].sum(2, dtype=np.float64)
    bias = float(weight(layer.bias)[channel]) if layer.use_bias else 0.0
    before = results.sum(2, dtype=np.float64) + bias
    name = structure.activation_of(layer)
    found = network if name == "softmax" else activate(name, before, layer.activation)
    return Unfolded(
        layer=node.name,
        kind=node.kind,
        channel=channel,
        joined="sum",
        strands=strands,
        left_out=len(order) - len(strands),
        rest=rest.astype(np.float32),
        bias=bias,
        before=before.astype(np.float32),
        activation=name,
        map=found.astype(np.float32),
        network=network,
    )


def _unfold_other(
    node: Node, names: Sequence[str], inputs: Sequence[Floats], channel: int, network: Floats
) -> Unfolded:
    """Everything else: one strand for each input, or the one channel that is read."""
    height, width, _ = node.map_shape
    rows, columns = np.indices((height, width)).reshape(2, -1)
    parts = recompute(node, inputs, rows, columns, np.full(height * width, channel))
    if parts is None:
        raise ValueError(f"{node.name} is a layer of kind {node.kind}, whose arithmetic is not known here")

    def mapped(values: Doubles) -> Floats:
        return values.reshape(height, width).astype(np.float32)

    joined: Joined = "sum"
    activation = "linear"
    kernel = None if parts.kernel is None else parts.kernel[0, :, :, 0]
    result, before = mapped(parts.total), mapped(parts.before)
    if node.kind in ELEMENTWISE:
        made = []
        for position, (which, values) in enumerate(operands(node, inputs) or ()):
            operand = values[..., channel]
            source = operand if which is None else inputs[which][..., channel % inputs[which].shape[2]]
            if node.kind == "subtract" and position:
                operand = -operand
            elif node.kind == "average":
                operand = operand / int(parts.terms["count"][0])
            name = "" if which is None else names[which]
            made.append((name, channel, source.astype(np.float32), operand.astype(np.float32)))
        if node.kind not in ("add", "subtract", "average"):
            joined = cast(Joined, node.kind)
    elif node.kind in ACTIVATIONS and node.kind != "softmax":
        activation, before = node.kind, inputs[0][..., channel]
        made = [(names[0], channel, before, before)]
    else:
        which = int(parts.terms["input"][0]) - 1 if node.kind == "concatenate" else 0
        origin = channel if node.kind == "softmax" else int(parts.channels[0, 0])
        made = [(names[which], origin, inputs[which][..., origin], result)]
    return Unfolded(
        layer=node.name,
        kind=node.kind,
        channel=channel,
        joined=joined,
        strands=tuple(
            Strand(name, origin, source, kernel, result, float(np.abs(result).mean()))
            for name, origin, source, result in made
        ),
        left_out=0,
        rest=np.zeros((height, width), np.float32),
        bias=float(parts.bias[0]),
        before=before,
        activation=activation,
        map=mapped(parts.value),
        network=network,
    )
