"""A network as data: its layers in order, what each costs, how much of the picture it sees.

A functional or sequential Keras model, however its parts are nested, is read into one flat graph.
`Graph.run` then computes any of its tensors in one go, also those inside nested models, which
`keras.Model(inputs, layer.output)` cannot reach.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from core.errors import GlassboxError

Ref: TypeAlias = tuple[int, int]  # (index of a node, index of one of its outputs)
Shape: TypeAlias = tuple[int, ...]  # without the batch
Pair: TypeAlias = tuple[int, int]  # (rows, columns)

CONVOLUTIONS = frozenset({"convolution", "depthwise_convolution", "separable_convolution"})
POOLS = frozenset({"max_pooling", "average_pooling", "global_average_pooling", "global_max_pooling"})
ACTIVATIONS = frozenset(
    {
        *("relu", "relu6", "clipped_relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "sigmoid"),
        *("hard_sigmoid", "hard_silu", "tanh", "softplus", "softsign", "exponential", "mish", "softmax"),
    }
)
ELEMENTWISE = frozenset({"add", "subtract", "multiply", "divide", "average", "maximum", "minimum"})
POINTWISE = (
    ACTIVATIONS | ELEMENTWISE | {"linear", "identity", "batch_normalisation", "rescaling", "normalisation"}
)

_KINDS = {
    "InputLayer": "input",
    "Conv2D": "convolution",
    "DepthwiseConv2D": "depthwise_convolution",
    "SeparableConv2D": "separable_convolution",
    "Conv2DTranspose": "transposed_convolution",
    "BatchNormalization": "batch_normalisation",
    "LayerNormalization": "layer_normalisation",
    "Normalization": "normalisation",
    "Rescaling": "rescaling",
    "MaxPooling2D": "max_pooling",
    "AveragePooling2D": "average_pooling",
    "GlobalAveragePooling2D": "global_average_pooling",
    "GlobalMaxPooling2D": "global_max_pooling",
    "Dense": "dense",
    "Add": "add",
    "Subtract": "subtract",
    "Multiply": "multiply",
    "Divide": "divide",
    "TrueDivide": "divide",
    "Average": "average",
    "Maximum": "maximum",
    "Minimum": "minimum",
    "Concatenate": "concatenate",
    "ZeroPadding2D": "zero_padding",
    "Cropping2D": "cropping",
    "UpSampling2D": "up_sampling",
    "Flatten": "flatten",
    "Reshape": "reshape",
    "Identity": "identity",
    "Dropout": "identity",
    "SpatialDropout2D": "identity",
    "AlphaDropout": "identity",
    "GaussianDropout": "identity",
    "GaussianNoise": "identity",
    "ActivityRegularization": "identity",
    "LeakyReLU": "leaky_relu",
    "PReLU": "prelu",
    "ELU": "elu",
    "Softmax": "softmax",
    # operations of `keras.ops`, as a functional model holds them
    "Relu": "relu",
    "Relu6": "relu6",
    "LeakyRelu": "leaky_relu",
    "Elu": "elu",
    "Selu": "selu",
    "Gelu": "gelu",
    "Silu": "silu",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Exp": "exponential",
    "Mish": "mish",
}


@dataclass(frozen=True, eq=False)
class Node:
    """One call of one layer: a layer that is called twice has two nodes."""

    name: str  # unique: "conv1", "conv1#2" for its second call, "backbone/conv1" inside a nested model
    kind: str  # "convolution", "relu6", ...; "other" if its arithmetic is not known here
    operation: Any = field(repr=False)  # the Keras layer or operation
    arguments: Any = field(repr=False)  # what it was called with, tensors and all
    slots: Mapping[int, Ref] = field(repr=False)  # identity of a Keras tensor -> where it comes from
    inputs: tuple[Ref, ...]
    shape: Shape  # of its first output

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of its maps; a vector is (1, 1, c)."""
        return as_map_shape(self.shape)


