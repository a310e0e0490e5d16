"""The arithmetic of every kind of layer, written out in numpy, for many positions at once.

Computed in float64 from the maps that a layer reads, so that it can be held against what the network
itself has there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.types import Floats
from core.vision import structure
from core.vision.structure import ACTIVATIONS, Node, Window

Doubles: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Parts:
    """The arithmetic of n positions of one layer."""

    rows: Indices  # (n, r) of the source, below 0 or too large in the padding
    columns: Indices  # (n, q)
    channels: Indices  # (n, c)
    patch: Floats  # (n, r, q, c)
    padded: NDArray[np.bool_]  # (n, r, q)
    total: Doubles  # (n,)
    value: Doubles  # (n,)
    bias: Doubles  # (n,)
    kernel: Floats | None = None  # (n, r, q, c)
    partial: Doubles | None = None  # (n, c)
    weights: Floats | None = None  # (n, c)
    activation: str = "linear"
    spacing: tuple[int, int] = (1, 1)
    terms: Mapping[str, Doubles] = field(default_factory=dict)

    @property
    def before(self) -> Doubles:
        """(n,): what the activation gets."""
        return self.total + self.bias


@dataclass(frozen=True, eq=False)
class _Task:
    """n positions of one node, and the maps that it reads."""

    node: Node
    inputs: Sequence[Floats]  # (h, w, c) each
    rows: Indices  # (n,)
    columns: Indices
    channels: Indices

    @property
    def layer(self) -> Any:
        return self.node.operation

    @property
    def first(self) -> Floats:
        return self.inputs[0]

    def read(
        self,
        window: tuple[Window, Window] = (Window(), Window()),
        channels: Indices | None = None,  # (n, c)
        source: Floats | None = None,
        fill: float = 0.0,
    ) -> dict[str, Any]:
        """What the positions read through a window: the first fields of `Parts`."""
        found = self.first if source is None else source
        vertical, horizontal = window
        rows = _through(vertical, self.rows)
        columns = _through(horizontal, self.columns)
        if channels is None:
            channels = self.channels[:, np.newaxis]
        height, width, _ = found.shape
        padded = ((rows < 0) | (rows >= height))[:, :, np.newaxis] | ((columns < 0) | (columns >= width))[
            :, np.newaxis
        ]
        patch = found[
            rows.clip(0, height - 1)[:, :, np.newaxis, np.newaxis],
            columns.clip(0, width - 1)[:, np.newaxis, :, np.newaxis],
            channels[:, np.newaxis, np.newaxis],
        ]
        patch[padded] = fill
        return {
            "rows": rows,
            "columns": columns,
            "channels": channels,
            "patch": patch,
            "padded": padded,
            "spacing": (vertical.dilation, horizontal.dilation),
        }

    def zeros(self) -> Doubles:
        return np.zeros(len(self.rows))

    def plain(self, read: dict[str, Any], value: Doubles, **terms: Doubles) -> Parts:
        """The parts of a number that is no sum of products."""
        return Parts(**read, total=value, value=value, bias=self.zeros(), terms=terms | {"value": value})


def _through(window: Window, positions: Indices) -> Indices:
    """(n,) positions -> (n, kernel) positions of the input that they read."""
    first = positions // window.repeat * window.stride - window.before
    found: Indices = first[:, np.newaxis] + np.arange(window.kernel) * window.dilation
    return found


def recompute(
    node: Node, inputs: Sequence[Floats], rows: Indices, columns: Indices, channels: Indices
) -> Parts | None:
    """The numbers of a layer at n positions, computed in numpy from the maps that the layer reads.

    Args:
        node: the layer.
        inputs: the maps that it reads, (h, w, c) each.
        rows, columns, channels: the positions, (n,) each.

    Returns:
        the arithmetic of all positions; None where that of the layer is not known here.
    """
    if any(output for _, output in node.inputs):  # only first outputs are kept
        return None
    task = _Task(node, inputs, rows, columns, channels)
    if node.kind in ACTIVATIONS and node.kind != "softmax":
        return _activation(task)
    if node.kind in structure.ELEMENTWISE:
        return _elementwise(task)
    compute = _COMPUTE.get(node.kind)
    return compute(task) if compute else None


def nothing(node: Node, own: Floats, rows: Indices, columns: Indices, channels: Indices) -> Parts:
    """The parts of a number whose arithmetic is not known: the number itself, out of the layer's maps."""
    task = _Task(node, [own], rows, columns, channels)
    return _copied(task, task.read())