@dataclass(frozen=True, eq=False)
class Graph:
    """A network without its nesting: nodes in the order in which they are computed, the inputs first."""

    nodes: tuple[Node, ...]
    image: int  # the node of the image input; other inputs are fed with zeros
    output: Ref  # the classification, or the first output if nothing else is there
    dtypes: tuple[str, ...] = field(repr=False)  # of the inputs
    by_name: Mapping[str, int] = field(repr=False)

    def node(self, name: str) -> Node:
        """The node of that name.

        Raises:
            KeyError: no such layer.
        """
        return self.nodes[self.by_name[name]]

    def sources(self, node: Node) -> list[Node]:
        """The nodes whose outputs `node` reads, in the order of its arguments."""
        return [self.nodes[index] for index, _ in node.inputs]

    def consumers(self) -> list[list[int]]:
        """For each node the indices of those that read it."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for source in dict.fromkeys(source for source, _ in node.inputs):
                found[source].append(index)
        return found

    def ancestors(self, wanted: Collection[int]) -> set[int]:
        """Indices of all nodes that `wanted` are computed from, themselves among them."""
        found: set[int] = set()
        waiting = list(wanted)
        while waiting:
            index = waiting.pop()
            if index not in found:
                found.add(index)
                waiting += [source for source, _ in self.nodes[index].inputs]
        return found

    def run(self, image: Any, wanted: Collection[int]) -> dict[Ref, Any]:
        """Every tensor on the way from the image (n, h, w, c) to the nodes `wanted`, as at inference.

        Each layer is called as the network itself calls it. Meant to be traced by a `tf.function`.
        """
        import keras

        needed = self.ancestors(wanted)
        values: dict[Ref, Any] = {}
        for index, node in enumerate(self.nodes):
            if index not in needed:
                continue
            if node.kind == "input":
                if index == self.image:  # whole numbers have no gradient: such an input is fed with floats
                    floating = "float" in self.dtypes[index]
                    values[index, 0] = keras.ops.cast(image, self.dtypes[index] if floating else "float32")
                else:
                    shape = (keras.ops.shape(image)[0], *node.shape)
                    values[index, 0] = keras.ops.zeros(shape, self.dtypes[index])
                continue
            args, kwargs = node.arguments.fill_in({key: values[ref] for key, ref in node.slots.items()})
            if _takes_training(node.operation):
                kwargs = {**kwargs, "training": False}
            found = keras.tree.flatten(node.operation(*args, **kwargs))
            values.update({(index, output): value for output, value in enumerate(found)})
        return values

    def scores(self, values: Mapping[Ref, Any]) -> Any:
        """The logits (n, classes) among the tensors of `run`, also where the network ends in softmax.

        One sigmoid unit counts as two classes, with the logits 0 and z. Where only probabilities can be
        had, their logarithm serves: its softmax is the probabilities again.
        """
        from keras import ops

        index, _ = self.output
        node = self.nodes[index]
        while node.kind == "identity":
            index, _ = node.inputs[0]
            node = self.nodes[index]
        result = values[self.output]
        if node.kind in ("softmax", "sigmoid") and node.shape == self.nodes[self.output[0]].shape:
            result = values[node.inputs[0]]
        elif node.kind == "dense" and activation_of(node.operation) in ("softmax", "sigmoid"):
            layer = node.operation
            result = ops.matmul(values[node.inputs[0]], layer.kernel)
            result = result + layer.bias if layer.use_bias else result
        elif activation_of(node.operation) == "softmax":
            result = ops.log(ops.maximum(result, 1e-12))
        if len(result.shape) > 2:
            result = ops.mean(result, axis=tuple(range(1, len(result.shape) - 1)))
        if result.shape[-1] == 1:
            result = ops.concatenate([ops.zeros_like(result), result], axis=-1)
        return ops.cast(result, "float32")


@dataclass(frozen=True)
class Layer:
    """What is told of one layer. Sizes are in pixels of the network's own input."""

    name: str
    kind: str
    type: str  # the Keras class
    shape: Shape  # (height, width, channels) or (units,)
    parameters: int
    multiply_adds: int  # of convolutions and dense layers, for one picture
    receptive_field: Pair  # (height, width) that one position sees, the edges not counted in
    step: Pair  # how far apart two neighbours look: (rows, columns)
    whole: bool  # every position sees the whole picture
    inputs: tuple[str, ...]  # the layers that it reads: the edges of the diagram
    kernel: Pair | None = None
    stride: Pair | None = None
    dilation: Pair | None = None
    padding: str | None = None
    groups: int = 1
    activation: str = "linear"


def as_map_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    """(height, width, channels) under which a tensor of any rank is shown."""
    *rest, channels = shape or (1,)
    if len(rest) == 2:
        return rest[0], rest[1], channels
    return 1, math.prod(rest), channels


def functional(network: Any) -> Any:
    """The functional graph that `network` is, or None: a layer, or a model that is only code."""
    import keras

    if isinstance(network, keras.Sequential):
        if not network.built and network.inputs is None:
            return None
        return getattr(network, "_functional", None)
    functional_class = type(_smallest(keras))
    if isinstance(network, functional_class) and type(network).call is functional_class.call:
        return network
    return None


_SMALLEST: list[Any] = []


def _smallest(keras: Any) -> Any:
    """The smallest functional model; its class has no public name."""
    if not _SMALLEST:
        inputs = keras.Input((1,))
        _SMALLEST.append(keras.Model(inputs, inputs))
    return _SMALLEST[0]


def read(network: Any, side: int | None = None) -> Graph:
    """The flat graph of a functional or sequential Keras model, nested to any depth.

    Args:
        network: the model.
        side: height and width of the picture, where the network leaves them open.

    Raises:
        GlassboxError: the model is not a graph of layers, or no input takes a picture.
    """
    top = functional(network)
    if top is None:
        raise GlassboxError("error.inside.graph", name=type(network).__name__)
    reader = _Reader(side)
    inputs: list[Ref] = []
    for tensor in top.inputs:
        inputs.append(reader.add_input(tensor))
    outputs = reader.walk(top, "", inputs)
    nodes = tuple(reader.nodes)
    pictures = [index for index, _ in inputs if _is_picture(nodes[index].shape)]
    if not pictures:
        got = "; ".join(" × ".join(map(str, nodes[index].shape)) for index, _ in inputs)
        raise GlassboxError("error.inside.no_image", got=got)
    vectors = [ref for ref in outputs if len(reader.shapes[ref]) == 1]
    output = next((ref for ref in vectors if reader.shapes[ref][0] > 1), (vectors or outputs)[0])
    names = {node.name: index for index, node in enumerate(nodes)}
    return Graph(nodes, pictures[0], output, tuple(reader.dtypes), names)


def _is_picture(shape: Shape) -> bool:
    return len(shape) == 3 and shape[-1] in (1, 3, 4) and min(shape) > 0


class _Reader:
    """Collects the nodes of a model and of the models inside it."""

    def __init__(self, side: int | None) -> None:
        self.side = side
        self.nodes: list[Node] = []
        self.dtypes: list[str] = []
        self.shapes: dict[Ref, Shape] = {}
        self.calls: dict[str, int] = {}

    def name(self, wanted: str) -> str:
        """`wanted`, or with its number from the second call on."""
        call = self.calls[wanted] = self.calls.get(wanted, 0) + 1
        return wanted if call == 1 else f"{wanted}#{call}"

    def add_input(self, tensor: Any) -> Ref:
        shape = tuple(tensor.shape[1:])
        if len(shape) == 3:
            shape = tuple(size if size is not None else self.side for size in shape[:2]) + shape[2:]
        if any(size is None for size in shape):
            shape = tuple(size or 1 for size in shape)
        operation = tensor._keras_history.operation
        name = self.name(operation.name if operation is not None else tensor.name)
        self.nodes.append(Node(name, "input", operation, None, {}, (), shape))
        self.dtypes.append(str(tensor.dtype))
        ref = (len(self.nodes) - 1, 0)
        self.shapes[ref] = shape
        return ref

    def walk(self, model: Any, prefix: str, inputs: Sequence[Ref]) -> list[Ref]:
        """Add the nodes of `model`, whose inputs are the tensors `inputs`; where its outputs are."""
        import keras

        known: dict[int, Ref] = {id(t): ref for t, ref in zip(model.inputs, inputs, strict=True)}
        order = {id(operation): index for index, operation in enumerate(model.operations)}
        for depth in sorted(model._nodes_by_depth, reverse=True):
            calls = model._nodes_by_depth[depth]
            for call in sorted(calls, key=lambda call: order[id(call.operation)]):
                if call.is_input or all(id(tensor) in known for tensor in call.outputs):
                    continue
                tensors = call.arguments.keras_tensors
                refs = [known[id(tensor)] for tensor in tensors]
                inner = functional(call.operation)
                if inner is not None and len(refs) == len(inner.inputs):
                    name = self.name(prefix + call.operation.name)
                    outputs = self.walk(inner, f"{name}/", refs)
                else:
                    slots = {id(t): ref for t, ref in zip(tensors, refs, strict=True)}
                    index = len(self.nodes)
                    shapes = self.output_shapes(call, slots)
                    outputs = [(index, output) for output in range(len(call.outputs))]
                    self.shapes.update(zip(outputs, shapes, strict=True))
                    name = self.name(prefix + call.operation.name)
                    kind = kind_of(call.operation, len(shapes[0]) + 1)
                    node = Node(name, kind, call.operation, call.arguments, slots, tuple(refs), shapes[0])
                    self.nodes.append(node)
                    self.dtypes.append(str(call.outputs[0].dtype))
                known.update({id(t): ref for t, ref in zip(call.outputs, outputs, strict=True)})
        return [known[id(tensor)] for tensor in keras.tree.flatten(model.outputs)]

    def output_shapes(self, call: Any, slots: Mapping[int, Ref]) -> list[Shape]:
        """Without the batch; computed from the real inputs where the model leaves sizes open."""
        import keras

        stated = [tuple(tensor.shape[1:]) for tensor in call.outputs]
        closed = all(size is not None for shape in stated for size in shape)
        same = all(tuple(t.shape[1:]) == self.shapes[slots[id(t)]] for t in call.arguments.keras_tensors)
        if closed and same:
            return stated
        real = {
            id(t): keras.KerasTensor((None, *self.shapes[slots[id(t)]]), dtype=t.dtype)
            for t in call.arguments.keras_tensors
        }
        args, kwargs = call.arguments.fill_in(real)
        found = keras.tree.flatten(call.operation.compute_output_spec(*args, **kwargs))
        return [tuple(size or 1 for size in spec.shape[1:]) for spec in found]