def _window(task: _Task) -> tuple[Window, Window]:
    found = structure.windows(task.node, task.first.shape)
    if found is None:
        raise TypeError(f"{task.node.name}: {task.node.kind} has no window")
    return found


def weight(variable: Any) -> Floats:
    """A weight of the network as an array."""
    return np.asarray(variable, np.float32)


def _bias(task: _Task) -> Doubles:
    if not task.layer.use_bias:
        return task.zeros()
    return weight(task.layer.bias)[task.channels].astype(np.float64)


def _weighted(task: _Task, read: dict[str, Any], kernel: Floats, weights: Floats | None = None) -> Parts:
    """A sum of products, a bias, an activation."""
    partial = np.einsum("nrqc,nrqc->nc", read["patch"], kernel, dtype=np.float64)
    total = partial.sum(1) if weights is None else (partial * weights).sum(1)
    bias = _bias(task)
    name = structure.activation_of(task.layer)
    if name == "softmax":
        logits = _all_channels(task, read["patch"])
        powers = np.exp(logits - logits.max(1, keepdims=True))
        value = powers[np.arange(len(powers)), task.channels] / powers.sum(1)
    else:
        value = activate(name, total + bias, task.layer.activation)
    terms = {"sum": total, "bias": bias, "before": total + bias, "value": value}
    return Parts(**read, kernel=kernel, partial=partial, weights=weights, total=total, bias=bias,
                 value=value, activation=name, terms=terms)  # fmt: skip


def _all_channels(task: _Task, patch: Floats) -> Doubles:
    """(n, channels): every channel before the activation; a softmax needs them all."""
    kernel = weight(task.layer.kernel)
    flat = patch.reshape(len(patch), -1).astype(np.float64)
    if flat.shape[1] != math.prod(kernel.shape[:-1]):
        raise NotImplementedError(f"{task.node.name}: softmax of a grouped convolution")
    bias = weight(task.layer.bias) if task.layer.use_bias else 0.0
    found: Doubles = flat @ kernel.reshape(flat.shape[1], -1) + bias
    return found


def _convolution(task: _Task) -> Parts:
    kernel = weight(task.layer.kernel)  # (r, q, channels of a group, filters)
    size, filters = kernel.shape[2:]
    group = task.channels // (filters // task.layer.groups)
    channels = group[:, np.newaxis] * size + np.arange(size)
    read = task.read(_window(task), channels)
    return _weighted(task, read, np.moveaxis(kernel[..., task.channels], 3, 0))


def _depthwise_convolution(task: _Task) -> Parts:
    kernel = weight(task.layer.kernel)  # (r, q, channels, multiplier)
    source, copy = np.divmod(task.channels, kernel.shape[3])
    read = task.read(_window(task), source[:, np.newaxis])
    return _weighted(task, read, np.moveaxis(kernel[..., source, copy], 2, 0)[..., np.newaxis])


def _separable_convolution(task: _Task) -> Parts:
    depthwise = weight(task.layer.depthwise_kernel)  # (r, q, channels, multiplier)
    pointwise = weight(task.layer.pointwise_kernel)[0, 0]  # (channels * multiplier, filters)
    rows, columns, size, copies = depthwise.shape
    channels = np.tile(np.arange(size).repeat(copies), (len(task.rows), 1))
    read = task.read(_window(task), channels)
    kernel = np.broadcast_to(depthwise.reshape(rows, columns, -1), read["patch"].shape)
    return _weighted(task, read, kernel, pointwise[:, task.channels].T)


def _dense(task: _Task) -> Parts:
    channels = np.tile(np.arange(task.first.shape[2]), (len(task.rows), 1))
    kernel = weight(task.layer.kernel)[:, task.channels].T
    return _weighted(task, task.read(channels=channels), kernel[:, np.newaxis, np.newaxis])