def kind_of(operation: Any, rank: int = 4) -> str:
    """What kind of arithmetic a Keras layer or operation does; "other" if it is not known here.

    `rank` is that of its output with the batch.
    """
    kind, module = type(operation).__name__, type(operation).__module__
    if not module.startswith("keras."):
        return "other"
    if kind == "Average" and ".ops." in module:  # not the layer that takes the mean of its inputs
        return "other"
    if getattr(operation, "data_format", "channels_last") != "channels_last":
        return "other"
    if kind == "ReLU":
        if operation.negative_slope or operation.threshold:
            return "clipped_relu"
        return {None: "relu", 6.0: "relu6"}.get(operation.max_value, "clipped_relu")
    if kind == "Activation":
        name = activation_of(operation)
        return name if name in ACTIVATIONS else {"linear": "identity"}.get(name, "other")
    if kind in ("BatchNormalization", "Concatenate", "Softmax", "LayerNormalization"):
        axis = getattr(operation, "axis", -1)
        if axis not in (-1, rank - 1, [-1], [rank - 1]):
            return "other"
    return _KINDS.get(kind, "other")


def activation_of(operation: Any) -> str:
    """The name of a layer's own activation; "linear" if it has none."""
    function = getattr(operation, "activation", None)
    if function is None:
        return "linear"
    name = str(getattr(function, "__name__", type(function).__name__))
    return {"ReLU": kind_of(function), "LeakyReLU": "leaky_relu", "Softmax": "softmax"}.get(name, name)


_TRAINING: dict[type, bool] = {}


def _takes_training(operation: Any) -> bool:
    import inspect

    cls = type(operation)
    if cls not in _TRAINING:
        _TRAINING[cls] = "training" in inspect.signature(cls.call).parameters
    return _TRAINING[cls]


# --- geometry: which positions of its inputs a position reads ----------------------------------------


@dataclass(frozen=True)
class Window:
    """A position i of a layer reads, on one axis, i * stride - before + (0 ... kernel - 1) * dilation."""

    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    before: int = 0
    repeat: int = 1  # up-sampling: `repeat` positions read the same one

    def interval(self, first: int, last: int) -> tuple[int, int]:
        """What the positions `first` ... `last` read together, both ends included."""
        low = first // self.repeat * self.stride - self.before
        high = last // self.repeat * self.stride - self.before + (self.kernel - 1) * self.dilation
        return low, high


def pair(value: Any) -> Pair:
    """A Keras size, one number or two, as (rows, columns)."""
    if isinstance(value, int):
        return value, value
    rows, columns = value
    return int(rows), int(columns)


def same_padding(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Zeros before the first position under TensorFlow's "same": the odd one goes behind."""
    outputs = -(-size // stride)
    return max((outputs - 1) * stride + (kernel - 1) * dilation + 1 - size, 0) // 2


def windows(node: Node, source: tuple[int, int, int]) -> tuple[Window, Window] | None:
    """The windows on rows and columns through which `node` reads an input of shape `source`.

    None if every position may depend on all of the input.
    """
    layer, kind = node.operation, node.kind
    if kind in CONVOLUTIONS or kind in ("max_pooling", "average_pooling"):
        pooling = kind in POOLS
        kernel = pair(layer.pool_size if pooling else layer.kernel_size)
        dilation = (1, 1) if pooling else pair(layer.dilation_rate)
        stride = pair(layer.strides)
        found = []
        for axis in (0, 1):
            before = 0
            if layer.padding == "same":
                before = same_padding(source[axis], kernel[axis], stride[axis], dilation[axis])
            found.append(Window(kernel[axis], stride[axis], dilation[axis], before))
        return found[0], found[1]
    if kind == "zero_padding":
        (top, _), (left, _) = layer.padding
        return Window(before=top), Window(before=left)
    if kind == "cropping":
        (top, _), (left, _) = layer.cropping
        return Window(before=-top), Window(before=-left)
    if kind == "up_sampling" and layer.interpolation == "nearest":
        rows, columns = pair(layer.size)
        return Window(repeat=rows), Window(repeat=columns)
    if kind in POINTWISE or kind in ("concatenate", "layer_normalisation"):
        return Window(), Window()
    if kind == "dense" and len(node.shape) == 3:
        return Window(), Window()
    return None


def seen_by(
    graph: Graph, name: str, row: int, column: int, channel: int = 0
) -> tuple[int, int, int, int] | None:
    """The receptive field of one position on the network's input, exactly, the edges counted in.

    (left, top, right, bottom) in input pixels, right and bottom not included; None if the position
    depends on no pixel, as in the border of a zero padding. Worked back from kernel, stride, dilation and
    padding of every layer on every path.
    """
    start = graph.by_name[name]
    node = graph.nodes[start]
    boxes: dict[int, tuple[int, int, int, int]] = {start: (row, column, row, column)}  # both ends included
    if node.kind in ("flatten", "reshape"):  # one number of the input, moved
        before = graph.sources(node)[0]
        row, column, _ = unravel(flat_index(node.map_shape, (row, column, channel)), before.map_shape)
        start = node.inputs[0][0]
        boxes = {start: (row, column, row, column)}
    for index in range(start, -1, -1):
        box = boxes.get(index)
        node = graph.nodes[index]
        if box is None or node.kind == "input":
            continue
        for source_index, _ in node.inputs:
            height, width, _ = shape = graph.nodes[source_index].map_shape
            through = windows(node, shape)
            if through is None:
                top, left, bottom, right = 0, 0, height - 1, width - 1
            else:
                top, left, bottom, right = box
                if node.kind in ELEMENTWISE:  # one number for all positions stands at 0
                    top, bottom = (0, 0) if height == 1 else (top, bottom)
                    left, right = (0, 0) if width == 1 else (left, right)
                top, bottom = through[0].interval(top, bottom)
                left, right = through[1].interval(left, right)
            top, left = max(top, 0), max(left, 0)
            bottom, right = min(bottom, height - 1), min(right, width - 1)
            if top > bottom or left > right:
                continue  # nothing but padding
            known = boxes.get(source_index)
            if known is not None:
                top, left = min(top, known[0]), min(left, known[1])
                bottom, right = max(bottom, known[2]), max(right, known[3])
            boxes[source_index] = (top, left, bottom, right)
    found = boxes.get(graph.image)
    if found is None:
        return None
    top, left, bottom, right = found
    return left, top, right + 1, bottom + 1


def flat_index(shape: tuple[int, int, int], position: tuple[int, int, int]) -> int:
    """Where (row, column, channel) stands in the flattened array."""
    row, column, channel = position
    return (row * shape[1] + column) * shape[2] + channel


def unravel(index: int, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """(row, column, channel) of the number that stands at `index` in the flattened array."""
    rest, channel = divmod(index, shape[2])
    row, column = divmod(rest, shape[1])
    return row, column, channel


# --- the network as a list ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Field:
    """On one axis: a position i sees the input's start + i * step ... with `size` positions."""

    start: int = 0
    size: int = 1
    step: int = 1
    whole: bool = False


def layers(graph: Graph) -> tuple[Layer, ...]:
    """Every layer in network order with shape, parameters, multiply-adds, receptive field and edges.

    The receptive field is the theoretical one, larger than the picture in deep layers; multiply-adds
    are those of convolutions and dense layers. Parameters of a layer that is called twice are counted
    at its first call. References: Araujo et al., "Computing Receptive Fields of Convolutional Neural
    Networks", Distill 2019.
    """
    found: list[Layer] = []
    fields: list[tuple[_Field, _Field]] = []
    counted: set[int] = set()
    for node in graph.nodes:
        field_ = _fields(graph, node, fields)
        fields.append(field_)
        rows, columns = field_
        layer = node.operation
        parameters = 0
        if id(layer) not in counted and node.kind != "input":
            counted.add(id(layer))
            parameters = sum(math.prod(weight.shape) for weight in getattr(layer, "weights", ()))
        height, width = graph.nodes[graph.image].map_shape[:2]
        whole = rows.whole or columns.whole
        sizes = (height, width) if whole else (rows.size, columns.size)
        has_kernel = node.kind in CONVOLUTIONS or node.kind in ("max_pooling", "average_pooling")
        found.append(
            Layer(
                name=node.name,
                kind=node.kind,
                type=type(layer).__name__,
                shape=node.shape,
                parameters=parameters,
                multiply_adds=_multiply_adds(graph, node),
                receptive_field=sizes,
                step=(rows.step, columns.step),
                whole=whole,
                inputs=tuple(dict.fromkeys(source.name for source in graph.sources(node))),
                kernel=pair(getattr(layer, "kernel_size", None) or layer.pool_size) if has_kernel else None,
                stride=pair(layer.strides) if has_kernel else None,
                dilation=pair(layer.dilation_rate) if node.kind in CONVOLUTIONS else None,
                padding=layer.padding if has_kernel else None,
                groups=getattr(layer, "groups", 1) if node.kind == "convolution" else 1,
                activation="linear" if node.kind in ACTIVATIONS else activation_of(layer),
            )
        )
    return tuple(found)


def _fields(graph: Graph, node: Node, known: Sequence[tuple[_Field, _Field]]) -> tuple[_Field, _Field]:
    if node.kind == "input":
        return _Field(), _Field()
    axes: list[_Field] = []
    for axis in (0, 1):
        paths = []
        for index, _ in node.inputs:
            before = known[index][axis]
            shape = graph.nodes[index].map_shape
            through = windows(node, shape)
            if through is None or before.whole:
                paths.append(_Field(whole=True))
                continue
            window = through[axis]
            size = before.size + (window.kernel - 1) * window.dilation * before.step
            step = max(before.step * window.stride // window.repeat, 1)
            paths.append(_Field(before.start - window.before * before.step, size, step))
        if not paths or any(path.whole for path in paths):
            axes.append(_Field(whole=True))
            continue
        start = min(path.start for path in paths)
        end = max(path.start + path.size for path in paths)
        axes.append(_Field(start, end - start, max(path.step for path in paths)))
    return axes[0], axes[1]


def _multiply_adds(graph: Graph, node: Node) -> int:
    """Products that are summed, for one picture."""
    layer = node.operation
    if node.kind not in CONVOLUTIONS and node.kind not in ("dense", "transposed_convolution"):
        return 0
    height, width, _ = node.map_shape
    if node.kind == "separable_convolution":
        kernels = math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)
        return int(kernels * height * width)
    if node.kind == "transposed_convolution":
        height, width, _ = graph.sources(node)[0].map_shape
    return int(math.prod(layer.kernel.shape) * height * width)


def worth_showing(graph: Graph) -> tuple[str, ...]:
    """Layers whose output is ready for the next: what a card of an uploaded model lists."""
    readers = graph.consumers()
    ready = []
    for index, node in enumerate(graph.nodes):
        if node.kind not in CONVOLUTIONS | ACTIVATIONS | POOLS | {
            "add",
            "concatenate",
            "batch_normalisation",
        }:
            continue
        if len(node.shape) != 3:
            continue
        kinds = {graph.nodes[reader].kind for reader in readers[index]}
        if kinds and kinds <= ACTIVATIONS | {"batch_normalisation", "identity"}:
            continue
        ready.append(node.name)
    return tuple(ready)