def _batch_normalisation(task: _Task) -> Parts:
    layer, channels = task.layer, task.channels
    ones = np.ones(len(channels))
    mean = weight(layer.moving_mean)[channels].astype(np.float64)
    variance = weight(layer.moving_variance)[channels].astype(np.float64)
    gamma = weight(layer.gamma)[channels].astype(np.float64) if layer.scale else ones
    beta = weight(layer.beta)[channels].astype(np.float64) if layer.center else 0 * ones
    epsilon = ones * layer.epsilon
    factor = gamma / np.sqrt(variance + epsilon)
    terms = {"mean": mean, "variance": variance, "epsilon": epsilon, "gamma": gamma, "beta": beta}
    return _affine(task, factor, beta - mean * factor, terms)


def _rescaling(task: _Task) -> Parts:
    size = task.first.shape[2]
    factor, offset = (
        np.broadcast_to(np.asarray(value, np.float64).reshape(-1), size)[task.channels]
        for value in (task.layer.scale, task.layer.offset)
    )
    return _affine(task, factor, offset, {"factor": factor, "offset": offset})


def _normalisation(task: _Task) -> Parts:
    size = task.first.shape[2]
    mean, variance = (
        np.broadcast_to(np.asarray(value, np.float64).reshape(-1), size)[task.channels]
        for value in (task.layer.mean, task.layer.variance)
    )
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    terms = {"mean": mean, "deviation": deviation}
    if task.layer.invert:
        return _affine(task, deviation, mean, terms)
    return _affine(task, 1 / deviation, -mean / deviation, terms)


def _affine(task: _Task, factor: Doubles, offset: Doubles, terms: dict[str, Doubles]) -> Parts:
    """factor * x + offset, one number each."""
    read = task.read()
    x = read["patch"][:, 0, 0, 0].astype(np.float64)
    kernel = factor.astype(np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
    value = factor * x + offset
    return Parts(**read, kernel=kernel, partial=(factor * x)[:, np.newaxis], total=factor * x, bias=offset,
                 value=value, terms=terms | {"x": x, "value": value})  # fmt: skip


def _layer_normalisation(task: _Task) -> Parts | None:
    layer, size = task.layer, task.first.shape[2]
    if getattr(layer, "rms_scaling", False):
        return None
    read = task.read(channels=np.tile(np.arange(size), (len(task.rows), 1)))
    row = read["patch"][:, 0, 0].astype(np.float64)  # (n, channels)
    mean, variance = row.mean(1), row.var(1)
    x = row[np.arange(len(row)), task.channels]
    gamma = weight(layer.gamma)[task.channels].astype(np.float64) if layer.scale else 1 + task.zeros()
    beta = weight(layer.beta)[task.channels].astype(np.float64) if layer.center else task.zeros()
    epsilon = task.zeros() + layer.epsilon
    value = gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
    return task.plain(read, value, x=x, mean=mean, variance=variance, epsilon=epsilon, gamma=gamma, beta=beta)


def _max_pooling(task: _Task) -> Parts:
    read = task.read(_window(task), fill=-np.inf)
    return _largest(task, read)


def _global_max_pooling(task: _Task) -> Parts:
    return _largest(task, _read_all(task))


def _largest(task: _Task, read: dict[str, Any]) -> Parts:
    patch = read["patch"][..., 0]  # (n, r, q)
    row, column = np.divmod(patch.reshape(len(patch), -1).argmax(1), patch.shape[2])
    every = np.arange(len(patch))
    value = patch[every, row, column].astype(np.float64)
    read["patch"][read["padded"]] = 0
    at = {"row": read["rows"][every, row], "column": read["columns"][every, column]}
    return task.plain(read, value, **{name: index.astype(np.float64) for name, index in at.items()})


def _average_pooling(task: _Task) -> Parts:
    return _mean(task, task.read(_window(task)))  # TensorFlow leaves the padding out of the mean


def _global_average_pooling(task: _Task) -> Parts:
    return _mean(task, _read_all(task))


def _mean(task: _Task, read: dict[str, Any]) -> Parts:
    total = read["patch"].sum((1, 2, 3), dtype=np.float64)
    count = (~read["padded"]).sum((1, 2)).astype(np.float64)
    return task.plain(read, total / count, sum=total, count=count)


def _read_all(task: _Task) -> dict[str, Any]:
    """All positions of the channel."""
    height, width, _ = task.first.shape
    start = _Task(task.node, task.inputs, 0 * task.rows, 0 * task.columns, task.channels)
    return start.read((Window(height), Window(width)))


def _softmax(task: _Task) -> Parts:
    read = task.read(channels=np.tile(np.arange(task.first.shape[2]), (len(task.rows), 1)))
    logits = read["patch"][:, 0, 0].astype(np.float64)
    x, largest = logits[np.arange(len(logits)), task.channels], logits.max(1)
    power, total = np.exp(x - largest), np.exp(logits - largest[:, np.newaxis]).sum(1)
    return task.plain(read, power / total, x=x, largest=largest, power=power, sum=total)


def _activation(task: _Task) -> Parts:
    read = task.read()
    x = read["patch"][:, 0, 0, 0].astype(np.float64)
    terms: dict[str, Doubles] = {}
    operation = getattr(task.layer, "activation", None) or task.layer
    if task.node.kind == "prelu":
        alpha = np.broadcast_to(weight(operation.alpha), task.first.shape)
        slope = alpha[task.rows, task.columns, task.channels].astype(np.float64)
        value, terms["slope"] = np.where(x > 0, x, slope * x), slope
    else:
        value = activate(task.node.kind, x, operation)
    if task.node.kind == "leaky_relu":
        terms["slope"] = task.zeros() + _setting(operation, "negative_slope", 0.2)
    if task.node.kind == "elu":
        terms["alpha"] = task.zeros() + _setting(operation, "alpha", 1.0)
    if task.node.kind == "clipped_relu":
        limit = _setting(operation, "max_value", math.inf)
        terms |= {
            "limit": task.zeros() + limit,
            "slope": task.zeros() + _setting(operation, "negative_slope", 0.0),
            "threshold": task.zeros() + _setting(operation, "threshold", 0.0),
        }
    return task.plain(read, value, x=x, **terms)


def operands(node: Node, inputs: Sequence[Floats]) -> list[tuple[int | None, Doubles]] | None:
    """What an elementwise layer joins, each of the layer's shape, and which input it is; None: a constant.

    None if there is something that is no number.
    """
    import keras

    known = dict(zip(node.inputs, range(len(inputs)), strict=True))
    places = {key: _Place(known[ref]) for key, ref in node.slots.items()}
    args, kwargs = node.arguments.fill_in(places)
    found: list[tuple[int | None, Doubles]] = []
    for leaf in keras.tree.flatten((args, kwargs)):
        which = leaf.index if isinstance(leaf, _Place) else None
        values = np.asarray(leaf if which is None else inputs[which])
        if values.dtype.kind not in "fiu":
            return None
        values = values.reshape(values.shape[-3:])
        shape = np.broadcast_shapes(values.shape, node.map_shape)
        found.append((which, np.broadcast_to(values.astype(np.float64), shape)))
    return found


@dataclass(frozen=True)
class _Place:
    """Stands for an input among the arguments of a layer."""

    index: int


def _elementwise(task: _Task) -> Parts | None:
    """Sums, products, means, extremes of the inputs at one position; constants count as inputs."""
    joined = operands(task.node, task.inputs)
    if joined is None:
        return None
    at = (task.rows, task.columns, task.channels)
    stacked = np.stack([values[at] for _, values in joined], axis=1)  # (n, operands)
    value = functools.reduce(_JOIN[task.node.kind], stacked.T)
    if task.node.kind == "average":
        value = value / stacked.shape[1]
    read = task.read(source=np.zeros(task.node.map_shape, np.float32))
    read["patch"] = stacked[:, np.newaxis, np.newaxis].astype(np.float32)
    read["channels"] = np.repeat(task.channels[:, np.newaxis], stacked.shape[1], axis=1)
    count = task.zeros() + stacked.shape[1]
    return task.plain(read, value, first=stacked[:, 0], last=stacked[:, -1], count=count)


_JOIN: dict[str, Callable[[Doubles, Doubles], Doubles]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "average": np.add,
}


def _concatenate(task: _Task) -> Parts:
    widths = np.array([values.shape[2] for values in task.inputs])
    ends = np.cumsum(widths)
    which = np.searchsorted(ends, task.channels, side="right")
    channels = task.channels - (ends - widths)[which]
    value = np.empty(len(which))
    for index, values in enumerate(task.inputs):
        here = which == index
        value[here] = values[task.rows[here], task.columns[here], channels[here]]
    read = task.read(source=np.zeros(task.node.map_shape, np.float32))
    read["patch"] = value.astype(np.float32)[:, np.newaxis, np.newaxis, np.newaxis]
    read["channels"] = channels[:, np.newaxis]
    return task.plain(read, value, input=(which + 1).astype(np.float64), channel=channels.astype(np.float64))


def _copy(task: _Task) -> Parts:
    """Padding, cropping, enlarging, and layers that do nothing at inference."""
    return _copied(task, task.read(_window(task)))


def _moved(task: _Task) -> Parts:
    """Flatten and reshape: the same numbers in the same order."""
    shape = task.node.map_shape
    index = (task.rows * shape[1] + task.columns) * shape[2] + task.channels
    rows, columns, channels = np.unravel_index(index, task.first.shape)
    return _copied(task, _Task(task.node, task.inputs, rows, columns, channels).read())


def _copied(task: _Task, read: dict[str, Any]) -> Parts:
    value = read["patch"][:, 0, 0, 0].astype(np.float64)
    at = {"row": read["rows"][:, 0], "column": read["columns"][:, 0], "channel": read["channels"][:, 0]}
    return task.plain(read, value, **{name: index.astype(np.float64) for name, index in at.items()})


_COMPUTE: dict[str, Callable[[_Task], Parts | None]] = {
    "convolution": _convolution,
    "depthwise_convolution": _depthwise_convolution,
    "separable_convolution": _separable_convolution,
    "dense": _dense,
    "batch_normalisation": _batch_normalisation,
    "layer_normalisation": _layer_normalisation,
    "rescaling": _rescaling,
    "normalisation": _normalisation,
    "max_pooling": _max_pooling,
    "average_pooling": _average_pooling,
    "global_max_pooling": _global_max_pooling,
    "global_average_pooling": _global_average_pooling,
    "softmax": _softmax,
    "concatenate": _concatenate,
    "zero_padding": _copy,
    "cropping": _copy,
    "up_sampling": _copy,
    "identity": _copy,
    "flatten": _moved,
    "reshape": _moved,
}


def _setting(operation: Any, name: str, default: float) -> float:
    """A number of an activation, as its layer or operation states it."""
    value = getattr(operation, name, None)
    return default if value is None else float(np.asarray(value))


def _sigmoid(x: Doubles) -> Doubles:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def _softplus(x: Doubles) -> Doubles:
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def _gelu(x: Doubles) -> Doubles:
    halves = [math.erf(one / math.sqrt(2)) for one in x.ravel()]
    return np.asarray(0.5 * x * (1 + np.array(halves).reshape(x.shape)))


def _approximate_gelu(x: Doubles) -> Doubles:
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


def _below(x: Doubles) -> Doubles:
    """exp(x) - 1 where x is negative, else 0."""
    return np.asarray(np.expm1(np.minimum(x, 0)))


_ACTIVATE: dict[str, Callable[[Doubles], Any]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * _below(x)),
    "gelu": _gelu,
    "silu": lambda x: x * _sigmoid(x),
    "sigmoid": _sigmoid,
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "tanh": np.tanh,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "exponential": np.exp,
    "mish": lambda x: x * np.tanh(_softplus(x)),
}


def activate(name: str, x: Doubles, operation: Any = None) -> Doubles:
    """An activation in numpy, by its name; `operation` holds its settings, such as a slope.

    One whose formula is not written here is computed by Keras.
    """
    if name == "leaky_relu":
        return np.where(x > 0, x, x * _setting(operation, "negative_slope", 0.2))
    if name == "elu":
        return np.where(x > 0, x, _setting(operation, "alpha", 1.0) * _below(x))
    if name == "clipped_relu":
        threshold = _setting(operation, "threshold", 0.0)
        low = _setting(operation, "negative_slope", 0.0) * (x - threshold)
        limit = _setting(operation, "max_value", math.inf)
        return np.asarray(np.minimum(np.where(x >= threshold, x, low), limit))
    if name == "gelu" and getattr(operation, "approximate", False):
        return _approximate_gelu(x)
    if name in _ACTIVATE:
        return np.asarray(_ACTIVATE[name](x), np.float64)
    return np.asarray(operation(x.astype(np.float32)), np.float64)
